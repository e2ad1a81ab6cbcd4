"""Going over everybody in turns: a company of 50,000 would hold up whoever waits for the loop. Pure."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

#: people who are looked at in one turn: all of a small company, and less than a millisecond
AT_ONCE = 500

T = TypeVar("T")


class Turns(Generic[T]):
    """A look at everybody that is made a part at a time, and then anew; `found` is what the last whole one found.

    `look` begins one: it yields at the end of each turn but its last, and returns what it has found.
    """

    def __init__(self, look: Callable[[], Generator[None, None, T]], found: T) -> None:
        self.found = found
        self._look = look
        self._under_way: Generator[None, None, T] | None = None

    @property
    def under_way(self) -> bool:
        """Whether a look has begun and not ended."""
        return self._under_way is not None

    def turn(self) -> T:
        """Go on for a turn, and return what was found last."""
        if self._under_way is None:
            self._under_way = self._look()
        try:
            next(self._under_way)
        except StopIteration as over:
            self.found, self._under_way = over.value, None
        return self.found


def in_turns(everybody: Iterable[T], at_once: int = AT_ONCE) -> Iterator[tuple[Sequence[T], bool]]:
    """Cut them, as they are now, into what fits into a turn each, and say of each part whether there is more."""
    now = list(everybody)
    for start in range(0, len(now), at_once):
        yield now[start : start + at_once], start + at_once < len(now)
