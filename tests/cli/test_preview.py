import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

SHOWN = {
    "schema_version": 1,
    "state": "shown",
    "reason": "",
    "user": "ada@acme.test",
    "mailbox": "ada.l@acme.test",
    "read_mode": "own",
    "privacy": {"level": "private-masked", "rule": "bridge.privacy"},
    "events": {
        "window": {"start": "2026-03-02T07:00:00Z", "end": "2026-03-03T08:00:00Z"},
        "wire": "<iq>…\u202e</iq>",
        "bytes": 12,
        "read_at": "2026-03-02T08:00:00Z",
        "stale": False,
        "doubtful": False,
        "items": [
            [
                {"name": "subject", "value": "Private appointment", "rule": "the appointment is marked as private"},
                {"name": "timezone", "value": None, "rule": "Exchange told none"},
            ]
        ],
        "left_out": 0,
    },
    "autoreply": {
        "wire": "<iq/>",
        "bytes": 5,
        "fields": [{"name": "state", "value": "disabled", "rule": "as it stands in Exchange"}],
    },
    "notify": {
        "wire": '{"value": ["5f01"]}',
        "bytes": 19,
        "fields": [{"name": "value", "value": "5f01", "rule": "Rainbow's own id of the user"}],
    },
    "never": [{"name": "location", "value": None, "rule": "Exchange is not asked for it"}],
}


def preview(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["preview", *arguments])
    return result.exit_code, result.output


def test_the_screen(page: Page) -> None:
    page.previewed = SHOWN

    code, text = preview("ada@acme.test")

    assert code == 0
    assert [line.rstrip() for line in text.splitlines()] == [
        "ada@acme.test: mailbox ada.l@acme.test, read by itself",
        "Privacy: private-masked, by bridge.privacy",
        "",
        "Appointments from 2026-03-02T07:00:00Z to 2026-03-03T08:00:00Z",
        "  subject   Private appointment  the appointment is marked as private",
        "  timezone  -                    Exchange told none",
        "",
        "",
        "Automatic reply",
        "  state  disabled  as it stands in Exchange",
        "",
        "Told of a change, before Rainbow asks",
        "  value  5f01  Rainbow's own id of the user",
        "",
        "Never told",
        "  location  Exchange is not asked for it",
        "",
        "On the wire, notify, 19 bytes",
        '{"value": ["5f01"]}',
        "",
        "On the wire, events, 12 bytes",
        "<iq>…?</iq>",
        "",
        "On the wire, autoreply, 5 bytes",
        "<iq/>",
    ]


def test_what_is_odd_is_said(page: Page) -> None:
    events = SHOWN["events"] | {"stale": True, "doubtful": True, "items": [], "left_out": 3}  # type: ignore[operator]  # a dict
    reply = {"wire": "<iq/>", "bytes": 5, "refused": "item-not-found", "why": "no-mailbox"}
    page.previewed = SHOWN | {"events": events, "autoreply": reply, "reason": "Nothing leaves at present."}

    _, text = preview("ada@acme.test")

    assert "Nothing leaves at present." in text
    assert "  Exchange cannot be read now; these were read at 2026-03-02T08:00:00Z." in text
    assert "what is Confidential or Personal is not known, and its subject is shown" in text
    assert "  none\n  3 more do not fit into an answer.\n" in text
    assert "  refused: item-not-found (no-mailbox)" in text


def test_json_is_what_the_daemon_says(page: Page) -> None:
    page.previewed = SHOWN

    code, text = preview("--json", "ada@acme.test")

    assert (code, json.loads(text)) == (0, SHOWN | {"address": "ada@acme.test"})


def test_a_daemon_that_says_nothing_of_being_told_is_shown_all_the_same(page: Page) -> None:
    page.previewed = {name: value for name, value in SHOWN.items() if name != "notify"}

    code, text = preview("ada@acme.test")

    assert (code, "Told of a change" in text, "On the wire, events" in text) == (0, False, True)


def test_an_address_that_nobody_has_is_1(page: Page) -> None:
    page.previewed["reason"] = "Nobody."
    assert preview("nobody@acme.test") == (1, "nobody@acme.test: Nobody.\n")


def test_no_address_is_asked_of_no_daemon() -> None:
    code, text = preview(" ")

    assert code == 2
    assert "Name a user's address." in text


def test_without_a_daemon_it_is_3_with_the_next_step() -> None:
    code, text = preview("ada@acme.test")

    assert code == 3
    assert "Next step: start it" in text
