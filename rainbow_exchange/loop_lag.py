"""For how long the event loop is held. While one thing holds it, nobody is told, read or answered.

A loop of `new_loop` says it itself, of each of its turns: from when it has been told what has come until it asks again.
At any other, a look at the clock again and again tells how late the loop comes to what is due.

Only the steady clock counts, which nobody can set. A machine that slept was not late: on Windows the steady clock goes
on meanwhile, so where the loop is looked at the time is taken that it was awake.
"""

import asyncio
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rainbow_exchange.clock import TOLERATED
from rainbow_exchange.histogram import Histogram

#: seconds between two looks at a loop that says nothing itself
EVERY = 0.01
#: seconds: turns that are shorter are only counted
_SHORT = 0.001
#: seconds for which the longest is remembered
REMEMBERED = 60.0
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

if sys.platform == "win32":
    import ctypes

    def awake() -> float:
        """Return the seconds that the machine was awake since it was started (QueryUnbiasedInterruptTime)."""
        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 10_000_000

else:

    def awake() -> float:
        """Return the time of the loop that runs: its clock stands still while the machine sleeps."""
        return asyncio.get_running_loop().time()


def _ignore(_seconds: float) -> None:
    """Take no note."""


class Turns:
    """How long the turns of a loop take: `ends` is called at the end of each, `begins` at the beginning.

    `long` is called with those that are worth a look, the others are counted in `all`.
    """

    def __init__(self) -> None:
        self.all = Histogram(bounds=_BOUNDS)
        self.long: Callable[[float], None] = _ignore
        self._began = time.perf_counter()

    def begins(self) -> None:
        """The loop was told what has come."""
        self._began = time.perf_counter()

    def ends(self) -> None:
        """The loop is about to ask what else has come."""
        took = time.perf_counter() - self._began
        if took < _SHORT:
            self.all.counts[0] += 1
            self.all.total += took
        else:
            self.long(took)


if sys.platform == "win32":

    class _TimedProactor(asyncio.IocpProactor):
        def __init__(self, turns: Turns) -> None:
            super().__init__()
            self._turns = turns

        def select(self, timeout: int | None = None) -> list[asyncio.Future[Any]]:
            self._turns.ends()
            try:
                return super().select(timeout)
            finally:
                self._turns.begins()

    class _TimedLoop(asyncio.ProactorEventLoop):
        def __init__(self) -> None:
            self.turns = Turns()
            super().__init__(_TimedProactor(self.turns))

else:

    class _TimedSelector(selectors.DefaultSelector):
        def __init__(self, turns: Turns) -> None:
            super().__init__()
            self._turns = turns

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            self._turns.ends()
            try:
                return super().select(timeout)
            finally:
                self._turns.begins()

    class _TimedLoop(asyncio.SelectorEventLoop):
        def __init__(self) -> None:
            self.turns = Turns()
            super().__init__(_TimedSelector(self.turns))


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop of this system's usual kind that says how long its turns take."""
    return _TimedLoop()


class LoopLag:
    """What has held the loop, of which it takes note while `run` runs; `all` since the start.

    A loop that says nothing itself is looked at: `run` sleeps `every` seconds (EVERY) of `clock`, and takes by how much
    more it was, so that what holds the loop is seen up to `every` shorter than it was. More than a minute is taken for
    a machine that stood still, as everywhere (`clock`), and not counted.
    """

    def __init__(self, *, every: float | None = None, clock: Callable[[], float] = awake) -> None:
        self._every = EVERY if every is None else every
        self._clock = clock
        self.all = Histogram(bounds=_BOUNDS)
        #: of the last minute, those that nothing later exceeds: when, and how long
        self._longest: deque[tuple[float, float]] = deque()

    async def run(self) -> None:
        """Take note, until cancelled."""
        loop = asyncio.get_running_loop()
        if isinstance(loop, _TimedLoop):
            await self._be_told(loop.turns)
        while True:
            begun = self._clock()
            await asyncio.sleep(self._every)
            now = self._clock()
            self._note(max(0.0, now - begun - self._every))

    async def _be_told(self, turns: "Turns") -> None:
        turns.all = self.all
        turns.long = self._note
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            turns.long = _ignore

    def longest(self) -> float:
        """Return the longest of the last minute in seconds; 0 without any."""
        self._forget(self._clock())
        return self._longest[0][1] if self._longest else 0.0

    def _note(self, late: float) -> None:
        if late > TOLERATED:
            return
        now = self._clock()
        self.all.observe(late)
        while self._longest and self._longest[-1][1] <= late:
            self._longest.pop()
        self._longest.append((now, late))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._longest and now - self._longest[0][0] > REMEMBERED:
            self._longest.popleft()
