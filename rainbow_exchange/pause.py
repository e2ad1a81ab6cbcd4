"""Waits: one that somebody may cut short, who does not want to wait for the next try; and one for the others' sake."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import TypeVar

#: of much work at once, what is done before others come to their turn: a few milliseconds' worth
PART = 20
#: seconds of work in one turn of the loop, where its pieces may be of any length
TURN = 0.003

T = TypeVar("T")


async def others_turn(number: int) -> None:
    """Let the loop do what else is to be done, after each PART of much work; `number` counts its steps from 0 on."""
    if number % PART == PART - 1:
        await asyncio.sleep(0)


class Gate:
    """Has what many may want to do at once done one after the other, so much of it in each turn of the loop."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._spent = 0.0

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Do a piece of work, which waits for nothing, in the context; before others come once TURN is spent."""
        async with self._lock:
            began = self._clock()
            yield
            self._spent += self._clock() - began
            if self._spent >= TURN:
                await asyncio.sleep(0)
                self._spent = 0.0

    async def through(self, work: Generator[None, None, T]) -> T:
        """Do work of many steps to its end, a TURN at a time, and return what it returns."""
        while True:
            async with self.passed():
                end = self._clock() + TURN
                try:
                    while True:
                        next(work)
                        if self._clock() >= end:
                            break
                except StopIteration as over:
                    result: T = over.value
                    return result


class Pause:
    """Where a loop waits between two tries; one at a time."""

    __slots__ = ("_cut",)

    def __init__(self) -> None:
        #: only while somebody waits: there is a pause for each mailbox, and an event is larger than all else it has
        self._cut: asyncio.Event | None = None

    async def sleep(self, seconds: float) -> bool:
        """Wait for `seconds`, or until `cut`; return whether it was cut short."""
        self._cut = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await self._cut.wait()
        except TimeoutError:
            return False
        finally:
            self._cut = None
        return True

    def cut(self) -> None:
        """End the wait at once; without one nothing happens."""
        if self._cut is not None:
            self._cut.set()
