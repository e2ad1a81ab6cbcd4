"""The mailboxes of the lab's Exchange, and who is found under which name."""

import base64
import uuid
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from functools import partial

from rainbow_exchange.lab.exchange.calendar import Calendar, Details, Item
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.zones import windows_name

FOLDERS = (
    "root", "msgfolderroot", "calendar", "inbox", "deleteditems", "drafts", "sentitems", "outbox", "contacts", "tasks",
)  # fmt: skip
DISPLAY_NAMES = {
    "root": "Root",
    "msgfolderroot": "Top of Information Store",
    "calendar": "Calendar",
    "inbox": "Inbox",
    "deleteditems": "Deleted Items",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "outbox": "Outbox",
    "contacts": "Contacts",
    "tasks": "Tasks",
}
_ID_HEAD = b"\0\x03\x24\0"
#: the instruction, and how long what follows is: of an item, a folder, an instance of a series
_ITEM, _FOLDER, _OCCURRENCE = b"\0F\0", b"\0.\0", b"\x01Q\0"
_GUID_LENGTH = 36
#: before and behind the entry id of an instance's series: a date of eight bytes, a length; the kind of item
_DATE, _ENTRY, _INSTANCE = b"\x08", b"F", b"\x10"
_MESSAGE, _FOLDER_OBJECT = b"\x07\0", b"\x01\0"
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_EPOCH_SECONDS = (datetime(1970, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


class Right(StrEnum):
    """What the service account may do with a mailbox by itself, without impersonation."""

    NONE = "none"
    FREEBUSY = "freebusy"
    REVIEWER = "reviewer"


class Access(IntEnum):
    """What a caller may do with a mailbox."""

    NONE = 0
    FREEBUSY = 1
    REVIEWER = 2
    OWNER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMailbox:
    """A mailbox to make. `upn` and `sid` are made up where they are ""; `timezone` is an IANA or Windows name.

    Times and status are open to the whole organisation by default, as in Exchange (ews.md §4).
    """

    address: str
    display_name: str = ""
    aliases: tuple[str, ...] = ()
    upn: str = ""
    sid: str = ""
    right: str = Right.FREEBUSY
    timezone: str = "Europe/Paris"


@dataclass(slots=True, kw_only=True)
class OutOfOffice:
    """The out-of-office settings; values as EWS spells them, texts as they were set."""

    state: str = "Disabled"
    audience: str = "None"
    start: datetime
    end: datetime
    internal: str = ""
    external: str = ""

    def effective(self, moment: datetime) -> bool:
        """Whether replies go out at that moment."""
        return self.state == "Enabled" or (self.state == "Scheduled" and self.start <= moment < self.end)


Listener = Callable[[str, "Mailbox", Item], None]
Filled = Callable[[LabMailbox], Iterable[Details]]
"""Says what a new mailbox's calendar holds."""


def nothing(_: LabMailbox) -> tuple[Details, ...]:
    """Leave a calendar empty."""
    return ()


@dataclass(slots=True, eq=False)
class Mailbox:
    """One mailbox: names, right of the service account, calendar, out-of-office, and who listens to its changes."""

    made: LabMailbox
    guid: uuid.UUID
    calendar: Calendar
    oof: OutOfOffice
    right: Right
    sid: str
    upn: str
    listeners: list[Listener] = field(default_factory=list)
    # ids are written more often than all else: what those of a mailbox begin with
    _id_head: bytes = field(init=False)
    _database: bytes = field(init=False)
    _entry_head: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._id_head = _ID_HEAD + str(self.guid).encode()
        self._database = uuid.uuid5(self.guid, "database").bytes
        folder = self._database + bytes(5) + bytes([FOLDERS.index("calendar") + 1]) + bytes(2)
        self._entry_head = bytes(4) + self.guid.bytes + _MESSAGE + folder + self._database

    @property
    def address(self) -> str:
        """Give the primary SMTP address."""
        return self.made.address

    @property
    def zone(self) -> str:
        """Give Windows' name of the mailbox's zone."""
        return windows_name(self.made.timezone)

    @property
    def name(self) -> str:
        """Give the display name."""
        return self.made.display_name or self.made.address

    def item_id(self, number: int) -> str:
        """Write the ItemId of an item."""
        return self._encoded(_ITEM + self.entry_id(number))

    def occurrence_id(self, number: int, original: datetime) -> str:
        """Write the ItemId of an instance of a series."""
        date = ((original - _EPOCH) // timedelta(microseconds=1) * 10).to_bytes(8, "big")
        return self._encoded(_OCCURRENCE + _DATE + date + _ENTRY + self.entry_id(number) + _INSTANCE)

    def folder_id(self, folder: str) -> str:
        """Write the FolderId of a distinguished folder."""
        place = bytes(5) + bytes([FOLDERS.index(folder) + 1])
        return self._encoded(_FOLDER + bytes(4) + self.guid.bytes + _FOLDER_OBJECT + self._database + place + bytes(2))

    def entry_id(self, number: int) -> bytes:
        """Give the store's own id of an item: it stands within its ItemId, and free/busy names it by that."""
        return self._entry_head + number.to_bytes(6, "big") + bytes(2)

    def _encoded(self, rest: bytes) -> str:
        return base64.b64encode(self._id_head + rest).decode()


@dataclass(frozen=True, slots=True)
class StoreId:
    """A decoded id: exactly one of `folder` and `number` is set; `original` in seconds for an occurrence."""

    guid: uuid.UUID
    folder: str = ""
    number: int = 0
    original: int | None = None


def decoded(written: str) -> StoreId:
    """Read an id; refuses what this server cannot have written."""
    try:
        raw = base64.b64decode(written, validate=True)
        head, guid_text = raw[:4], raw[4 : 4 + _GUID_LENGTH]
        kind, rest = raw[40:43], raw[43:]
        guid = uuid.UUID(guid_text.decode())
        if head != _ID_HEAD:
            raise ValueError(written)  # noqa: TRY301 — one refusal for all that is wrong here
        if kind == _FOLDER and len(rest) == kind[1] and rest[4:20] == guid.bytes:
            return StoreId(guid, folder=FOLDERS[rest[43] - 1])
        if kind == _ITEM:
            return StoreId(guid, number=_number(guid, rest))
        if kind == _OCCURRENCE and len(rest) == kind[1]:
            original = int.from_bytes(rest[1:9], "big") // 10_000_000 - _EPOCH_SECONDS
            return StoreId(guid, number=_number(guid, rest[10:-1]), original=original)
    except (ValueError, IndexError):
        pass
    raise Refused("ErrorInvalidIdMalformed")


def _number(guid: uuid.UUID, entry_id: bytes) -> int:
    if len(entry_id) != ord(_ENTRY) or entry_id[4:20] != guid.bytes:
        raise ValueError
    return int.from_bytes(entry_id[62:68], "big")


class Directory:
    """All mailboxes by each of their names; look-ups cost the same however many there are."""

    def __init__(self, *, now: Callable[[], datetime], filled: Filled = nothing) -> None:
        self._now = now
        self._filled = filled
        self.by_address: dict[str, Mailbox] = {}
        self.by_proxy: dict[str, Mailbox] = {}
        self.by_upn: dict[str, Mailbox] = {}
        self.by_sid: dict[str, Mailbox] = {}
        self.by_guid: dict[uuid.UUID, Mailbox] = {}
        self._names: list[tuple[str, str]] = []

    def add_all(self, mailboxes: Iterable[LabMailbox]) -> None:
        """Make these mailboxes."""
        for each in mailboxes:
            self._names.extend(self._resolvable(self._put(each)))
        self._names.sort()

    def add(self, made: LabMailbox) -> Mailbox:
        """Make a mailbox; raises ValueError when one of its addresses is taken."""
        mailbox = self._put(made)
        for each in self._resolvable(mailbox):
            insort(self._names, each)
        return mailbox

    def _put(self, made: LabMailbox) -> Mailbox:
        addresses = [made.address.lower(), *(alias.lower() for alias in made.aliases)]
        if taken := [address for address in addresses if address in self.by_proxy]:
            raise ValueError(f"address in use: {', '.join(taken)}")
        guid = uuid.uuid5(uuid.NAMESPACE_URL, f"mailbox:{made.address.lower()}")
        digits = int.from_bytes(guid.bytes[:4], "big")
        moment = self._now().replace(microsecond=0)

        def changed(kind: str, item: Item) -> None:
            for listener in tuple(mailbox.listeners):
                listener(kind, mailbox, item)

        mailbox = Mailbox(
            made=made,
            guid=guid,
            calendar=Calendar(owner=guid, now=self._now, changed=changed, filled=partial(self._filled, made)),
            oof=OutOfOffice(start=moment, end=moment),
            right=Right(made.right),
            sid=made.sid or f"S-1-5-21-1004336348-1177238915-682003330-{digits}",
            upn=(made.upn or made.address).lower(),
        )
        self.by_address[addresses[0]] = mailbox
        for address in addresses:
            self.by_proxy[address] = mailbox
        self.by_upn[mailbox.upn] = mailbox
        self.by_sid[mailbox.sid.upper()] = mailbox
        self.by_guid[guid] = mailbox
        return mailbox

    def named(self, address: str) -> Mailbox:
        """Give the mailbox that has this address or alias; raises LookupError."""
        found = self.by_proxy.get(address.lower())
        if found is None:
            raise LookupError(f"no mailbox has the address {address!r}")
        return found

    def remove(self, address: str) -> Mailbox:
        """Take a mailbox away; raises KeyError when there is none."""
        mailbox = self.by_address.pop(address.lower())
        for alias in (mailbox.address, *mailbox.made.aliases):
            del self.by_proxy[alias.lower()]
        del self.by_upn[mailbox.upn], self.by_sid[mailbox.sid.upper()], self.by_guid[mailbox.guid]
        for each in self._resolvable(mailbox):
            self._names.pop(bisect_left(self._names, each))
        return mailbox

    @staticmethod
    def _resolvable(mailbox: Mailbox) -> set[tuple[str, str]]:
        words = {word.lower() for word in mailbox.name.split()}
        addresses = {alias.lower() for alias in (mailbox.address, *mailbox.made.aliases)}
        names = {mailbox.name.lower(), mailbox.upn, *words, *addresses}
        return {(name, mailbox.address.lower()) for name in names}

    def matching(self, entry: str, limit: int = 101) -> list[Mailbox]:
        """Give the mailboxes one of whose names begins with `entry`, as ambiguous name resolution does."""
        wanted = entry.strip().lower().removeprefix("smtp:")
        found: dict[str, Mailbox] = {}
        position = bisect_left(self._names, (wanted, ""))
        while wanted and position < len(self._names) and len(found) < limit:
            name, address = self._names[position]
            if not name.startswith(wanted):
                break
            found[address] = self.by_address[address]
            position += 1
        return list(found.values())
