"""What the reader keeps: of each mailbox, of each read that somebody waits for, and of each lane."""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rainbow_exchange.bridge.batches import Company
from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.read_mode import Mode, ReadMode
from rainbow_exchange.bridge.told import Digest
from rainbow_exchange.bridge.unknown_zones import UnknownZones
from rainbow_exchange.model import Agenda, Mailbox, Window


@dataclass(slots=True, eq=False)
class Entry:
    """One mailbox: how it is read, what was read last, and why it could not be read since."""

    mailbox: Mailbox
    mode: ReadMode
    generation: int = 0
    #: the loop's time at which Exchange last said that the calendar had changed, or a poll showed it
    changed_at: float | None = None
    agenda: Agenda | None = None
    agenda_generation: int = -1
    #: what `agenda` is to Rainbow, and by what it was made so: see `answer`
    shown: tuple[Agenda, Privacy, str, Digest] | None = None
    #: the loop's time at which `agenda`, and the last good answer of whatever days, was asked for
    agenda_asked_at: float = -math.inf
    asked_at: float = -math.inf
    stale_reason: str = ""
    failing_since: datetime | None = None
    company: Company = field(default_factory=Company)


@dataclass(slots=True, eq=False)
class Read:
    """One read; whoever joins it waits for `result`."""

    entry: Entry
    window: Window
    result: asyncio.Future[Agenda]
    for_cache: bool
    wants_subjects: Callable[[], bool]
    tries: int = 0
    #: that of the entry when it was sent
    generation: int = -1

    @property
    def subjects(self) -> bool:
        """Whether subjects are wanted as things stand."""
        return self.wants_subjects()

    def share(self, now: datetime) -> int:
        """Read by itself, a mailbox rides alone."""
        return 1 if self.entry.mode.current is Mode.OWN else self.entry.company.share(now)


def by_wishes(reads: Iterable[Read]) -> list[tuple[bool, list[str]]]:
    """Give the addresses of those who want subjects, and of those who do not, as things stand."""
    addresses: dict[bool, list[str]] = {}
    for read in reads:
        addresses.setdefault(read.subjects, []).append(read.entry.mailbox.address)
    return list(addresses.items())


@dataclass(slots=True)
class LaneState:
    """The reads of one lane, by mailbox and window."""

    waiting: dict[tuple[str, Window], Read] = field(default_factory=dict)
    under_way: dict[tuple[str, Window], Read] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: int = 0


@dataclass(slots=True)
class ReaderCounters:
    """What the reader has done since start."""

    requests: int = 0
    mailboxes_read: int = 0
    failed: int = 0
    read_again: int = 0
    unreadable_appointments: int = 0
    zones: UnknownZones = field(default_factory=UnknownZones)
