"""Waits: one that somebody may cut short, who does not want to wait for the next try; and one for the others' sake."""

import asyncio
import time
from collections.abc import Callable, Generator
from typing import TypeVar

#: of much work at once, what is done before others come to their turn: a few milliseconds' worth
PART = 20
#: seconds of much work at once, where its steps may be of any length
TURN = 0.003

T = TypeVar("T")


async def others_turn(number: int) -> None:
    """Let the loop do what else is to be done, after each PART of much work; `number` counts its steps from 0 on."""
    if number % PART == PART - 1:
        await asyncio.sleep(0)


async def in_turns(work: Generator[None, None, T], *, clock: Callable[[], float] = time.perf_counter) -> T:
    """Do work to its end and return what it returns; let the loop do what else is to be done after each TURN of it."""
    began = clock()
    while True:
        try:
            next(work)
        except StopIteration as over:
            result: T = over.value
            return result
        if clock() - began >= TURN:
            await asyncio.sleep(0)
            began = clock()


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
