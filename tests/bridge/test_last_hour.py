"""The last hour by minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.last_hour import LastHour, Minute, Spread

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_quantile_of_none_is_none() -> None:
    assert Spread().quantile(0.5) is None


def test_a_quantile_is_off_by_five_per_cent_at_most() -> None:
    spread = Spread()
    for number in range(1, 1001):
        spread.add(number / 100)
    assert len(spread) == 1000
    assert spread.quantile(0.0) == pytest.approx(0.01, rel=0.05)
    assert spread.quantile(0.5) == pytest.approx(5.01, rel=0.05)
    assert spread.quantile(0.99) == pytest.approx(9.91, rel=0.05)
    assert spread.quantile(1.0) == pytest.approx(10.0, rel=0.05)


@given(st.lists(st.floats(0.001, 604_800.0), min_size=1), st.sampled_from((0.0, 0.5, 0.99, 1.0)))
def test_so_is_any_of_any(seconds: list[float], share: float) -> None:
    spread = Spread()
    for each in seconds:
        spread.add(each)
    exact = sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]
    assert spread.quantile(share) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e300])
def test_what_no_change_takes_is_counted_all_the_same_and_takes_no_more_room(seconds: float) -> None:
    spread = Spread()
    spread.add(seconds)
    assert len(spread) == 1
    assert spread.quantile(0.5) == pytest.approx(604_800 if seconds > 0 else 0.001, rel=0.05)


def test_an_hour_is_the_minute_that_runs_and_the_59_before_it() -> None:
    hour = LastHour()
    for number in range(100):
        hour.at(NINE + number * MINUTE).calendars += 1
    now = NINE + 99 * MINUTE
    assert hour.whole(now).calendars == 60
    begins = [at for at, _ in hour.minutes(now)]
    assert (len(begins), begins[0], begins[-1]) == (
        60,
        datetime(2026, 3, 2, 9, 40, tzinfo=UTC),
        datetime(2026, 3, 2, 10, 39, tzinfo=UTC),
    )
    assert len(hour._minutes) == 60
    assert hour.whole(now + 30 * MINUTE).calendars == 30
    assert hour.whole(now + 60 * MINUTE).calendars == 0
    assert hour.minutes(now + 600 * MINUTE) == []


def test_minutes_add_up() -> None:
    hour = LastHour()
    for number, seconds in enumerate((1.0, 2.0, 4.0)):
        minute = hour.at(NINE + number * MINUTE)
        minute.told.add(seconds)
        minute.asked.add(seconds / 10)
        minute.absences += 1
    whole = hour.whole(NINE + 2 * MINUTE)
    assert (whole.calendars, whole.absences, len(whole.told)) == (0, 3, 3)
    assert whole.told.quantile(0.5) == pytest.approx(2.0, rel=0.05)
    assert whole.asked.quantile(0.99) == pytest.approx(0.4, rel=0.05)
    assert hour.at(NINE + 2 * MINUTE).told.counts.total() == 1  # adding up has changed none of them


def test_a_clock_that_was_set_back_leaves_no_minute_that_lies_ahead() -> None:
    hour = LastHour()
    hour.at(NINE + 30 * MINUTE).calendars = 7
    assert hour.whole(NINE) == Minute()
    hour.at(NINE).calendars = 1
    assert hour.whole(NINE + 30 * MINUTE).calendars == 1
