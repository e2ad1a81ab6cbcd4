"""Waits grow, are capped, and never all fall on the same moment."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.backoff import backoff


def test_waits_double_up_to_the_cap() -> None:
    assert list(islice(backoff(1.0, 30.0, random=lambda: 1.0), 7)) == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_jitter_takes_away_half_at_most() -> None:
    assert list(islice(backoff(2.0, 300.0, factor=3.0, random=lambda: 0.0), 4)) == [1.0, 3.0, 9.0, 27.0]


@given(st.floats(0.1, 10.0), st.floats(10.0, 1000.0))
def test_no_wait_is_longer_than_the_cap_or_shorter_than_half_the_first(first: float, cap: float) -> None:
    assert all(first / 2 <= wait <= cap for wait in islice(backoff(first, cap), 20))
