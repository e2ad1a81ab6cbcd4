"""What everybody may ask for, and costs: worked out anew so seldom that it takes no more than its share. Pure."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: of a processor, at most
_SHARE = 0.02


class Seldom(Generic[T]):
    """`make` gives it; `spent` and `clock` give seconds, of work and of whoever asks."""

    def __init__(self, make: Callable[[], T], *, spent: Callable[[], float], clock: Callable[[], float]) -> None:
        self._make = make
        self._spent = spent
        self._clock = clock
        self._last: tuple[float, T] | None = None

    def get(self) -> T:
        """Give it as it is now, or was a moment before."""
        if self._last is None or self._clock() >= self._last[0]:
            begun = self._spent()
            made = self._make()
            self._last = self._clock() + (self._spent() - begun) / _SHARE, made
        return self._last[1]
