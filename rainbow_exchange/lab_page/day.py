"""A day as a line: where what happens goes on it, in percent of its width. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from rainbow_exchange.lab.owner import Entry

#: hours that are shown at a time
HOURS = 9
#: of them before now
_BEFORE = 3
#: further than this nobody leafs, in hours
FARTHEST = 24 * 7
_MOST_LANES = 3
_LEAST_PERCENT = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The hours that are shown, from `start` on."""

    start: datetime

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(hours=HOURS)

    def at(self, moment: datetime) -> float:
        """Give where an instant is: 0 at the beginning, 100 at the end, less before and more after."""
        return round(100 * (moment - self.start) / timedelta(hours=HOURS), 3)

    def hours(self) -> list[tuple[float, datetime]]:
        """Give where each full hour is."""
        return [(self.at(at), at) for number in range(HOURS + 1) for at in [self.start + timedelta(hours=number)]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An appointment on a line: `lane` of `lanes` that lie below each other, where several are at a time."""

    entry: Entry
    left: float
    width: float
    lane: int
    lanes: int


def line(now: datetime, zone: tzinfo, shifted: int) -> Line:
    """Give the line around now, or so many hours later.

    It keeps to the offset of now: hours are as long as each other, also where clocks are changed.
    """
    here = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    fixed = timezone(here.utcoffset() or timedelta())
    return Line(start=here.astimezone(fixed) + timedelta(hours=shifted - _BEFORE))


def blocks(shown: Line, entries: Sequence[Entry]) -> list[Block]:
    """Lay appointments out: those that overlap below each other."""
    made = list[Block]()
    for group in _groups(each for each in entries if each.start < shown.end and each.end > shown.start):
        ends = list[datetime]()
        placed = list[tuple[Entry, int]]()
        for entry in group:
            lane = next((number for number, end in enumerate(ends) if end <= entry.start), len(ends))
            lane = min(lane, _MOST_LANES - 1)
            ends[lane : lane + 1] = [entry.end]
            placed.append((entry, lane))
        for entry, lane in placed:
            left, right = max(0.0, shown.at(entry.start)), min(100.0, shown.at(entry.end))
            width = max(_LEAST_PERCENT, right - left)
            made.append(Block(entry=entry, left=left, width=round(width, 3), lane=lane, lanes=len(ends)))
    return made


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Put those together that overlap, also by others."""
    groups = list[list[Entry]]()
    end: datetime | None = None
    for entry in sorted(entries, key=lambda each: (each.start, each.end)):
        if end is None or entry.start >= end:
            groups.append([])
            end = entry.end
        groups[-1].append(entry)
        end = max(end, entry.end)
    return groups
