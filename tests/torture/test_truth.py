"""What is judged of each answer that Rainbow gets, by calendars whose past is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.exchange.mailbox import Directory, LabMailbox, Mailbox, OutOfOffice, Right
from tests.torture.truth import Truth

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = {"subject": "First", "showAs": "busy", "startDate": "2026-03-02T13:00:00Z", "endDate": "2026-03-02T14:00:00Z"}
SECOND = {**FIRST, "subject": "Second"}


class Past:
    """A mailbox that has had nothing, then First, an hour later Second in its place."""

    def __init__(self) -> None:
        self.seconds = 0.0
        directory = Directory(now=self.now)
        self.mailbox: Mailbox = directory.add(LabMailbox(address="ada@acme.test", right=Right.REVIEWER))
        self.truth = Truth(time=lambda: self.seconds, now=self.now)
        self.truth.watch(self.mailbox)
        item = self.mailbox.calendar.create(Details(start=NOON + HOUR, end=NOON + 2 * HOUR, subject="First"))
        self.seconds = 3600.0
        self.mailbox.calendar.update(item, Details(start=NOON + HOUR, end=NOON + 2 * HOUR, subject="Second"))

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def judge(self, *answer: dict[str, str]) -> str:
        window = ["2026-03-02T12:30:00Z", "2026-03-03T12:30:00Z"]
        return self.truth.judge(_entry("events", list(answer), window=window), self.mailbox)

    def judge_absence(self, state: str, text: str = "", **dates: str) -> str:
        answer = {"state": state, "internalReplyMessage": text, "startDate": None, "endDate": None} | dates
        return self.truth.judge(_entry("autoreply", answer), self.mailbox)


def _entry(kind: str, answer: Any, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "email": "ada@acme.test", "outcome": "result", "answer": answer} | more


def test_what_is_so_is_right_and_so_is_what_was_so_a_while_ago() -> None:
    past = Past()
    assert not past.judge(FIRST)
    assert not past.judge(SECOND)


def test_what_was_so_before_the_last_answer_is_wrong() -> None:
    past = Past()
    assert not past.judge(SECOND)
    assert "only before what it was answered last" in past.judge(FIRST)
    assert "only before what it was answered last" in past.judge()


@pytest.mark.parametrize("answer", [[{**FIRST, "showAs": "free"}], [FIRST, SECOND], [{**FIRST, "subject": "Other"}]])
def test_what_never_was_so_is_wrong(answer: list[dict[str, str]]) -> None:
    assert "never so" in Past().judge(*answer)


def test_nobody_is_shown_free_who_has_not_been_since_the_last_answer() -> None:
    past = Past()
    assert not past.judge(FIRST)
    assert past.judge()


def test_what_was_so_longer_ago_than_twelve_hours_is_wrong() -> None:
    past = Past()
    past.seconds = 3600.0 + 12 * 3600.0 + 61.0
    assert past.judge(FIRST)


def test_only_where_times_alone_may_be_read_a_subject_may_be_hidden() -> None:
    hidden = {**FIRST, "subject": "Busy"}
    past = Past()
    assert past.judge(hidden)
    past.mailbox.right = Right.FREEBUSY
    past.truth.note(past.mailbox)
    assert not past.judge(hidden)


def test_an_answer_for_somebody_without_a_mailbox_is_wrong() -> None:
    assert "has no mailbox" in Past().truth.judge(_entry("autoreply", {}), None)


def test_a_refusal_shows_nothing() -> None:
    assert not Past().truth.judge(_entry("events", None) | {"outcome": "error"}, None)


def test_absences_are_judged_as_calendars_are() -> None:
    past = Past()
    start, end = NOON + 2 * HOUR, NOON + 3 * HOUR
    past.mailbox.oof = OutOfOffice(state="Scheduled", start=start, end=end, internal="Away")
    past.truth.note(past.mailbox)
    dates = {"startDate": start.isoformat(), "endDate": end.isoformat()}
    assert not past.judge_absence("disabled")
    assert not past.judge_absence("scheduled", "Away", **dates)
    assert past.judge_absence("scheduled", "Gone", **dates)
    assert past.judge_absence("enabled", "Away")
    past.seconds = 2 * 3600.0
    assert not past.judge_absence("enabled", "Away")
