"""Work that comes faster than it is done, in short turns, so that nobody else waits for all of it."""

import asyncio
from time import monotonic

#: seconds for which the loop is held at most, beside what a single piece of work takes
HELD = 0.005


class Pace:
    """For one task, which calls `kept` after each piece of work. The time is real, also where the loop's is not."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def kept(self) -> None:
        """Let others have the loop where this task may have held it for its time."""
        if monotonic() - self._since > HELD:
            await asyncio.sleep(0)
            self._since = monotonic()
