"""What befalls the clocks of the connector's machine: the wall clock is set, or all of the machine sleeps."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.daemon import Daemon
from tests.house import now
from tests.torture.daemon_faults import DaemonFaults
from tests.torture.dead_connections import bury
from tests.torture.steps import Step
from tests.virtual_time import VirtualLoop

FAULTS = ("clock is slewed", "clock is set", "asleep", "asleep, and the steady clock goes on")
SECONDS = (-40.0, -3.0, 0.8, 20.0)
HOURS = (-14.0, -3.0, -0.05, 0.05, 2.0, 13.0)
#: seconds; a subscription lives for half an hour, an agenda serves for twelve hours
ASLEEP = (45.0, 900.0, 3 * 3600.0, 14 * 3600.0)


class ClockFaults(DaemonFaults):
    """`ahead` is by how much the connector's wall clock is wrong; the lab's is always right."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.ahead = timedelta()

    def start(self, **keywords: Any) -> Daemon:
        return super().start(now=self.its_clock, **keywords)

    def its_clock(self) -> datetime:
        """Return what the connector takes for the time."""
        return now() + self.ahead

    async def fault_clock_is_slewed(self, step: Step) -> None:
        await self.wrong_by(timedelta(seconds=SECONDS[step.how % len(SECONDS)]), step.lasts)

    async def fault_clock_is_set(self, step: Step) -> None:
        await self.wrong_by(timedelta(hours=HOURS[step.how % len(HOURS)]), step.lasts)

    async def wrong_by(self, much: timedelta, seconds: float) -> None:
        self.ahead += much
        self.begun()
        await self.lasting(seconds)
        self.ahead -= much
        self.begun()

    def begun(self) -> None:
        """Take note that the connector begins anew about now."""

    async def fault_asleep(self, step: Step) -> None:
        """The steady clock stands still meanwhile, as on Linux."""
        seconds = ASLEEP[step.how % len(ASLEEP)]
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.slept += seconds
        self.waits = [each._replace(ended=each.ended + seconds) for each in self.waits]
        await self.awake(step)

    async def fault_asleep_and_the_steady_clock_goes_on(self, step: Step) -> None:
        """As on Windows: every timer is due at once."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.leapt += ASLEEP[step.how % len(ASLEEP)]
        await self.awake(step)

    async def awake(self, step: Step) -> None:
        """Somebody has changed something while nobody was told, and every connection has died."""
        self.begun()
        ends = [bury(self.exchange._runner), bury(self.rainbow._runner)]
        self.change_make_appointment(step)
        await self.lasting(step.lasts)
        for end in ends:
            end()
