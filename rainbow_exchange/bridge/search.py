"""Who of several mailboxes holds the others' answer up: they are asked in parts, side by side. Pure.

A batch that has not answered after a moment is asked in ten parts, and those of them that have not, one by one: the
others are late by that moment and no more, the first time too. Where most parts are slow as well, it is the server that
is slow and not a mailbox, and more requests would make it slower.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

R = TypeVar("R")

#: seconds that a part may take until its members are asked one by one, or until one by itself counts as slow
PART_PATIENCE = 1.0
#: searches at the same time: more slow batches than that are the server's slowness
MOST = 4
_PARTS = 10


@dataclass(slots=True)
class Search:
    """The parts of one batch, and how many of them have answered."""

    parts: int
    landed: int = 0

    def finds_a_culprit(self) -> bool:
        """Whether most have answered, so that it is the rest that is slow."""
        return 2 * self.landed >= self.parts


def parts(batch: Sequence[R]) -> Iterator[Sequence[R]]:
    """Cut a batch into ten parts at most, of equal size."""
    size = -(-len(batch) // _PARTS)
    for start in range(0, len(batch), size):
        yield batch[start : start + size]
