"""What was noted last of each kind, in memory, for whoever looks at it as it happens. Pure.

It costs the bridge one short call for each note, whoever looks, and is bounded: who looks too late is told how much was
left out. Kinds are kept apart, so that thousands of readings at a start do not push out the few changes before them.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import merge
from typing import Any, NamedTuple

#: of one kind
KEPT = 200


class Happening(NamedTuple):
    """Something that happened: the `number`-th of all since the start, at `at` (ms since 1970).

    `detail` is what the history keeps of it; `seconds` how long it took, where that is known.
    """

    number: int
    at: int
    person: str
    login: str
    kind: str
    detail: Mapping[str, Any]
    seconds: float | None


class Recent:
    """The last of each kind."""

    def __init__(self) -> None:
        self._kinds: dict[str, deque[Happening]] = {}
        #: how many there were since the start
        self.number = 0

    def add(
        self, at: int, person: str, login: str, kind: str, detail: Mapping[str, Any], *, seconds: float | None = None
    ) -> None:
        """Note one more."""
        if (kept := self._kinds.get(kind)) is None:
            kept = self._kinds[kind] = deque(maxlen=KEPT)
        self.number += 1
        kept.append(Happening(self.number, at, person, login, kind, detail, seconds))

    def last(self, kind: str) -> Happening | None:
        """Return the last of a kind."""
        return kept[-1] if (kept := self._kinds.get(kind)) else None

    def after(self, number: int, kinds: Iterable[str] | None = None) -> list[Happening]:
        """Return those after the `number`-th that are still kept, in order; None is all kinds."""
        wanted = self._kinds.values() if kinds is None else [self._kinds.get(kind, ()) for kind in kinds]
        return list(merge(*([each for each in kept if each.number > number] for kept in wanted)))

    def forget(self, people: set[str]) -> None:
        """Drop what is about these."""
        for kind, kept in self._kinds.items():
            if any(each.person in people for each in kept):
                self._kinds[kind] = deque((each for each in kept if each.person not in people), maxlen=KEPT)
