"""Appointments and absences that begin and end make their user due too, though nothing changed in Exchange.

Pure: only the next boundary of each user is kept. Instants are aware datetimes in UTC.
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from rainbow_exchange.bridge.turns import AT_ONCE
from rainbow_exchange.model import Agenda, OofState, OutOfOffice


def instants(agenda: Agenda | None, absence: OutOfOffice | None) -> Iterable[datetime]:
    """Yield every instant at which what Rainbow shows may change by time alone."""
    for appointment in agenda.appointments if agenda else ():
        yield appointment.start
        yield appointment.end
    if absence and absence.state is OofState.SCHEDULED:
        if absence.start:
            yield absence.start
        if absence.end:
            yield absence.end


#: instants that were replaced and may be kept, besides as many as there are
_SPARE = 1000


class Timetable:
    """The one instant that each has next."""

    def __init__(self) -> None:
        #: the entry of the heap that counts; those that were replaced stay in it for a while
        self._next: dict[str, tuple[datetime, str]] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, key: str, instant: datetime) -> None:
        """Replace the instant of `key`."""
        if self.of(key) != instant:
            entry = self._next[key] = (instant, key)
            heapq.heappush(self._heap, entry)
            if len(self._heap) > 2 * len(self._next) + _SPARE:  # most were replaced, and would stay until they come
                self._heap = list(self._next.values())
                heapq.heapify(self._heap)

    def of(self, key: str) -> datetime | None:
        """Return the instant of `key`, None where it has none."""
        entry = self._next.get(key)
        return None if entry is None else entry[0]

    def forget(self, key: str) -> None:
        """Drop the instant of `key`."""
        self._next.pop(key, None)

    def next_at(self) -> datetime | None:
        """Return the nearest instant of all, None when there is none."""
        while self._heap and self._next.get(self._heap[0][1]) is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def prune(self) -> Iterator[None]:
        """Drop what was replaced and stands first, a turn's worth at a time: `next_at` would drop it all at once."""
        dropped = 0
        while self._heap and self._next.get(self._heap[0][1]) is not self._heap[0]:
            heapq.heappop(self._heap)
            dropped += 1
            if dropped % AT_ONCE == 0:
                yield

    def take_one(self, now: datetime) -> str | None:
        """Return who is first of those whose instant has come, and needs a new one; None when nobody is."""
        next_at = self.next_at()
        if next_at is None or next_at > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._next[key]
        return key


class Boundaries(Timetable):
    """The next boundary of each user."""

    def set(self, user_id: str, candidates: Iterable[datetime], now: datetime) -> None:
        """Replace the boundary of `user_id` by the first of `candidates` that lies after `now`."""
        upcoming = min((instant for instant in candidates if instant > now), default=None)
        if upcoming is None:
            self.forget(user_id)
        else:
            self.put(user_id, upcoming)

    def take(self, now: datetime, most: float = math.inf) -> list[str]:
        """Return users whose boundary has come, `most` of them; each needs a new one by `set`."""
        due: list[str] = []
        while len(due) < most and (user_id := self.take_one(now)) is not None:
            due.append(user_id)
        return due
