"""What the watcher shows of itself, to status, metrics and the bridge: plain values."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Coverage = Literal["streamed", "opening", "renewing", "waiting"]
StreamState = Literal["gathering", "opening", "streamed", "backing-off", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """One stream as shown to people.

    `server` is the mailbox server its ids name, None where they name none; `own`: its only member must be alone.
    """

    anchor: str
    members: int
    state: StreamState
    opened_at: datetime | None
    last_heartbeat: datetime | None
    reopenings: int
    server: str | None
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a watched mailbox is not streamed at present: a ResponseCode or a few words, and when it is tried again."""

    reason: str
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsView:
    """What the server allows, as learnt; a limit is None where none was met."""

    streams_limit: int | None
    streams_open: int
    stream_refusals: int
    seconds_to_next_stream: float
    subscriptions_limited: bool


@dataclass(slots=True)
class WatcherCounters:
    """What the watcher has seen: plain numbers for status and metrics."""

    subscribed: int = 0  # Subscribe answered with an id, renewals included
    opened: int = 0  # streams confirmed open
    interrupted: int = 0  # streams that ended other than in order
    notifications: int = 0
    gaps: int = 0  # mailboxes told to re-read
    bad_subscriptions: int = 0
    on_another_server: int = 0  # subscriptions that landed on another server than the stream they were meant for
    reopened: int = 0  # streams confirmed open other than for the first time
    ends: Counter[str] = field(default_factory=Counter)  # of streams, by what ended them: see `endings`
    renewals: Counter[str] = field(default_factory=Counter)  # subscriptions made anew, by what had lost them
    losses: Counter[str] = field(default_factory=Counter)  # mailboxes lost, by code

    @property
    def renewed(self) -> int:
        """How many subscriptions were made anew."""
        return self.renewals.total()

    @property
    def lost(self) -> int:
        """How many mailboxes can no longer be watched."""
        return self.losses.total()

    def opened_once_more(self, *, first: bool, gap: bool) -> None:
        """Count a stream that is confirmed open; one opened anew without a gap had ended at its time."""
        self.opened += 1
        self.reopened += not first
        if not (first or gap):
            self.ends["closed"] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """What became of the subscriptions at the end; those left expire on the server."""

    unsubscribed: int
    left: int
