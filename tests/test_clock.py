"""Whether the clock was set or the machine has slept, by what both clocks say."""

from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.clock import Clock

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "waited", "leap"),
    [
        (1.0, 1.0, 0.0),
        (1.5, 1.0, 0.0),
        (31.0, 1.0, 0.0),  # too little to matter
        (-30.0, 1.0, 0.0),
        (30.0, 30.0, 0.0),  # a busy machine
        (3601.0, 1.0, 3600.0),  # set ahead, or asleep on Linux
        (-7199.0, 1.0, -7200.0),  # set back
        (28800.0, 28800.0, 28800.0),  # asleep on Windows
        (1.0, 28800.0, -28799.0),  # asleep, and the clock was not
    ],
)
def test_a_leap_is_what_the_clocks_do_not_share_or_what_was_not_waited_for(
    passed: float, waited: float, leap: float
) -> None:
    clock = Clock(NINE, 100.0, every=1.0)
    assert clock.leap(NINE + timedelta(seconds=passed), 100.0 + waited) == leap


def test_a_leap_is_told_once() -> None:
    clock = Clock(NINE, 0.0, every=1.0)
    assert clock.leap(NINE + timedelta(hours=1), 1.0) == 3599.0
    assert clock.leap(NINE + timedelta(hours=1, seconds=1), 2.0) == 0.0
