"""Parts of a bundle: cleaned, bounded, and named where they are missing."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.bridge.member import Member
from rainbow_exchange.diagnosis.bundle import archive, collect, daemon_parts, machine, tails
from rainbow_exchange.diagnosis.bundle.cleaning import Cleaning
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Source, clean, read
from rainbow_exchange.diagnosis.bundle.hiding import Hiding, is_of_a_person
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

SECRET = 'p&ss"wörd/1'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        "p%26ss%22w%C3%B6rd%2F1",
        r"p&ss\"w\u00f6rd/1",
        r"p&ss\"wörd/1",
        "p&amp;ss&quot;wörd/1",
        "cCZzcyJ3w7ZyZC8x",
    ],
)
def test_a_secret_is_taken_out_in_every_form_and_mode(written: str) -> None:
    for hiding in (None, Hiding(b"k" * 32)):
        cleaning = Cleaning(hiding, [SECRET])
        for shown in (
            cleaning.text(f"one\nsaid {written} again"),
            json.dumps(cleaning.value({"reason": f"said {written} again"}), ensure_ascii=False),
            cleaning.log_line(f"said {written} again"),
        ):
            assert written not in shown
            assert "***" in shown


@pytest.mark.parametrize("written", ["%68%75%6Eter2", r"\u0068unter2", "c3ZjOmh1bnRlcjI=", "AHN2YwBodW50ZXIy"])
def test_a_secret_is_taken_out_where_escapes_or_base64_hide_it(written: str) -> None:
    for hiding in (None, Hiding(b"k" * 32)):
        assert Cleaning(hiding, ["hunter2"]).text(f"said {written} again") == "said *** again"


def test_a_line_of_a_log_is_redacted_once_more() -> None:
    cleaning = Cleaning(None)

    line = cleaning.log_line('{"event": "x", "subject": "Sbj", "reason": "Bearer abcdefgh12345", "n": 1}')

    assert json.loads(line) == {"event": "x", "subject": "***", "reason": "Bearer ***", "n": 1}
    assert cleaning.log_line("Cookie: abcdef") == "Cookie: ***"
    assert cleaning.log_line("[1]") == "[1]"


def failing(error: Exception) -> Any:
    def give() -> Any:
        raise error

    return give


def test_what_cannot_be_had_is_named_and_the_rest_comes() -> None:
    sources = [
        Source("a.json", "first", lambda: {"x": 1}),
        Source("b.txt", "second", failing(NotCollected("the daemon does not run"))),
        Source("c.log", "third", failing(PermissionError(13, "Permission denied", "/x"))),
        Source("d.json", "fourth", failing(LookupError("ada@acme.test"))),
        Source("e.log", "fifth", lambda: ["one", "two"]),
    ]

    parts, missing = clean(map(read, sources), Cleaning(None))

    assert [(part.name, part.content) for part in parts] == [("a.json", b'{\n "x": 1\n}\n'), ("e.log", b"one\ntwo\n")]
    assert [(each.name, each.what, each.why) for each in missing] == [
        ("b.txt", "second", "the daemon does not run"),
        ("c.log", "third", "it cannot be read (Permission denied)"),
        ("d.json", "fourth", "it failed (LookupError); that is a fault of this program"),
    ]


def test_what_is_said_of_a_file_is_cleaned_too() -> None:
    sources = [
        Source("a.log", "the end of /home/Zoe/log", list),
        Source("b.log", "the end of /home/Zoe/log", failing(NotCollected("of zoe@acme.test"))),
    ]

    parts, missing = clean(map(read, sources), Cleaning(Hiding(b"k" * 32)))

    assert "Zoe" not in parts[0].what + missing[0].what
    assert "zoe" not in missing[0].why


def test_each_part_and_all_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MOST_BYTES", 2000)
    monkeypatch.setattr(collect, "MOST_BYTES_IN_ALL", 4000)
    sources = [
        Source("a.log", "", lambda: [f"line {number:03}" for number in range(1000)]),
        Source("b.json", "", lambda: {"many": [f"entry {number:03}" for number in range(1000)], "few": 1}),
        Source("c.log", "", lambda: ["x" * 1500]),
    ]

    parts, missing = clean(map(read, sources), Cleaning(None))

    assert [part.left_out for part in parts] == ["778 lines before these", "whatever is beyond 62 entries of a list"]
    assert parts[0].content.endswith(b"line 999\n")
    assert json.loads(parts[1].content) == {"many": [f"entry {number:03}" for number in range(62)], "few": 1}
    assert all(len(part.content) <= 2000 for part in parts)
    assert [each.name for each in missing] == ["c.log"]


def test_the_manifest_describes_each_file() -> None:
    now = datetime(2026, 3, 2, 8, 0, 2, tzinfo=UTC)
    parts, missing = clean([read(Source("a.txt", "the letter", lambda: "x"))], Cleaning(None))

    packed = archive.pack(archive.manifest({"made": "now"}, parts, missing), parts, now)

    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        assert file.namelist() == ["manifest.json", "a.txt"]
        assert file.getinfo("a.txt").date_time == (2026, 3, 2, 8, 0, 2)
        assert json.loads(file.read("manifest.json")) == {
            "schema_version": 1,
            "made": "now",
            "files": [
                {
                    "name": "a.txt",
                    "what": "the letter",
                    "bytes": 1,
                    "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
                    "left_out": "",
                }
            ],
            "missing": [],
        }
    assert archive.name(now) == "rainbow-exchange-support-20260302T080002Z.zip"


def test_the_end_of_a_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_bytes(b"".join(b"line %03d\n" % number for number in range(100)))
    (tmp_path / "log.json.1").write_text("older")

    assert tails.lines(file, 20) == ["(882 bytes stand before this line)", "line 098", "line 099"]
    assert tails.lines(file)[0] == "line 000"
    assert [path.name for path in tails.files(file)] == ["log.json", "log.json.1"]


def test_the_last_lines_fit_into_what_is_given() -> None:
    assert daemon_parts.last_lines(["first", "sécond", "third"], 24) == ["sécond", "third"]


def member(number: int, **more: Any) -> Member:
    user = RainbowUser(id=f"id{number}", login_email=f"u{number}@acme.test", **more)
    return Member(user)


def test_the_daemon_names_its_people_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_parts, "_PEOPLE", 2)
    odd = member(1, external_uid="jdoe", personal_emails=("j@doe.test",))
    odd.mailbox = Mailbox(address="john@acme.test", principal="S-1")
    members = [member(3), odd, member(2)]

    first = daemon_parts.people(members, "")

    assert first == {
        "names": [
            ["u1@acme.test", "id1", "j@doe.test", "jdoe", "john@acme.test", "S-1"],
            ["u2@acme.test", "id2"],
        ],
        "domains": ["acme.test"],
        "next": "id2",
    }
    assert daemon_parts.people(members, "id2") == {"names": [["u3@acme.test", "id3"]], "domains": [], "next": None}


def test_a_domain_of_one_person_only_may_be_theirs() -> None:
    assert daemon_parts.people([member(1)], "")["domains"] == []


@pytest.mark.parametrize(
    ("name", "it_is"),
    [("root", False), ("NT AUTHORITY\\SYSTEM", False), ("SRV01$", False), ("1001", False), ("ada", True)],
)
def test_accounts_of_people(name: str, it_is: bool) -> None:
    assert is_of_a_person(name) is it_is


def test_versions_name_what_is_installed() -> None:
    found = machine.versions(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))

    assert found["packages"]["aiohttp"]
    assert found["libraries"]["openssl"].startswith("OpenSSL")
    assert found["libraries"]["sqlite"].startswith("3.")
    assert found["time"]["clock"] == "2026-03-02T08:00:00+00:00"
