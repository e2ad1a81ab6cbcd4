"""Which reads ride in one request. Pure; takes `now`.

A mailbox that failed, or that made a request slow, rides alone or in less company for an hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from rainbow_exchange.model import Window

BATCH = 100
ALONE_FOR = timedelta(hours=1)


@dataclass(slots=True)
class Company:
    """How many may ride in a mailbox's request, itself included."""

    _share: int = BATCH
    _until: datetime | None = None

    def share(self, now: datetime) -> int:
        """Return the number at `now`: 1 … BATCH."""
        if self._until is not None and self._until <= now:
            self._share, self._until = BATCH, None
        return self._share

    def limit(self, share: int, now: datetime) -> None:
        """Let no more than `share` ride, for an hour."""
        self._share, self._until = share, now + ALONE_FOR

    def lift(self) -> None:
        """A request went well: whoever rode in less company need not any more; alone stays alone for its hour."""
        if self._share != 1:
            self._share, self._until = BATCH, None


class Ride(Protocol):
    """What is to be sent: reads of different windows, wishes or company never share a request."""

    @property
    def window(self) -> Window:
        """The window asked for."""
        ...

    @property
    def subjects(self) -> bool:
        """Whether subjects are wanted."""
        ...

    def share(self, now: datetime) -> int:
        """How many may ride together with this one."""
        ...


R = TypeVar("R", bound=Ride)


def together(waiting: Iterable[R], now: datetime) -> list[R]:
    """Return the oldest of those `waiting`, with as much company as may ride in its request."""
    batch: list[R] = []
    share, subjects = 1, True
    for read in waiting:
        if not batch:
            batch.append(read)
            share, subjects = read.share(now), read.subjects
        elif read.window == batch[0].window and read.share(now) == share and read.subjects is subjects:
            batch.append(read)
        if len(batch) >= share:
            break
    return batch
