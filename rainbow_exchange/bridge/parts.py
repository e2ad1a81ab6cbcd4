"""The parts of the bridge, wired once from plain values, and what they share: counters, retry rhythm."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.answer import Answers
from rainbow_exchange.bridge.boundaries import Boundaries
from rainbow_exchange.bridge.coalesce import Coalescer
from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.bridge.privacy import PrivacyRules
from rainbow_exchange.bridge.reader import Reader
from rainbow_exchange.bridge.recorder import Recorder
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.bridge.timings import TellingTimes
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.bridge.way import OnTheWay
from rainbow_exchange.ews.errors import EwsError, hint
from rainbow_exchange.ews.sites import Sites
from rainbow_exchange.ews.watcher import Watcher

#: each mailbox is re-read at least this often, signal or not
REREAD_EVERY = timedelta(hours=6)


class Cause(StrEnum):
    """Why a mailbox is read."""

    CHANGE = "change"
    GAP = "gap"
    POLL = "poll"
    BACKGROUND = "background"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the settings say about the bridge."""

    impersonation: bool
    privacy: PrivacyRules = field(default_factory=PrivacyRules)
    domains: tuple[str, ...] = ()
    users_refresh_seconds: float = 3600.0
    notify_at_boundaries: bool = True
    #: the service account's own address, where its user name is one
    sending_as: str | None = None


@dataclass(slots=True)
class BridgeCounters:
    """What the bridge has seen since start. A recovered change is one that no signal announced: it should be zero."""

    signals: int = 0
    changes: int = 0
    changes_found_after_gap: int = 0
    recovered_changes: int = 0

    @property
    def found(self) -> int:
        """How many changes were found in all."""
        return self.changes + self.changes_found_after_gap + self.recovered_changes

    def note(self, cause: Cause, *, known: bool) -> None:
        """Count a difference; the first reading of a mailbox (`known` False) is none."""
        if not known:
            return
        if cause in {Cause.CHANGE, Cause.POLL}:
            self.changes += 1
        elif cause is Cause.GAP:
            self.changes_found_after_gap += 1
        else:
            self.recovered_changes += 1


@dataclass(slots=True, eq=False, kw_only=True)
class Parts:
    """Everything the pipeline and the membership work with."""

    options: Options
    roster: Roster
    watcher: Watcher
    sites: Sites
    reader: Reader
    absences: OutOfOfficeWatch
    ledger: Ledger
    notifier: Notifier
    answers: Answers
    times: TellingTimes
    way: OnTheWay
    now: Callable[[], datetime]
    random: Callable[[], float]
    record: Recorder = field(default_factory=Recorder)
    coalescer: Coalescer = field(default_factory=Coalescer)
    boundaries: Boundaries = field(default_factory=Boundaries)
    rereads: Boundaries = field(default_factory=Boundaries)
    counters: BridgeCounters = field(default_factory=BridgeCounters)
    #: why mailboxes are read again that could not be read for another reason than a signal
    causes: dict[str, Cause] = field(default_factory=dict)
    _retries: dict[str, Iterator[float]] = field(default_factory=dict)

    @staticmethod
    def loop_time() -> float:
        """Return the loop's monotonic time in seconds."""
        return asyncio.get_running_loop().time()

    def wall(self, moment: float) -> datetime:
        """Return the wall clock's time of an instant on the loop's."""
        return self.now() + timedelta(seconds=moment - self.loop_time())

    def next_reread(self) -> datetime:
        """Return when a mailbox read now is read again at the latest, spread so that not all come at once."""
        return self.now() + REREAD_EVERY * (0.8 + 0.2 * self.random())

    def retry_after(self, address: str, error: EwsError) -> float:
        """Return the seconds to wait before a mailbox that could not be read is tried again: 1 s … 5 min.

        It is longer where the server asked for more. What was not sent is no try, and makes the next wait no longer.
        """
        asked = hint(error) * (1 + 0.25 * self.random())
        if not error.sent:
            return asked
        waits = self._retries.setdefault(address, backoff(1.0, 300.0, random=self.random))
        return max(next(waits), asked)

    def retried(self, address: str) -> None:
        """Note that a mailbox was read: its next failure begins a new rhythm."""
        self._retries.pop(address, None)
