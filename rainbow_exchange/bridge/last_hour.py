"""What the last hour was like, minute by minute: how much has changed, and how long that took. Pure.

Durations are counted by widths of which each is a tenth above the one before. So an hour takes the same room however
much happens in it, minutes can be added up, and a quantile is off by 5 % at most: the sketch of Masson, Rim and Lee,
"DDSketch", VLDB 2019.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import Self

MINUTES = 60
#: each width is so much above the one before
_STEP = 1.1
_SHORTEST, _LONGEST = 0.001, 7 * 86_400.0


@dataclass(slots=True)
class Spread:
    """How long something took, each time."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count one duration; it counts as a week where it is longer."""
        seconds = min(max(seconds, _SHORTEST), _LONGEST)
        self.counts[math.ceil(math.log(seconds, _STEP))] += 1

    def __len__(self) -> int:
        return self.counts.total()

    def quantile(self, share: float) -> float | None:
        """Give what `share` (0 … 1) of the durations do not exceed, in seconds; None while there is none."""
        if not self.counts:
            return None
        widths = sorted(self.counts)
        rank = min(len(self) - 1, int(share * len(self)))
        below = accumulate(self.counts[width] for width in widths)
        width = next(width for width, so_many in zip(widths, below, strict=True) if so_many > rank)
        return float(2 * _STEP**width / (_STEP + 1))  # the value from which both ends are equally far


@dataclass(slots=True)
class Minute:
    """What a minute saw, or several: changes by what has changed, and the durations that ended in it.

    `told`: from Exchange's announcement to Rainbow's having been told; `asked`: from there to the answer to Rainbow's
    question.
    """

    calendars: int = 0
    absences: int = 0
    told: Spread = field(default_factory=Spread)
    asked: Spread = field(default_factory=Spread)

    @classmethod
    def sum(cls, minutes: Iterable["Minute"]) -> Self:
        """Add up what several minutes saw."""
        whole = cls()
        for each in minutes:
            whole.calendars += each.calendars
            whole.absences += each.absences
            whole.told.counts.update(each.told.counts)
            whole.asked.counts.update(each.asked.counts)
        return whole


class LastHour:
    """The minute that runs and the 59 before it, by the wall clock: what is older, or lies ahead, is let go of."""

    def __init__(self) -> None:
        self._minutes: dict[int, Minute] = {}

    def at(self, now: datetime) -> Minute:
        """Give the minute that runs, to be counted in."""
        number = _number(now)
        if number not in self._minutes:
            self._minutes = {each: seen for each, seen in self._minutes.items() if number - MINUTES < each < number}
            self._minutes[number] = Minute()
        return self._minutes[number]

    def minutes(self, now: datetime) -> list[tuple[datetime, Minute]]:
        """Give those in which anything was, oldest first, each with its beginning."""
        last = _number(now)
        return [
            (datetime.fromtimestamp(each * 60, UTC), self._minutes[each])
            for each in sorted(self._minutes)
            if last - MINUTES < each <= last
        ]

    def whole(self, now: datetime) -> Minute:
        """Give all of the hour."""
        return Minute.sum(seen for _, seen in self.minutes(now))


def _number(now: datetime) -> int:
    return int(now.timestamp() // 60)
