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
from contextvars import Context
from typing import Any, TypeVarTuple

import looptime

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
    it a `moment` of real time.
    """

    def __init__(self, *, start: float = 0, looks: int = 10, moment: float = 0.001) -> None:
        super().__init__(start=start, noop_cycles=looks, idle_step=0.01, idle_timeout=30)
        selector: Any = self._selector
        virtual = selector.select  # looptime's
        given = False

        def select(timeout: float | None) -> Any:
            nonlocal given
            before = self.time()
            if timeout is not None and timeout >= _LEAP and not given:
                given = True
                if on_the_way(selector.get_map()):
                    time.sleep(moment)
            ready = virtual(timeout)
            if ready or self.time() != before:
                given = False
            return ready

        selector.select = select

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return super().call_at(max(when, self.time() + _TICK), callback, *args, context=context)
