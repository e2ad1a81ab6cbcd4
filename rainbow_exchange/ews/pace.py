"""Spreading a storm: when many have to ask at once, each is given a moment of its own. Pure."""

from collections.abc import Callable


class Pace:
    """Hands out waits so that `a_second` go ahead each second, however many groups of them come together."""

    def __init__(self, a_second: float, random: Callable[[], float]) -> None:
        self._gap = 1 / a_second
        self._random = random
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next free moment; `now` grows from call to call. Jitter stays within its gap."""
        moment = max(now, self._next)
        self._next = moment + self._gap
        return moment - now + self._gap * self._random()
