"""What befalls the connector itself."""

import asyncio
from collections import Counter
from pathlib import Path

from tests.torture.steps import Step
from tests.torture.troubles import Troubled

FAULTS = ("stopped", "crashed")


class DaemonFaults(Troubled):
    """It is stopped, or ends at once; and is started again on its state file, by one at a time."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.restarting = asyncio.Lock()

    async def fault_stopped(self, step: Step) -> None:
        async with self.restarting:
            daemon, running = self.daemon, self.running
            assert daemon is not None
            assert running is not None
            self.daemon = self.running = None
            daemon.stop()
            async with asyncio.timeout(10):
                assert await running == 0
            await self.lasting(step.lasts)
            self.start()

    async def fault_crashed(self, step: Step) -> None:
        async with self.restarting:
            running, self.daemon, self.running = self.running, None, None
            assert running is not None
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled()
            await self.lasting(step.lasts)
            self.start()
