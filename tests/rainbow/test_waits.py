import pytest

from rainbow_exchange.rainbow.errors import (
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    SaslRefused,
    StreamEnded,
)
from rainbow_exchange.rainbow.waits import Waits

LOST = RainbowConnectionError("closed")


def waits(error: RainbowError, times: int, *, drawn: float = 1.0, lived: float = 0.0) -> list[float]:
    made = Waits(lambda: drawn)
    return [made.after(error, lived) for _ in range(times)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LOST, [1, 2, 4, 8, 16, 32, 60, 60]),
        (StreamEnded("reset"), [1, 2, 4]),
        (StreamEnded("system-shutdown"), [10, 10, 10, 10, 16, 32, 60]),
        (StreamEnded("conflict"), [300, 600, 1200, 2400, 3600, 3600]),
        (StreamEnded("policy-violation"), [20, 40, 80, 160, 320, 600, 600]),
        (SaslRefused("not-authorized"), [60, 120, 240, 480, 960, 1920, 3600, 3600]),
        (SaslRefused("temporary-auth-failure"), [1, 2, 4]),
        (RateLimited(7), [7, 7, 7, 8, 16]),
    ],
)
def test_each_ending_has_its_waits(error: RainbowError, expected: list[float]) -> None:
    assert waits(error, len(expected)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LOST, [0.5, 1, 2]),
        (StreamEnded("system-shutdown"), [1, 1, 2]),
        # never shorter than said
        (StreamEnded("conflict"), [300, 600, 1200]),
    ],
)
def test_chance_shortens_the_waits(error: RainbowError, expected: list[float]) -> None:
    assert waits(error, 3, drawn=0.0) == expected


@pytest.mark.parametrize(
    ("error", "lived", "again"),
    [
        (LOST, 9.9, False),
        (LOST, 10, True),
        (StreamEnded("policy-violation"), 599, False),
        (StreamEnded("policy-violation"), 600, True),
        (StreamEnded("conflict"), 3599, False),
        (StreamEnded("conflict"), 3600, True),
    ],
)
def test_waits_begin_anew_after_a_life_long_enough(error: RainbowError, lived: float, *, again: bool) -> None:
    first, second, third = waits(error, 3, lived=lived)
    assert (first == second == third) is again
    assert (second > first) is not again
