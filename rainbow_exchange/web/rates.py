"""How often something may be done: some at once, then one by one as time goes on. Pure."""

from collections.abc import Callable


class Allowance:
    """`at_once` may be done together, and `a_second` more with each second; `clock` gives seconds that only go on."""

    __slots__ = ("_a_second", "_at_once", "_clock", "_left", "_since")

    def __init__(self, at_once: float, a_second: float, clock: Callable[[], float]) -> None:
        self._at_once = self._left = at_once
        self._a_second = a_second
        self._clock = clock
        self._since = clock()

    def take(self) -> bool:
        """Take one; False where none is left."""
        now = self._clock()
        self._left = min(self._at_once, self._left + (now - self._since) * self._a_second)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
