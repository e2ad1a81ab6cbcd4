"""How long changes take until Rainbow is told, and until it has asked."""

from datetime import UTC, datetime

import pytest

from rainbow_exchange.bridge.timings import TellingTimes, Timings
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.histogram import Latency

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def timings() -> Timings:
    return Timings(Latency(), Latency(), lambda: NOW)


def told(timings: Timings) -> list[float]:
    assert isinstance(timings.told, Latency)
    return list(timings.told.recent)


def asked(timings: Timings) -> list[float]:
    assert isinstance(timings.asked, Latency)
    return list(timings.asked.recent)


def test_a_change_takes_from_its_first_signal_to_the_notify(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.EVENTS)
    times.start("u", 11.0, Told.AUTO_REPLY)
    assert times.stop("u", 12.5) == (2.5, Told.EVENTS)
    assert times.stop("u", 99.0) is None
    assert told(timings) == [2.5]
    assert timings.hour.whole(NOW).told.quantile(0.5) == pytest.approx(2.5, rel=0.05)


def test_an_absence_does_not_count_in_the_latency(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.AUTO_REPLY)
    assert times.stop("u", 12.5) == (2.5, Told.AUTO_REPLY)
    times.answered("u", 13.0)
    assert (told(timings), asked(timings)) == ([], [])


def test_an_absence_takes_from_its_first_signal_too(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.AUTO_REPLY)
    times.start("u", 11.0, Told.AUTO_REPLY)
    assert times.stop("u", 12.5) == (2.5, Told.AUTO_REPLY)


def test_a_change_counts_though_an_absence_has_waited_before(timings: Timings) -> None:
    """Both wait while Rainbow is away."""
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.AUTO_REPLY)
    times.start("u", 12.0, Told.EVENTS)
    times.start("u", 13.0, Told.EVENTS)
    times.start("u", 14.0, Told.AUTO_REPLY)
    assert times.stop("u", 20.5) == (8.5, Told.EVENTS)
    times.answered("u", 21.0)
    assert (told(timings), asked(timings)) == ([8.5], [0.5])


def test_a_question_takes_from_the_first_notify_to_its_answer(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.EVENTS)
    times.stop("u", 11.0)
    times.start("u", 12.0, Told.EVENTS)
    times.stop("u", 13.0)
    times.answered("u", 14.5)
    times.answered("u", 99.0)
    assert asked(timings) == [3.5]
    assert timings.hour.whole(NOW).asked.quantile(0.5) == pytest.approx(3.5, rel=0.05)


def test_a_question_that_nothing_was_told_before_counts_for_nothing(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.answered("u", 14.5)
    assert times.stop("u", 15.0) is None
    assert asked(timings) == []


def test_a_question_that_overtakes_what_was_told_took_no_time(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.EVENTS)
    times.answered("u", 10.9)
    times.stop("u", 11.0, asked=True)
    times.answered("u", 500.0)
    assert asked(timings) == [0.0]


def test_whoever_is_dropped_is_waited_for_no_more(timings: Timings) -> None:
    times = TellingTimes(timings)
    times.start("u", 10.0, Told.EVENTS)
    times.stop("u", 11.0)
    times.start("u", 12.0, Told.EVENTS)
    times.forget("u")
    assert times.stop("u", 13.0) is None
    times.answered("u", 14.0)
    assert asked(timings) == []


def test_changes_are_counted_by_what_has_changed(timings: Timings) -> None:
    for kind in (Told.EVENTS, Told.EVENTS, Told.AUTO_REPLY):
        timings.changed(kind)
    hour = timings.hour.whole(NOW)
    assert (hour.calendars, hour.absences) == (2, 1)
