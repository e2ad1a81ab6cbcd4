"""Neutral words that both sides understand: neither Exchange's wire nor Rainbow's.

All instants are aware datetimes in UTC. Nothing here has a field for a location, a body or an attendee: what must not
leave the building has no place to stand; subjects and texts stand in no repr, so that no log or traceback shows them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ShowAs(StrEnum):
    """How a span of time counts for its owner (LegacyFreeBusyStatus, BusyType)."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OOF = "oof"
    WORKING_ELSEWHERE = "working-elsewhere"
    NO_DATA = "no-data"


class Kind(StrEnum):
    """Place of an appointment in its series (CalendarItemType)."""

    SINGLE = "single"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"
    MASTER = "master"


class Sensitivity(StrEnum):
    """Sensitivity of an item. Free/busy answers know only private or not."""

    NORMAL = "normal"
    PERSONAL = "personal"
    PRIVATE = "private"
    CONFIDENTIAL = "confidential"


class Audience(StrEnum):
    """Who outside the company gets the external reply (ExternalAudience)."""

    NONE = "none"
    KNOWN = "known"
    ALL = "all"


class OofState(StrEnum):
    """Whether the out-of-office reply is on (OofState)."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A mailbox of Exchange. `address` is its primary SMTP address in lower case.

    `principal` is the UPN or SID to impersonate it by, only where the server took no address. Where nobody tells its
    address either, `address` is that name in lower case: we know the mailbox by it, and Exchange must not be told it.
    """

    address: str
    principal: str | None = None

    @property
    def smtp(self) -> str | None:
        """The primary SMTP address, None where it is not known."""
        return None if self.principal is not None and self.principal.lower() == self.address else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time, `start` included, `end` not."""

    start: datetime
    end: datetime

    def covers(self, other: "Window") -> bool:
        """Whether every instant of `other` lies in this window."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One entry of a calendar, expanded: an occurrence of a series is an appointment of its own.

    `id` is stable over re-reads. `subject` is None where the reader had no right to it and "" where it is empty.
    `timezone` is an IANA name, only where Exchange gave one that is known. Cancelled and declined meetings are never
    built.
    """

    id: str
    start: datetime
    end: datetime
    show_as: ShowAs
    subject: str | None = field(default=None, repr=False)
    kind: Kind = Kind.SINGLE
    sensitivity: Sensitivity = Sensitivity.NORMAL
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What one mailbox's calendar holds in `window`, in order of start, as read at `read_at`.

    `detailed` tells whether Exchange showed details (subjects): True or False by the evidence of an appointment, None
    where there was no appointment to tell by. `unreadable` counts entries left out because their times are none.
    `expanded` is False where Exchange gave a series as one, so that its meetings are missing. `unknown_zones` has what
    Exchange called the zones of those appointments that are told without one because nobody here knows it.
    `doubtful`: it has a meeting that may have been cancelled or declined, and was not read in a way that tells.
    `request_id` is what Exchange calls the request by which it was read.
    """

    mailbox: str
    window: Window
    appointments: tuple[Appointment, ...]
    read_at: datetime
    detailed: bool | None = None
    unreadable: int = 0
    expanded: bool = True
    unknown_zones: tuple[str, ...] = ()
    doubtful: bool = False
    request_id: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOffice:
    """The automatic reply of one mailbox; texts are plain. `start` and `end` only where `state` is SCHEDULED."""

    state: OofState
    start: datetime | None = None
    end: datetime | None = None
    internal_text: str = field(default="", repr=False)
    external_text: str = field(default="", repr=False)
    audience: Audience = Audience.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxChanged:
    """Exchange says: look again at this mailbox's calendar; `request_id` is what it calls the request so answered."""

    mailbox: str
    request_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """These mailboxes are streamed (again), and something may have been missed before: re-read and compare."""

    mailboxes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """This mailbox can no longer be watched: `code` is Exchange's ResponseCode or the name of the error."""

    mailbox: str
    code: str


ChangeSignal = MailboxChanged | Gap | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that needs a person: what is wrong and what to do. `id` is stable.

    `severity`: "error" (nothing works), "warning" (something does not), "notice" (worth knowing; all else is well).
    """

    id: str
    severity: str
    since: datetime
    text: str
    action: str
