"""A group's first Subscribe goes alone, since its answer brings the group's cookie; the others do not wait for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PATIENCE = 5.0  # seconds for which the others wait for the first


class FirstAlone:
    """Gives turns; `done` once a first one has succeeded: from then on nobody waits."""

    def __init__(self) -> None:
        self.done = False
        self._ahead = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Wait for one's turn; yield whether to go as the first. Where it takes too long, several go side by side."""
        alone = not self.done and await self._goes_alone()
        try:
            if not self.done:
                yield True
                self.done = True
                return
        finally:
            if alone:
                self._ahead.release()
        yield False

    async def _goes_alone(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._ahead.acquire()
        except TimeoutError:
            return False
        return True
