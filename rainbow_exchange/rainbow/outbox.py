"""Frames on their way out of a stream: one after the other, each within its time, few bytes waiting.

A frame that was written stands in the socket's buffer, whoever reads it or not: were everybody to write at once, the
answers to a flood of questions would all stand there. So each waits for its turn, and makes its frame only then.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

#: bytes of small replies that may wait; with more of them we stop reading
_MAX_POSTED = 4 * 2**20

Put = Callable[[str], Awaitable[None]]


class Outbox:
    """`put` writes a frame and returns once the socket takes more, or raises RainbowError within its time limit."""

    def __init__(self, put: Put) -> None:
        #: writes a frame; to be called within a `turn`
        self.put = put
        self._sending = asyncio.Lock()
        self._posted: deque[tuple[str, Callable[[], None]]] = deque()
        self._bytes = 0
        self._came = asyncio.Event()
        self._room = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a frame of ours can be written."""
        async with self._sending:
            yield
            # What was posted does not wait for all who wait for their turn.
            await self._flush()
            # Making an answer takes time of the processor's: nobody else is to wait for all that are ready.
            await asyncio.sleep(0)

    async def send(self, frame: str) -> None:
        """Send one frame; returns when it has left."""
        async with self.turn():
            await self.put(frame)

    async def post(self, frame: str, sent: Callable[[], None] = lambda: None) -> None:
        """Have one frame sent soon, then `sent` called; returns at once, unless much is waiting already."""
        while self._bytes > _MAX_POSTED:
            self._room.clear()
            await self._room.wait()
        self._posted.append((frame, sent))
        self._bytes += len(frame)
        self._came.set()

    async def run(self) -> None:
        """Send what is posted, until cancelled. Raises RainbowError when the stream is over."""
        while True:
            await self._came.wait()
            self._came.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send what is posted now."""
        async with self.turn():
            pass

    async def _flush(self) -> None:
        while self._posted:
            frame, sent = self._posted[0]
            await self.put(frame)
            self._posted.popleft()
            self._bytes -= len(frame)
            self._room.set()
            sent()
            await asyncio.sleep(0)
