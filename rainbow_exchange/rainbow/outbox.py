"""Frames on their way out of a stream: one after the other, each within its time, few bytes waiting.

A frame that was written stands in the socket's buffer, whoever reads it or not: were everybody to write at once, the
answers to a flood of questions would all stand there. So whoever cannot `leave` a frame waits for a turn, and makes it
only then.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from rainbow_exchange.rainbow.pace import Pace

#: bytes of small replies that may wait; with more of them we stop reading
_MAX_POSTED = 4 * 2**20
#: with as many bytes waiting, a frame does not leave soon
_READY = 128 * 2**10
#: bytes from which on frames are not written together with more: about those of the longest that we send
_TOGETHER = 16 * 2**10

Write = Callable[[Iterable[str]], Awaitable[None]]


class Outbox:
    """`write` writes frames and returns once the socket takes more, or raises RainbowError within its time limit.

    It takes each frame only when it writes it: whoever is cancelled meanwhile, none is written twice.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
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

    async def put(self, frame: str) -> None:
        """Write one frame, within a `turn`."""
        await self._write((frame,))

    async def send(self, frame: str) -> None:
        """Send one frame; returns when it has left."""
        async with self.turn():
            await self.put(frame)

    async def post(self, frame: str, sent: Callable[[], None] = lambda: None) -> None:
        """Have one frame sent soon, then `sent` called; returns at once, unless much is waiting already."""
        while self._bytes > _MAX_POSTED:
            self._room.clear()
            await self._room.wait()
        self.leave(frame, sent)

    @property
    def ready(self) -> bool:
        """Whether a frame that is left now leaves soon."""
        return self._bytes < _READY

    def leave(self, frame: str, sent: Callable[[], None]) -> None:
        """Have one frame sent, then `sent` called; while it is not `ready`, whoever reads slowly fills the memory."""
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
        """Send what is posted by now: what comes meanwhile is for the next turn, or those who wait had none."""
        pace, due = Pace(), len(self._posted)
        while due > 0:
            left = list[Callable[[], None]]()
            await self._write(self._taken(left))
            due -= len(left)
            self._room.set()
            for sent in left:
                sent()
            await pace.kept()

    def _taken(self, left: list[Callable[[], None]]) -> Iterator[str]:
        """Take off what is written together, frame by frame; `left` gets what is to be called once they have left."""
        size = 0
        while self._posted and size <= _TOGETHER:
            frame, sent = self._posted.popleft()
            size += len(frame)
            self._bytes -= len(frame)
            left.append(sent)
            yield frame
