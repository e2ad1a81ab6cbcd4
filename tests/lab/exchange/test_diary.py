"""Appointments that everybody has from the first."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.lab.exchange.diary import Diary

SINCE = datetime(2026, 1, 5, 8, 0, 30, tzinfo=UTC)
ADA, BOB = LabMailbox(address="ada@acme.test"), LabMailbox(address="bob@acme.test")


def test_a_seed_makes_the_same_appointments_for_the_same_mailbox() -> None:
    diary, again, other = (Diary(appointments=20, days=3, seed=seed, since=SINCE) for seed in (4, 4, 5))
    assert list(diary.of(ADA)) == list(again.of(ADA))
    assert list(diary.of(ADA)) != list(diary.of(BOB))
    assert list(diary.of(ADA)) != list(other.of(ADA))


def test_they_follow_each_other_within_those_days_and_have_subjects_of_their_own() -> None:
    diary = Diary(appointments=200, days=2, seed=1, since=SINCE)
    made = [*diary.of(ADA), *diary.of(BOB)]
    starts = [each.start for each in made[:200]]
    assert starts == sorted(starts)
    assert datetime(2026, 1, 5, 8, 0, tzinfo=UTC) <= starts[0]
    assert starts[-1] < datetime(2026, 1, 7, 8, 0, tzinfo=UTC)
    assert {each.second for each in starts} == {0}
    assert len({each.subject for each in made}) == 400
    assert {each.end - each.start for each in made} == {timedelta(minutes=each) for each in (15, 30, 45, 60, 90)}


async def test_they_stand_in_the_calendar_before_all_that_is_made_there(make_lab: Any) -> None:
    filled = Diary(appointments=3, days=1, seed=1, since=SINCE).of
    wire = await make_lab(mailboxes=[ADA], filled=filled, now=lambda: SINCE)
    stream = await wire.stream(await wire.subscribe(impersonate="ada@acme.test"))
    await stream.message()
    wanted = {"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T10:00:00Z", "subject": "Un"}
    made = await wire.lab_call("POST", "mailboxes/ada@acme.test/items", wanted)
    assert made["number"] == 4
    assert len(list((await stream.message()).iter("{*}CreatedEvent"))) == 1
    window = {"start": SINCE.isoformat(), "end": (SINCE + timedelta(days=2)).isoformat()}
    shown = await wire.lab_call("GET", "mailboxes/ada@acme.test/calendar", **window)
    assert sorted(each["number"] for each in shown) == [1, 2, 3, 4]
    assert {each.subject for each in filled(ADA)} == {each["subject"] for each in shown if each["number"] < 4}
