"""Who changes the stream group, so that the streams that the server allows carry as many as they can. Pure."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar


class Packable(Protocol):
    """A group as far as repacking needs to know it."""

    @property
    def key(self) -> str:
        """Only mailboxes of one key may share a stream."""
        ...

    @property
    def room(self) -> int:
        """How many may still join."""
        ...

    @property
    def weight(self) -> int:
        """How many it has."""
        ...

    @property
    def state(self) -> str:
        """Tell whether it has a stream ("streamed") or the server allows it none ("waiting")."""
        ...


P = TypeVar("P", bound=Packable)


def repacking(groups: Sequence[P]) -> Iterator[tuple[P, P, int]]:
    """Say how many members move from which group to which.

    Those that wait are taken over by streams with room, the smallest group first, and by each other. If some still
    wait, the two emptiest streams that fit into one are joined: a stream becomes free. Sizes are looked at as it goes
    on, so that the caller may carry out each move as it comes.
    """
    waiting = sorted((group for group in groups if group.state == "waiting"), key=lambda group: group.weight)
    streamed = [group for group in groups if group.state == "streamed"]
    for source in waiting:
        fuller = [group for group in waiting if group is not source and group.weight >= source.weight]
        for target in sorted(streamed, key=lambda group: -group.room) + fuller:
            count = min(target.room, source.weight)
            if count > 0 and target.key == source.key:
                yield source, target, count
    for still in waiting:
        if still.weight:
            yield from _joined(streamed)
            return


def _joined(streamed: Sequence[P]) -> Iterator[tuple[P, P, int]]:
    by_weight = sorted((group for group in streamed if group.weight), key=lambda group: group.weight)
    for number, source in enumerate(by_weight):
        for target in by_weight[number + 1 :]:
            if target.key == source.key and source.weight <= target.room:
                yield source, target, source.weight
                return
