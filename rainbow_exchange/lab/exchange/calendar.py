"""The lab's own calendar: items and series with exceptions, expanded in the series' own zone.

Shares nothing with the product: it is also the oracle of tests.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from rainbow_exchange.lab.exchange.zones import zone

Change = Callable[[str, "Item"], None]
"""Called after a change with "Created", "Modified", "Deleted" or "Moved" and the item (of a series: its master)."""
_DAY = timedelta(days=1)
_NO_EXCEPTIONS: dict[datetime, "Details"] = {}
STATUSES = ("Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData")
SENSITIVITIES = ("Normal", "Personal", "Private", "Confidential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What an appointment says; values as EWS spells them. `start` and `end` are instants, `zone` a Windows name."""

    start: datetime
    end: datetime
    subject: str = ""
    body: str = ""
    body_type: str = "Text"
    location: str = ""
    all_day: bool = False
    show_as: str = "Busy"
    sensitivity: str = "Normal"
    importance: str = "Normal"
    categories: tuple[str, ...] = ()
    reminder: bool = False
    reminder_minutes: int = 15
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    cancelled: bool = False
    my_response: str = ""
    """"" for what goes with the kind: Unknown for an appointment, Organizer for a meeting."""
    organizer: str = ""
    zone: str = "UTC"

    @property
    def is_meeting(self) -> bool:
        """Whether others are invited or another invited us."""
        return bool(self.required or self.optional or self.organizer)

    def settled(self) -> "Details":
        """Give it as Exchange stores it: an all-day appointment covers whole days of its own zone."""
        if self.show_as not in STATUSES or self.sensitivity not in SENSITIVITIES:
            raise Fault("ErrorSchemaValidation", values={"Violation": "LegacyFreeBusyStatus or Sensitivity"})
        if self.end < self.start:
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")
        if not self.all_day:
            return self
        own = zone(self.zone)

        def midnight(day: date) -> datetime:
            # where the clock leaves midnight out, it is the instant at which it goes forward
            return datetime(day.year, day.month, day.day, tzinfo=own).astimezone(UTC)

        start, last = midnight(self.start.astimezone(own).date()), self.end.astimezone(own).date()
        ends_at_midnight = midnight(last) == self.end and self.end > start
        return replace(self, start=start, end=self.end if ends_at_midnight else midnight(last + _DAY))

    def wall(self) -> tuple[datetime, timedelta]:
        """Give the naive wall time of the start, and the length by the wall clock."""
        own = zone(self.zone)
        start = self.start.astimezone(own).replace(tzinfo=None)
        return start, self.end.astimezone(own).replace(tzinfo=None) - start


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of the store: a single appointment or the master of a series."""

    number: int
    owner: uuid.UUID
    details: Details
    created: datetime
    modified: datetime
    version: int = 1
    created_version: int = 1
    folder: str = "calendar"
    came_from: tuple[str, int] = ("", 0)
    """Folder and number before the last move."""
    given_uid: str = ""
    recurrence: Recurrence | None = None
    # most items have none of either: they share an empty one, which is never changed
    exceptions: dict[datetime, Details] = field(default_factory=lambda: _NO_EXCEPTIONS)
    deleted: frozenset[datetime] = frozenset()

    @property
    def uid(self) -> str:
        """Give the UID, which a move leaves as it is."""
        return self.given_uid or _uid(self.owner, self.number)

    def occurrence(self, original: datetime) -> Details:
        """Give the details of the instance that began at `original`; refuses deleted ones."""
        if original in self.deleted:
            raise Refused("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
        if original in self.exceptions:
            return self.exceptions[original]
        own = zone(self.details.zone)
        wall, length = self.details.wall()
        start = original.astimezone(own).replace(tzinfo=None)
        if self.recurrence is None or not self.recurrence.starts(wall, start, start):
            raise Refused("ErrorItemNotFound")
        return replace(self.details, start=original, end=(start + length).replace(tzinfo=own).astimezone(UTC))

    def nth(self, index: int) -> datetime:
        """Give the original start of the `index`-th instance (from 1, deleted ones count)."""
        wall, _ = self.details.wall()
        found = self.recurrence.nth(wall, index) if self.recurrence and index > 0 else None
        if found is None:
            raise Refused("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
        return found.replace(tzinfo=zone(self.details.zone)).astimezone(UTC)


@dataclass(slots=True, kw_only=True)
class Occurrence:
    """One entry of an expanded calendar. `original` is None for a single appointment."""

    item: Item
    details: Details
    original: datetime | None = None

    @property
    def kind(self) -> str:
        """Give the CalendarItemType."""
        if self.original is None:
            return "Single"
        return "Exception" if self.original in self.item.exceptions else "Occurrence"


class Calendar:
    """The items of one mailbox, in all its folders. Versions rise with every change; deletions leave a tombstone."""

    def __init__(
        self,
        *,
        owner: uuid.UUID,
        now: Callable[[], datetime],
        changed: Change,
        filled: Callable[[], Iterable[Details]] = tuple,
    ) -> None:
        self.owner = owner
        self._now = now
        self._changed = changed
        self._filled: Callable[[], Iterable[Details]] | None = filled
        self._items: dict[int, Item] = {}
        self.tombstones: list[tuple[int, str, int]] = []
        """Version, folder and number of items that left a folder."""
        self.version = 0
        self._next = 1

    @property
    def items(self) -> dict[int, Item]:
        """Give the items by number; those that it was made with are made when it is first looked at."""
        self._fill()
        return self._items

    def _fill(self) -> None:
        if self._filled is not None:
            filled, self._filled = self._filled, None
            for details in filled():
                self._store(details)

    def _store(self, details: Details, recurrence: Recurrence | None = None, uid: str = "") -> Item:
        self.version += 1
        moment = self._now()
        number, self._next = self._next, self._next + 1
        item = Item(
            number=number,
            owner=self.owner,
            given_uid=uid,
            details=details,
            recurrence=recurrence,
            created=moment,
            modified=moment,
            version=self.version,
            created_version=self.version,
        )
        self._items[number] = item
        return item

    def _touch(self, item: Item) -> None:
        self.version += 1
        item.version = self.version
        item.modified = self._now()

    def create(self, details: Details, *, recurrence: Recurrence | None = None, uid: str = "") -> Item:
        """Store a new item in the calendar folder."""
        details = _first(details.settled(), recurrence)
        self._fill()
        item = self._store(details, recurrence, uid)
        self._changed("Created", item)
        return item

    def update(self, item: Item, details: Details, *, recurrence: Recurrence | None = None) -> None:
        """Change a single appointment or a whole series; a new pattern or time drops exceptions and deletions."""
        pattern = recurrence or item.recurrence
        details = _first(details.settled(), pattern)
        if item.recurrence is not None and (
            pattern != item.recurrence or (details.start, details.end) != (item.details.start, item.details.end)
        ):
            item.exceptions, item.deleted = _NO_EXCEPTIONS, frozenset()
        item.details, item.recurrence = details, pattern
        self._touch(item)
        self._changed("Modified", item)

    def put_off(self, item: Item, by: timedelta) -> None:
        """Have a single appointment begin and end later."""
        self.update(item, replace(item.details, start=item.details.start + by, end=item.details.end + by))

    def update_occurrence(self, item: Item, original: datetime, details: Details) -> None:
        """Make or change an exception of a series."""
        item.occurrence(original)
        item.exceptions = item.exceptions | {original: details.settled()}
        self._touch(item)
        self._changed("Modified", item)

    def delete_occurrence(self, item: Item, original: datetime) -> None:
        """Take one instance out of a series."""
        item.occurrence(original)
        item.exceptions = {each: details for each, details in item.exceptions.items() if each != original}
        item.deleted |= {original}
        self._touch(item)
        self._changed("Modified", item)

    def delete(self, item: Item) -> None:
        """Delete for good."""
        del self.items[item.number]
        self.version += 1
        self.tombstones.append((self.version, item.folder, item.number))
        self._changed("Deleted", item)

    def move(self, item: Item, folder: str) -> None:
        """Move to another folder; the item gets a new number, and so a new id, as on Exchange."""
        self.version += 1
        self.tombstones.append((self.version, item.folder, item.number))
        del self.items[item.number]
        item.came_from, item.given_uid = (item.folder, item.number), item.uid
        item.number, self._next = self._next, self._next + 1
        item.folder = folder
        item.version = item.created_version = self.version
        self.items[item.number] = item
        self._changed("Moved", item)

    def find(self, number: int) -> Item:
        """Give the item of a number."""
        try:
            return self.items[number]
        except KeyError:
            raise Refused("ErrorItemNotFound") from None

    def view(self, start: datetime, end: datetime, *, edges: bool = False) -> list[Occurrence]:
        """Expand what lies in the window: End > start and Start < end; with `edges` also what touches it."""

        def inside(details: Details) -> bool:
            if edges:
                return details.end >= start and details.start <= end
            return details.end > start and details.start < end

        found: list[Occurrence] = []
        for item in self.items.values():
            if item.folder != "calendar":
                continue
            if item.recurrence is None:
                if inside(item.details):
                    found.append(Occurrence(item=item, details=item.details))
            else:
                found.extend(each for each in _expanded(item, start, end) if inside(each.details))
        found.sort(key=lambda each: (each.details.start, each.item.number))
        return found


def _first(details: Details, recurrence: Recurrence | None) -> Details:
    """Give a series the start and end of its first instance."""
    if recurrence is None:
        return details
    wall, length = details.wall()
    first, own = recurrence.nth(wall, 1), zone(details.zone)
    if first is None:
        raise Refused("ErrorRecurrenceHasNoOccurrence")
    return replace(
        details,
        start=first.replace(tzinfo=own).astimezone(UTC),
        end=(first + length).replace(tzinfo=own).astimezone(UTC),
    )


def _expanded(item: Item, start: datetime, end: datetime) -> Iterator[Occurrence]:
    for original, details in item.exceptions.items():
        yield Occurrence(item=item, details=details, original=original)
    if item.recurrence is None:
        return
    own = zone(item.details.zone)
    wall, length = item.details.wall()
    after = start.astimezone(own).replace(tzinfo=None) - length - _DAY
    before = end.astimezone(own).replace(tzinfo=None) + _DAY
    for begin in item.recurrence.starts(wall, after, before):
        original = begin.replace(tzinfo=own).astimezone(UTC)
        if original not in item.deleted and original not in item.exceptions:
            details = replace(item.details, start=original, end=(begin + length).replace(tzinfo=own).astimezone(UTC))
            yield Occurrence(item=item, details=details, original=original)


def _uid(owner: uuid.UUID, number: int) -> str:
    """Give a global object id as Exchange makes it: fixed head, then bytes of its own, in upper hex."""
    head = bytes.fromhex("040000008200E00074C5B7101A82E008")
    return (head + hashlib.sha256(owner.bytes + number.to_bytes(8)).digest()).hex().upper()


def change_key(owner: uuid.UUID, version: int) -> str:
    """Give the ChangeKey of an item's version."""
    return base64.b64encode(b"\x0f\0\0\0\x16\0\0\0" + owner.bytes + version.to_bytes(6, "big")).decode()


def details_from(values: dict[str, Any], base: Details | None = None) -> Details:
    """Make or change details by field names, for tests over the lab's own wire; raises ValueError on unknown names."""
    made = dict(values)
    for name in ("start", "end"):
        if isinstance(made.get(name), str):
            made[name] = datetime.fromisoformat(made[name]).astimezone(UTC)
    for name in ("categories", "required", "optional"):
        if name in made:
            made[name] = tuple(made[name])
    try:
        return replace(base, **made) if base else Details(**made)
    except TypeError as error:
        raise ValueError(str(error)) from error
