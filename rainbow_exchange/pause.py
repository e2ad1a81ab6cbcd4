"""A wait that somebody may cut short: a person who does not want to wait for the next try."""

import asyncio


class Pause:
    """Where a loop waits between two tries; one at a time."""

    def __init__(self) -> None:
        self._cut = asyncio.Event()

    async def sleep(self, seconds: float) -> bool:
        """Wait for `seconds`, or until `cut`; return whether it was cut short."""
        self._cut.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._cut.wait()
        except TimeoutError:
            return False
        return True

    def cut(self) -> None:
        """End the wait at once; without one nothing happens."""
        self._cut.set()
