"""How faults begin, overlap and end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from tests.house import EPOCH, now, until
from tests.torture.calendars import Calendars
from tests.torture.steps import Step, method

TASK = "torture:"
#: for how long a fault waits for what it is to befall, which may be down just now
PATIENCE = 3600.0


class Trouble(NamedTuple):
    """What went wrong, from when to when."""

    what: str
    began: float
    ended: float


class Troubled(Calendars):
    """Faults begin as tasks, may overlap, and end after their time or once all are to be over.

    A mixin per side has them: `fault_<what>(step)` for each `what` in its module's FAULTS, which lasts as long as the
    fault does.
    """

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.over = asyncio.Event()
        self.faults: set[asyncio.Task[None]] = set()
        self.troubles: list[Trouble] = []
        self.broken: list[str] = []
        self.waits: list[Trouble] = []

    def do(self, step: Step) -> None:
        """Do what a step says."""
        change = getattr(self, method("change", step.what), None)
        if change is None:
            self.begin(getattr(self, method("fault", step.what)), step)
        else:
            change(step)
            self.uses[step.what] += 1

    def begin(self, fault: Callable[[Step], Awaitable[None]], step: Step, *, counted: bool = True) -> None:
        """Have a fault begin now; where it is not `counted` it counts itself, once it has happened."""

        async def trouble() -> None:
            began = _time()
            try:
                await fault(step)
            except Exception as error:  # noqa: BLE001 - nobody waits for it: it is looked at after each step
                self.broken.append(f"{step.what}: {error!r}")
            finally:
                self.troubles.append(Trouble(step.what, began, _time()))

        self.uses[step.what] += counted
        task = asyncio.create_task(trouble(), name=f"{TASK}{step.what}")
        self.faults.add(task)
        task.add_done_callback(self.faults.discard)

    async def there(self, what: Callable[[], object]) -> None:
        """Wait until there is something for a fault to befall; it does not count where there never is."""
        try:
            await until(what, within=PATIENCE, step=1)
        except AssertionError:
            self.uses[self.name()] -= 1

    def wait(self, seconds: float) -> None:
        """Expect the connector to take so long over a fault that is over, as is promised."""
        self.waits.append(Trouble(self.name(), _time(), _time() + seconds))

    @staticmethod
    def name() -> str:
        """Return which fault it is whose task this is."""
        task = asyncio.current_task()
        return task.get_name().removeprefix(TASK) if task is not None else ""

    async def lasting(self, seconds: float) -> None:
        """Wait so long, or until all faults are to be over."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            pass


def _time() -> float:
    """Return the seconds since it began; the loop's clock may have stood still."""
    return (now() - EPOCH).total_seconds()
