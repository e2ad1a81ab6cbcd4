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


class Boundaries:
    """The next boundary of each user."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def set(self, user_id: str, candidates: Iterable[datetime], now: datetime) -> None:
        """Replace the boundary of `user_id` by the first of `candidates` that lies after `now`."""
        upcoming = min((instant for instant in candidates if instant > now), default=None)
        if upcoming is None:
            self._next.pop(user_id, None)
        elif self._next.get(user_id) != upcoming:
            self._next[user_id] = upcoming
            heapq.heappush(self._heap, (upcoming, user_id))

    def forget(self, user_id: str) -> None:
        """Drop the boundary of `user_id`."""
        self._next.pop(user_id, None)

    def take(self, now: datetime) -> list[str]:
        """Return the users whose boundary has come; each needs a new one by `set`."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            instant, user_id = heapq.heappop(self._heap)
            if self._next.get(user_id) == instant:
                del self._next[user_id]
                due.append(user_id)
        return due

    def next_at(self) -> datetime | None:
        """Return the nearest boundary of all, None when there is none."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
