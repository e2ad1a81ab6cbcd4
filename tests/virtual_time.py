"""A loop for tests of what takes hours: real sockets, and time that jumps to the next timer when nothing else is to do.

Both ends of every socket are on the loop, so that what one end has written is there for the other at once: as long as
the kernel is not kept from delivering it. Before time leaps by seconds, over the limits of requests that are under way,
the kernel is given a moment, where it can be asked only if something is on its way. A clock that stands still for as
long as nobody waits is none: a timer for now, or for an instant that has passed, rings a tick later, or whoever sets
one until its time has come would set it for ever.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

import looptime

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_LEAP = 2.0  # seconds of virtual time
_TICK = 1e-6  # seconds of virtual time: the clock's resolution


if sys.platform == "linux":
    import fcntl
    import termios

    def on_the_way(files: Iterable[int]) -> bool:
        """Whether any of these sockets has sent what nobody has confirmed: it may have arrived all the same."""
        for file in files:
            waiting = bytearray(4)
            try:
                fcntl.ioctl(file, termios.TIOCOUTQ, waiting)
            except OSError:  # one that listens, or no socket
                continue
            if any(waiting):
                return True
        return False

else:

    def on_the_way(files: Iterable[int]) -> bool:
        """Whether anything may be: it cannot be asked here."""
        return bool(files)


class VirtualLoop(looptime.LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """Virtual time begins at `start`; a loop that waits for nothing but the outside ends after 30 s.

    Before time moves, the loop looks `looks` times whether the kernel has something for it, and before it leaps gives
    it a `moment` of real time. The machine may have `slept` for some seconds, in which this clock stood still, or the
    clock has `leapt` by some.
    """

    slept = leapt = 0.0

    def __init__(self, *, start: float = 0, looks: int = 3, moment: float = 0.001) -> None:
        super().__init__(start=start, noop_cycles=0, idle_step=0.01, idle_timeout=30)
        # The system's, a nanosecond, is nothing beside 2**24 seconds: a timer whose time has come would never be late.
        self._clock_resolution = _TICK / 2
        self._abroad: set[asyncio.Future[Any]] = set()
        selector: Any = self._selector
        virtual = selector.select  # looptime's
        really = type(selector).select
        idle = False

        def select(timeout: float | None) -> Any:
            """Do what looptime's does, but look for what comes by a socket without turning the loop in between."""
            nonlocal idle
            if timeout is None or self._abroad or idle:
                ready = virtual(timeout)
                idle = timeout is None and not ready  # it counts how long that lasts
                return ready
            for _ in range(looks if timeout > 0 else 1):
                if ready := really(selector, 0):
                    return ready
            if timeout <= 0:
                return []
            if timeout >= _LEAP and on_the_way(selector.get_map()):
                time.sleep(moment)
                if ready := really(selector, 0):
                    return ready
            return virtual(timeout) or virtual(timeout)  # the first begins looptime's countdown of no cycles

        selector.select = select

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """While a thread is at work, time goes as it really does."""
        future: asyncio.Future[_T] = super().run_in_executor(executor, func, *args)
        self._abroad.add(future)
        future.add_done_callback(self._abroad.discard)
        return future

    def time(self) -> float:
        return super().time() + self.leapt

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return super().call_at(max(when, self.time() + _TICK), callback, *args, context=context)
