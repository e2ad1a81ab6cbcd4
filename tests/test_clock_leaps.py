"""The connector on a machine whose clock is set, or that sleeps: it notices within seconds and begins anew."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually
from tests.torture.dead_connections import bury
from tests.virtual_time import VirtualLoop

HOUR = 3600.0


class Clocked(House):
    """Two people, and a connector whose own clock is `ahead` of the true one."""

    ahead = timedelta()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 2, right=Right.REVIEWER)
        self.first, self.second = (user.mailbox.address for user in self.people if user.mailbox)

    def its_clock(self) -> datetime:
        return now() + self.ahead

    @contextmanager
    def slept(self, seconds: float, *, on: str) -> Iterator[None]:
        """All of the machine has slept: its connections are dead, for as long as the context lasts."""
        ends = [bury(self.exchange._runner), bury(self.rainbow._runner)]
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        if on == "Linux":
            loop.slept += seconds
        else:
            loop.leapt += seconds
        yield
        for end in ends:
            end()

    def shown(self, address: str) -> list[str]:
        """List the subjects that Rainbow shows of somebody."""
        user = next(each for each in self.people if each.mailbox and each.mailbox.address == address)
        known = self.rainbow.questions.known.get(user.id)
        return [event.subject for event in (known.events if known else None) or ()]


@pytest.mark.parametrize("hours", [-3.0, 3.0])
def test_a_clock_that_is_set_by_hours_puts_nothing_off(tmp_path: Path, hours: float) -> None:
    """A mailbox that was refused is due in an hour; an instant kept by the old clock would be hours away."""

    async def test() -> None:
        house = Clocked(tmp_path)
        house.exchange.dials.mailbox_errors[house.second] = "ErrorAccessDenied"
        async with house.open():
            house.start(now=house.its_clock)
            await until(lambda: house.status()["mailboxes"]["streamed"] == 1, within=60)
            await until(lambda: "mailbox-denied" in house.problems(), within=60)
            house.exchange.dials.mailbox_errors.clear()
            house.ahead = timedelta(hours=hours)
            with capture_logs() as logs:
                await until(lambda: house.status()["mailboxes"]["streamed"] == 2, within=60)
            assert house.daemon is not None
            assert house.daemon.measures()["loop_lag_longest_seconds"] < 0.1
            [leap] = [each for each in logs if each["event"] == "clock_leapt"]
            assert leap["seconds"] == pytest.approx(hours * HOUR, abs=2)
            await until(lambda: house.status()["state"] == "healthy", within=60)

    virtually(test)


def test_a_clock_that_is_set_by_seconds_begins_nothing_anew(tmp_path: Path) -> None:
    async def test() -> None:
        house = Clocked(tmp_path)
        async with house.open():
            house.start(now=house.its_clock)
            await until(lambda: house.status()["state"] == "healthy", within=60)
            listed = house.rainbow.record.counts["full_listings"]
            for seconds in (-40, 0, 45, 0):
                house.ahead = timedelta(seconds=seconds)
                await asyncio.sleep(30)
                assert house.status()["state"] == "healthy"
            assert house.rainbow.record.counts["full_listings"] == listed

    virtually(test)


@pytest.mark.parametrize("on", ["Linux", "Windows"])
@pytest.mark.parametrize("seconds", [900.0, 14 * HOUR])
def test_what_happened_while_the_machine_slept_is_told_within_half_a_minute(
    tmp_path: Path, on: str, seconds: float
) -> None:
    """No stream is waited for that says nothing any more, and what was read before the sleep answers nobody."""

    async def test() -> None:
        house = Clocked(tmp_path)
        async with house.open():
            house.start(now=house.its_clock)
            start = now() + timedelta(seconds=seconds + HOUR)
            house.appointment(house.first, "Before", start=start)
            await until(lambda: house.status()["state"] == "healthy" and house.shown(house.first), within=60)
            with house.slept(seconds, on=on):
                house.appointment(house.first, "Meanwhile", start=start)
                await until(lambda: sorted(house.shown(house.first)) == ["Before", "Meanwhile"], within=30)
                await until(lambda: house.status()["state"] == "healthy", within=60)
                assert house.daemon is not None
                assert house.daemon.measures()["loop_lag_longest_seconds"] < 0.1

    virtually(test)
