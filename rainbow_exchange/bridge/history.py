"""What happened in the last 24 hours, noted as it happens: plain calls that return at once, written a little later.

What happens again without anything new is counted, not noted again. The outages of both sides are kept beside what
happened to people. No subject and no text: there is no call that takes one.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from rainbow_exchange.bridge.recent import Recent
from rainbow_exchange.state.history import COMPANY, FILE_NAME, HistoryFile, Row

KEPT_FOR = timedelta(hours=24)
#: seconds between two writes: what a killed process loses at most
WRITE_EVERY = 3.0
#: entries written at once, so that the loop is held for milliseconds
STEP = 100
#: how many that wait are put into the order of the file at once, so that the loop is held for milliseconds as well
IN_ORDER = 5_000
#: people whose entries are dropped at once
FORGOTTEN_AT_ONCE = 20
#: entries that may wait to be written
MOST_WAITING = 50_000
#: seconds between two looks at so many people for what is too old: the turn of 20,000 comes within the hour
SWEEP_EVERY, SWEPT = 60.0, 400
_DAY_MS = 86_400_000


class What(StrEnum):
    """What happened; the first three to everybody."""

    PROCESS = "connector"
    EXCHANGE = "exchange"
    RAINBOW = "rainbow"
    MAILBOX = "mailbox"
    CHANGE = "change"
    READ = "read"
    ABSENCE = "absence"
    TOLD = "told"
    EVENTS = "events"
    AUTO_REPLY = "autoreply"


#: how long (ms) the same counts as the same; each change and each time of telling is one of its own but for a flood
_FOLDS_FOR = {What.CHANGE: 60_000, What.TOLD: 60_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened `count` times, the first time at `first`, with the same `detail` each time."""

    what: What
    first: datetime
    last: datetime
    count: int
    detail: dict[str, Any]


class History:
    """Takes notes for `file`; without one it takes none."""

    def __init__(self, file: HistoryFile | None, *, now: Callable[[], datetime]) -> None:
        self._file = file
        self._now = now
        self._waiting: deque[Row] = deque()
        self._newest: dict[tuple[str, str], Row] = {}
        self._noted = asyncio.Event()
        self._leaving: dict[str, None] = {}
        self.dropped = 0
        #: what was noted last, each time it was; a state of everybody's that lasts only once
        self.recent = Recent()

    @classmethod
    def open(cls, folder: Path, *, now: Callable[[], datetime]) -> "History":
        """Open the file in this folder, whatever state it is in."""
        return cls(HistoryFile(folder / FILE_NAME), now=now)

    @property
    def kept(self) -> bool:
        """Whether anything is."""
        return self._file is not None

    @property
    def entries(self) -> int:
        """How many are written."""
        return self._file.entries if self._file else 0

    def measures(self) -> dict[str, int]:
        """Return what `metrics.render` shows of it."""
        return {"history_entries": self.entries, "history_entries_dropped": self.dropped}

    def note(self, person: str, what: What, *, login: str = "", seconds: float | None = None, **detail: Any) -> None:
        """Note that something happened to a user, by Rainbow's id, or to everybody (COMPANY).

        `seconds` is how long it took; only those who look meanwhile are told.
        """
        if self._file is None:
            return
        if person in self._leaving:  # and is back
            del self._leaving[person]
            self._file.forget([person])
        at = _milliseconds(self._now())
        if person != COMPANY or (last := self.recent.last(what)) is None or last.detail != detail:
            self.recent.add(at, person, login, what, detail, seconds=seconds)
        newest = self._newest.get((person, what))
        if newest is not None and newest.detail == detail and at - newest.first <= newest.folds_for:
            newest.count += 1
            newest.last = max(newest.last, at)
        elif len(self._waiting) < MOST_WAITING:
            folds_for = _FOLDS_FOR.get(what, _DAY_MS)
            row = Row(
                person=person, kind=what.value, first=at, last=at, detail=detail, folds_for=folds_for, login=login
            )
            self._newest[person, what] = row
            self._waiting.append(row)
            self._noted.set()
        else:
            self.dropped += 1

    def of(self, person: str) -> list[Entry]:
        """Return what happened to somebody in the last 24 hours, in order."""
        if self._file is None or person in self._leaving:
            return []
        mine = [row for row in self._waiting if row.person == person]
        self._waiting = deque(row for row in self._waiting if row.person != person)
        self._write(mine)
        rows = self._file.of(person, _milliseconds(self._now() - KEPT_FOR))
        return [entry for row in rows if (entry := _entry(row)) is not None]

    def who(self, login: str) -> str | None:
        """Return who has this login, as far as anything is noted of anybody; for when the users are not known yet."""
        return self._file.who(login.strip().lower()) if self._file else None

    def forget(self, *people: str) -> None:
        """Drop people who have left, and all that is known of them: at once, or a few at a time where they are many."""
        if self._file is None or not people:
            return
        gone = set(people)
        self.recent.forget(gone)
        self._waiting = deque(row for row in self._waiting if row.person not in gone)
        for key in [key for key in self._newest if key[0] in gone]:
            del self._newest[key]
        self._leaving |= dict.fromkeys(gone)
        self._forget_some()
        if self._leaving:
            self._noted.set()

    def _forget_some(self) -> None:
        if self._file is not None and self._leaving:
            some = list(islice(self._leaving, FORGOTTEN_AT_ONCE))
            for person in some:
                del self._leaving[person]
            self._file.forget(some)

    async def run(self) -> None:
        """Write what was noted, in short steps, and drop what is too old, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_writing(), name="history:write")
            tasks.create_task(self._keep_sweeping(), name="history:sweep")

    def close(self) -> None:
        """Write the rest, and close the file."""
        if self._file is not None:
            while self._waiting:
                self._write(self._take(STEP))
            self._file.close()
            self._file = None

    async def _keep_writing(self) -> None:
        while True:
            await self._noted.wait()
            await asyncio.sleep(WRITE_EVERY)
            self._noted.clear()
            for number in range(0, len(self._waiting), STEP):
                if number % IN_ORDER == 0:
                    self._put_in_order()
                if not self._write(self._take(STEP)):
                    self._noted.set()  # the rest is tried in the next round: a disk that fails is not asked at once
                    break
                await asyncio.sleep(0)
            while self._leaving:
                self._forget_some()
                await asyncio.sleep(0)

    async def _keep_sweeping(self) -> None:
        while self._file is not None:
            self._file.sweep(_milliseconds(self._now() - KEPT_FOR), SWEPT)
            await asyncio.sleep(SWEEP_EVERY)

    def _put_in_order(self) -> None:
        """Have neighbours in the file written together, of those that wait longest: it is half the work."""
        if self._file is not None:
            self._waiting.extendleft(reversed(self._file.in_order(self._take(IN_ORDER))))

    def _take(self, number: int) -> list[Row]:
        return [self._waiting.popleft() for _ in islice(range(len(self._waiting)), number)]

    def _write(self, rows: list[Row]) -> bool:
        """Write these; False where they could not be written, which drops them."""
        for row in rows:
            if self._newest.get((row.person, row.kind)) is row:
                del self._newest[row.person, row.kind]
        if self._file is None or not rows or self._file.write(rows):
            return True
        self.dropped += len(rows)
        return False


#: takes no notes
NO_HISTORY = History(None, now=lambda: datetime.now(UTC))

__all__ = ["COMPANY", "KEPT_FOR", "NO_HISTORY", "Entry", "History", "What"]


def _entry(row: Row) -> Entry | None:
    """Read a row; None for one that this version does not know."""
    try:
        what = What(row.kind)
    except ValueError:
        return None
    return Entry(what=what, first=_instant(row.first), last=_instant(row.last), count=row.count, detail=row.detail)


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
