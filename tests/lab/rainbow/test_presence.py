"""The rule by which clients are shown something."""

from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.lab.rainbow.answers import ToldAutoReply, ToldEvent
from rainbow_exchange.lab.rainbow.presence import Known, automatic_reply, iso, shown

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def event(subject: str, since: int, until: int, show_as: str = "busy") -> ToldEvent:
    """Make an event from `since` to `until`, in minutes from noon."""
    start, end = NOON + timedelta(minutes=since), NOON + timedelta(minutes=until)
    return ToldEvent(id=subject, subject=subject, type="singleInstance", show_as=show_as, start=start, end=end)


@pytest.mark.parametrize(
    ("events", "status", "subject"),
    [
        ([], "free", None),
        ([event("a", -30, 30)], "busy", "a"),
        ([event("a", -30, 0)], "free", None),
        ([event("a", 0, 30)], "busy", "a"),
        ([event("a", 1, 30)], "free", None),
        ([event("a", -30, 30, "free")], "free", None),
        ([event("a", -30, 30, "tentative"), event("b", -30, 30, "workingelsewhere")], "free", None),
        ([event("a", -30, 30, "oof"), event("b", -10, 30)], "out_of_office", "a"),
        ([event("day", -600, 600), event("meeting", -10, 20)], "busy", "meeting"),
        ([event("short", -10, 10), event("long", -10, 20)], "busy", "long"),
    ],
)
def test_the_first_rule_that_applies_wins(events: list[ToldEvent], status: str, subject: str | None) -> None:
    now = shown(Known().with_events(events, 1), NOON)
    assert (now.status, now.subject) == (status, subject)
    assert now.busy == (status != "free")


def test_the_automatic_reply_outdoes_every_event() -> None:
    known = Known().with_events([event("a", -30, 30)], 1).with_auto_reply(ToldAutoReply(state="enabled"), 2)
    assert shown(known, NOON).status == "out_of_office"
    end = NOON + timedelta(minutes=10)
    scheduled = known.with_auto_reply(ToldAutoReply(state="scheduled", end=end, internal_text="Away"), 3)
    assert shown(scheduled, NOON).until == end
    assert shown(scheduled, end).status == "busy"
    assert automatic_reply(scheduled, NOON)["message_text"] == "Away"
    assert automatic_reply(scheduled, end)["enabled"] is False


def test_who_was_never_told_of_is_not_enabled() -> None:
    assert shown(Known(), NOON).status == "not_enabled"
    assert shown(Known().with_auto_reply(ToldAutoReply(state="disabled"), 1), NOON).status == "not_enabled"
    assert automatic_reply(Known(), NOON)["enabled"] is False


def test_an_answer_to_an_older_question_changes_nothing() -> None:
    newer = Known().with_events([event("new", -30, 30)], 5)
    assert newer.with_events([event("old", -30, 30)], 4) is newer
    newer = Known().with_auto_reply(ToldAutoReply(state="enabled"), 5)
    assert newer.with_auto_reply(None, 4) is newer


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert iso(NOON.replace(microsecond=1500)) == "2026-01-05T12:00:00.001Z"
    assert iso(None) is None
