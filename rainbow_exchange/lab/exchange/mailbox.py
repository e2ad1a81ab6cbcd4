"""The mailboxes of the lab's Exchange, and who is found under which name."""

import base64
import uuid
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from rainbow_exchange.lab.exchange.calendar import Calendar, Item
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
_ITEM, _FOLDER, _OCCURRENCE = b"\0F", b"\0.", b"\0Q"
_GUID_LENGTH = 36


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
        return _encoded(self.guid, _ITEM, number.to_bytes(8, "big"))

    def occurrence_id(self, number: int, original: datetime) -> str:
        """Write the ItemId of an instance of a series."""
        return _encoded(self.guid, _OCCURRENCE, number.to_bytes(8, "big") + _seconds(original))

    def folder_id(self, folder: str) -> str:
        """Write the FolderId of a distinguished folder."""
        return _encoded(self.guid, _FOLDER, bytes([FOLDERS.index(folder)]))


def _seconds(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(8, "big", signed=True)


def _encoded(guid: uuid.UUID, kind: bytes, rest: bytes) -> str:
    return base64.b64encode(_ID_HEAD + str(guid).encode() + kind + bytes(6) + guid.bytes + rest).decode()


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
        kind, rest = raw[40:42], raw[64:]
        guid = uuid.UUID(guid_text.decode())
        if head != _ID_HEAD or raw[48:64] != guid.bytes:
            raise ValueError(written)  # noqa: TRY301 — one refusal for all that is wrong here
        if kind == _FOLDER and len(rest) == 1:
            return StoreId(guid, folder=FOLDERS[rest[0]])
        if kind == _ITEM and len(rest) == 8:  # noqa: PLR2004 — a number takes eight bytes
            return StoreId(guid, number=int.from_bytes(rest, "big"))
        if kind == _OCCURRENCE and len(rest) == 16:  # noqa: PLR2004 — and so does a moment
            return StoreId(
                guid, number=int.from_bytes(rest[:8], "big"), original=int.from_bytes(rest[8:], "big", signed=True)
            )
    except (ValueError, IndexError):
        pass
    raise Refused("ErrorInvalidIdMalformed")


class Directory:
    """All mailboxes by each of their names; look-ups cost the same however many there are."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self.by_address: dict[str, Mailbox] = {}
        self.by_proxy: dict[str, Mailbox] = {}
        self.by_upn: dict[str, Mailbox] = {}
        self.by_sid: dict[str, Mailbox] = {}
        self.by_guid: dict[uuid.UUID, Mailbox] = {}
        self._names: list[tuple[str, str]] = []

    def add_all(self, mailboxes: Iterable[LabMailbox]) -> None:
        """Make these mailboxes."""
        for each in mailboxes:
            self.add(each)

    def add(self, made: LabMailbox) -> Mailbox:
        """Make a mailbox; raises ValueError when one of its addresses is taken."""
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
            calendar=Calendar(owner=guid, now=self._now, changed=changed),
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
        for name in self._resolvable(mailbox):
            insort(self._names, (name, addresses[0]))
        return mailbox

    def remove(self, address: str) -> Mailbox:
        """Take a mailbox away; raises KeyError when there is none."""
        mailbox = self.by_address.pop(address.lower())
        for alias in (mailbox.address, *mailbox.made.aliases):
            del self.by_proxy[alias.lower()]
        del self.by_upn[mailbox.upn], self.by_sid[mailbox.sid.upper()], self.by_guid[mailbox.guid]
        for name in self._resolvable(mailbox):
            self._names.pop(bisect_left(self._names, (name, address.lower())))
        return mailbox

    @staticmethod
    def _resolvable(mailbox: Mailbox) -> set[str]:
        words = {word.lower() for word in mailbox.name.split()}
        addresses = {alias.lower() for alias in (mailbox.address, *mailbox.made.aliases)}
        return {mailbox.name.lower(), mailbox.upn, *words, *addresses}

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
