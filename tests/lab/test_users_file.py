"""The users file."""

import json
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.users_file import read_users_file


def written(folder: Path, users: Any) -> Path:
    path = folder / "users.json"
    path.write_text(json.dumps(users, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_user_object_of_rainbow_is_read_and_given_back_as_it_was(tmp_path: Path) -> None:
    entry = {
        "id": "5f00000000000000000000a1",
        "loginEmail": "ada@acme.test",
        "firstName": "Ada",
        "lastName": "L",
        "displayName": "Ada L 🌻",
        "emails": [{"email": "ada.l@corp.acme.test", "type": "work"}, {"email": "ada@home.test", "type": "home"}],
        "authenticationExternalUid": "ada.l@corp.acme.test",
        "userInfo1": None,
        "userInfo2": "x",
        "roles": ["user"],
        "companyId": "5f00000000000000000000c1",
        "companyName": "Acme",
        "jid_im": "1f2e@rainbow.test",
        "isActive": True,
        "isInitialized": True,
        "isTerminated": False,
        "guestMode": False,
        "timezone": "Europe/Paris",
        "language": "fr",
        "lastUpdateDate": "2026-01-04T10:00:00.000Z",
        "canSynchCalendar": True,
    }
    (user,) = read_users_file(written(tmp_path, [entry]))
    assert entry.items() <= user.as_json().items()
    assert user.jid_password


def test_the_mailbox_is_the_one_named_or_that_of_the_work_address_or_that_of_the_login(tmp_path: Path) -> None:
    work = [{"email": "w@acme.test", "type": "work"}]
    users = read_users_file(
        written(
            tmp_path,
            [
                {"loginEmail": "a@acme.test", "emails": work, "mailbox": "m@acme.test"},
                {"loginEmail": "b@acme.test", "emails": work, "mailbox": None},
                {"loginEmail": "c@acme.test", "emails": work},
                {"loginEmail": "d@acme.test"},
                {
                    "loginEmail": "e@acme.test",
                    "mailbox": {"address": "e1@acme.test", "upn": "u@x", "aliases": ["e@acme.test"]},
                },
            ],
        )
    )
    addresses = [user.mailbox and user.mailbox.address for user in users]
    assert addresses == ["m@acme.test", None, "w@acme.test", "d@acme.test", "e1@acme.test"]
    assert users[4].mailbox is not None
    assert (users[4].mailbox.upn, users[4].mailbox.aliases) == ("u@x", ("e@acme.test",))


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    faulty = [
        {"emails": []},
        {"loginEmail": "a@acme.test", "emails": [{"email": "x@y", "type": "private"}], "isActive": "yes"},
        {"loginEmail": "b@acme.test", "id": "1"},
        {"loginEmail": "B@acme.test", "id": "1"},
        {"loginEmail": "c@acme.test", "mailbox": 3},
        {"loginEmail": "d@acme.test", "mailbox": {"address": "d@acme.test", "colour": "red"}},
        "nobody",
    ]
    with pytest.raises(UserError) as raised:
        read_users_file(written(tmp_path, faulty))
    problems = raised.value.problems
    for piece in (
        *(
            "user 1: loginEmail is missing",
            "user 2 (a@acme.test): an entry of emails",
            "isActive must be true or false",
        ),
        *("user 4 (B@acme.test): id 1 stands twice", "user 4 (B@acme.test): this loginEmail stands twice"),
        *("user 5 (c@acme.test): mailbox must be", "mailbox: colour is not known", "user 7: must be an object"),
    ):
        assert any(piece in problem for problem in problems), piece
    assert len(problems) == 8


@pytest.mark.parametrize(
    ("content", "piece"), [(b"{", "not JSON"), (b"\xff", "not JSON"), (b"{}", "must be a JSON list")]
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, content: bytes, piece: str) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=piece):
        read_users_file(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_users_file(tmp_path / "absent.json")
