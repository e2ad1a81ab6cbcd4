"""Virtual time goes on wherever it begins."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.house import now, virtually


@pytest.mark.timeout(60)
@pytest.mark.parametrize("year", [2026, 2027, 2036])
def test_timers_ring_at_their_time_however_far_on_the_clock_is(year: int) -> None:
    """From 2**24 s on two neighbouring times are further apart than the nanosecond that the system's clock can tell."""
    begins = datetime(year, 11, 26, 11, 24, 5, 123457, tzinfo=UTC)

    async def test() -> None:
        rung: list[float] = []
        loop = asyncio.get_running_loop()
        for delay in (0, 1e-6, 0.1, 0.25):
            loop.call_later(delay, rung.append, delay)
        for _ in range(1000):
            await asyncio.sleep(0.001)
        assert rung == [0, 1e-6, 0.1, 0.25]
        assert (now() - begins).total_seconds() == pytest.approx(1, abs=0.01)

    virtually(test, begins=begins)
