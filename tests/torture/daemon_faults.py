"""What befalls the connector itself."""

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange.daemon import Daemon
from tests.torture.a_process import Process
from tests.torture.steps import Step
from tests.torture.troubles import Troubled

FAULTS = ("stopped", "crashed", "cancelled at an await", "killed at an await")
#: what gives it something to do, so that it is met in the middle of it; None: its start
OCCASIONS = ("make appointment", "ask", "link cut", "tokens void", "streams cut", "go out of office", None, None)
#: seconds that it is given for that, and then so many turns of the loop at most
BEGINNINGS = (0.0, 0.0, 0.15, 0.5, 3.0)
TURNS = 250


class DaemonFaults(Troubled):
    """It is stopped, or ends at any moment; and is started again on its state files, by one at a time."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder / "0", impersonation=impersonation, uses=uses, luck=luck)
        self.folder.mkdir()
        self.restarting = asyncio.Lock()
        self.process = Process()
        self.moments = Random(luck)

    def start(self, **keywords: Any) -> Daemon:
        self.process = Process()
        started: Daemon = self.process.context.run(super().start, **keywords)
        return started

    async def fault_stopped(self, step: Step) -> None:
        async with self.restarting:
            daemon, running = self.daemon, self.running
            assert daemon is not None
            assert running is not None
            self.daemon = self.running = None
            daemon.stop()
            await ended(running, within=10)
            assert running.result() == 0
            await self.lasting(step.lasts)
            self.start()

    async def fault_crashed(self, step: Step) -> None:
        async with self.restarting:
            await self.cancel()
            await self.lasting(step.lasts)
            self.start()

    async def fault_cancelled_at_an_await(self, step: Step) -> None:
        """Its clean-up runs, and may do what it likes."""
        await self.met_in_the_middle(step, self.cancel)

    async def fault_killed_at_an_await(self, step: Step) -> None:
        """Nothing of it runs any more: its files are those of that instant."""
        await self.met_in_the_middle(step, self.kill)

    async def met_in_the_middle(self, step: Step, end: Callable[[], Awaitable[None]]) -> None:
        """End it in the middle of what an occasion gives it to do, or of its start."""
        occasion = OCCASIONS[step.how % len(OCCASIONS)]
        async with self.restarting:
            if occasion is None:
                await end()
                self.start()
            else:
                self.do(Step(0, occasion, step.who, 0.0, step.how // 2))
            await asyncio.sleep(self.moments.choice(BEGINNINGS))
            for _ in range(self.moments.randrange(TURNS)):
                await asyncio.sleep(0)
            await end()
            await self.lasting(step.lasts)
            self.start()

    async def cancel(self) -> None:
        running, self.daemon, self.running = self.running, None, None
        assert running is not None
        running.cancel()
        await ended(running, within=20)
        assert running.cancelled(), f"cancelled, it ended as {running!r}"

    async def kill(self) -> None:
        running, self.daemon, self.running = self.running, None, None
        assert running is not None
        before, self.folder = self.folder, self.folder.with_name(f"{int(self.folder.name) + 1}")
        shutil.copytree(before, self.folder, copy_function=_copied_if_there)
        self.process.kill()
        running.cancel()
        await asyncio.wait([running])


def _copied_if_there(source: str, target: str) -> None:
    """Copy a file; a draft that a thread writes beside the loop may be in its place, and gone, by now."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, target)


async def ended(running: asyncio.Task[int], *, within: float) -> None:
    """Wait for it to end in time; where the clock leaps meanwhile the time begins anew."""
    loop: Any = asyncio.get_running_loop()
    while not running.done():
        leapt = loop.leapt
        await asyncio.wait([running], timeout=within)
        if not running.done() and loop.leapt == leapt:
            raise AssertionError(f"it did not end within {within:g} s")
