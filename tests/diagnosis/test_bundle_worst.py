"""The worst are a few of each kind, and everybody is counted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rainbow_exchange.diagnosis.bundle import worst
from rainbow_exchange.diagnosis.bundle.collect import NotCollected

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def row(name: str, reason: str = "", problem: str | None = None, state: str = "uncovered") -> dict[str, Any]:
    return {
        "user": name,
        "state": state,
        "finding": "no-right",
        "reason": reason,
        "read_mode": None,
        "problem": problem,
    }


class Daemon:
    """Answers as the running one does, two people a page."""

    def __init__(self, **people: list[dict[str, Any]]) -> None:
        self.people = people
        self.explained: list[str] = []

    def ask(self, path: str, content: Any) -> Any:
        if path == "/api/explain":
            if "at" not in content:
                self.explained.append(content["address"])
            return dict(content)
        found = self.people.get(content["state"].replace("-", "_"), []) if content["state"] else self.everybody()
        end = content["offset"] + min(2, content["limit"])
        return {
            "state": "shown",
            "as_of": "2026-03-02T08:00:00Z",
            "counts": {"total": len(self.everybody())},
            "people": found[content["offset"] : end],
            "next_offset": end if end < len(found) else None,
        }

    def everybody(self) -> list[dict[str, Any]]:
        return [each for people in self.people.values() for each in people]


def test_two_of_each_problem_and_reason_and_those_who_cannot_be_read_first() -> None:
    daemon = Daemon(
        not_streamed=[
            *(row(f"denied{n}", "ErrorAccessDenied", "mailbox-denied") for n in range(5)),
            row("none", "no-mailbox", "mailbox-not-found"),
        ],
        not_read=[row("unread", "timeout", "mailboxes-not-read")],
    )

    answer = worst.explained(daemon.ask, (), NOW)

    assert daemon.explained == ["unread", "denied0", "denied1", "none"]
    assert answer["people"][0] == {
        "now": {"address": "unread"},
        "past": {"address": "unread", "at": "2026-03-02T08:00:00+00:00"},
    }
    assert "two people of each problem and reason" in answer["chosen"]


def test_whoever_is_asked_for_comes_first_and_once() -> None:
    daemon = Daemon(not_streamed=[row("bob", "ErrorAccessDenied"), row("ada", "ErrorAccessDenied")])

    answer = worst.explained(daemon.ask, ("ada", "zoe"), NOW)

    assert daemon.explained == ["ada", "zoe", "bob"]
    assert answer["asked_for"] == ["ada", "zoe"]


def test_ten_at_most() -> None:
    assert worst.choose(iter([row(str(n), reason=str(n)) for n in range(50)])) == [str(n) for n in range(10)]


def test_somebody_with_whom_all_is_well_where_there_is_no_worse() -> None:
    daemon = Daemon(streamed=[row("ada", state="streamed"), row("bob", state="streamed")])

    answer = worst.explained(daemon.ask, (), NOW)

    assert daemon.explained == ["ada"]
    assert answer["chosen"] == "nobody has a problem: somebody with whom all is well"


def test_everybody_is_counted() -> None:
    daemon = Daemon(
        streamed=[row(str(n), state="streamed") for n in range(5)],
        not_streamed=[row("x", "ErrorAccessDenied", "mailbox-denied")],
    )

    answer = worst.mailboxes(daemon.ask)

    assert answer["counted"] == 6
    assert answer["counted_by"]["state"] == {"streamed": 5, "uncovered": 1}
    assert answer["counted_by"]["reason"] == {"": 5, "ErrorAccessDenied": 1}
    assert [each["user"] for each in answer["people"]] == ["x"]


def test_without_a_bridge_the_reason_is_given() -> None:
    def ask(_path: str, _content: object) -> Any:
        return {"state": "not-ready", "reason": "Exchange is looked for."}

    with pytest.raises(NotCollected, match=r"Exchange is looked for\."):
        worst.mailboxes(ask)
