"""Appointments and absences that begin and end make their user due too, though nothing changed in Exchange.

Pure: only the next boundary of each user is kept. Instants are aware datetimes in UTC.
"""

import heapq
from collections.abc import Iterable
from datetime import datetime

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


class Timetable:
    """The one instant that each has next."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, key: str, instant: datetime) -> None:
        """Replace the instant of `key`."""
        if self._next.get(key) != instant:
            self._next[key] = instant
            heapq.heappush(self._heap, (instant, key))

    def of(self, key: str) -> datetime | None:
        """Return the instant of `key`, None where it has none."""
        return self._next.get(key)

    def forget(self, key: str) -> None:
        """Drop the instant of `key`."""
        self._next.pop(key, None)

    def next_at(self) -> datetime | None:
        """Return the nearest instant of all, None when there is none."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

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

    def take(self, now: datetime) -> list[str]:
        """Return the users whose boundary has come; each needs a new one by `set`."""
        due = []
        while (user_id := self.take_one(now)) is not None:
            due.append(user_id)
        return due
