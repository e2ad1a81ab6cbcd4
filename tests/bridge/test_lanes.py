"""The background takes what is free, and leaves room for those whom somebody waits for."""

import pytest

from rainbow_exchange.bridge.lanes import Lane, slots


@pytest.mark.parametrize(
    ("lane", "allowed", "others", "may"),
    [
        (Lane.QUESTION, 10, 0, 16),
        (Lane.CHANGE, 10, 0, 8),
        (Lane.BACKGROUND, 10, 0, 8),
        (Lane.BACKGROUND, 10, 3, 5),
        (Lane.BACKGROUND, 10, 8, 4),
        (Lane.BACKGROUND, 3, 0, 4),
    ],
)
def test_how_many_may_be_in_flight(lane: Lane, allowed: int, others: int, may: int) -> None:
    assert slots(lane, allowed=allowed, others=others) == may
