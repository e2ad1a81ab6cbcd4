"""How long changes take: from their first signal until Rainbow is told, and from there until it is answered. Pure.

Only calendars count in latencies: nothing signals the beginning of an absence, and nobody documents whether Rainbow
asks for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rainbow_exchange.bridge.last_hour import LastHour
from rainbow_exchange.bridge.told import Told


class Histogram(Protocol):
    """Where durations are counted."""

    def observe(self, seconds: float, /) -> None:
        """Add one."""

    def quantile(self, share: float, /) -> float | None:
        """Give what `share` (0 … 1) of the last ones do not exceed; None while there is none."""


@dataclass(slots=True)
class Timings:
    """What was measured since the start, whatever bridge it was; `hour` is the last one."""

    told: Histogram
    asked: Histogram
    now: Callable[[], datetime]
    hour: LastHour = field(default_factory=LastHour)

    def changed(self, kind: Told) -> None:
        """Count a change."""
        minute = self.hour.at(self.now())
        if kind is Told.EVENTS:
            minute.calendars += 1
        else:
            minute.absences += 1

    def was_told(self, seconds: float) -> None:
        """Count how long a change took until Rainbow was told."""
        self.told.observe(seconds)
        self.hour.at(self.now()).told.add(seconds)

    def was_asked(self, seconds: float) -> None:
        """Count how long it took from there until Rainbow had asked and was answered."""
        self.asked.observe(seconds)
        self.hour.at(self.now()).asked.add(seconds)


@dataclass(slots=True)
class TellingTimes:
    """The changes that are under way in one bridge; `now` is the loop's time."""

    timings: Timings
    _since: dict[str, tuple[float, Told]] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def start(self, user_id: str, since: float, kind: Told) -> None:
        """Note when the change was first seen that made this user due; one of the calendar stands before an absence."""
        _, earlier = self._since.setdefault(user_id, (since, kind))
        if kind is Told.EVENTS and earlier is not Told.EVENTS:
            self._since[user_id] = since, kind

    def stop(self, user_id: str, now: float, *, asked: bool = False) -> tuple[float, Told] | None:
        """Note that Rainbow was told; return the seconds it took and of what, None where nothing had changed.

        `asked`: Rainbow's question came before we knew that it had accepted the notify, and is answered.
        """
        started = self._since.pop(user_id, None)
        if started is None:
            return None
        since, kind = started
        if kind is Told.EVENTS:
            self.timings.was_told(now - since)
            self._told.setdefault(user_id, now)
            if asked:
                self.answered(user_id, now)
        return now - since, kind

    def answered(self, user_id: str, now: float) -> None:
        """Note that a question of Rainbow's about this user's calendar was answered."""
        told = self._told.pop(user_id, None)
        if told is not None:
            self.timings.was_asked(now - told)

    def forget(self, user_id: str) -> None:
        """Drop a user."""
        self._since.pop(user_id, None)
        self._told.pop(user_id, None)
