"""What the watcher shows of itself, to status, metrics and the bridge: plain values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rainbow_exchange.ews.stream_group import StreamGroup

from rainbow_exchange.histogram import Histogram

#: seconds: Exchange ends a stream after half an hour, gateways that cut idle connections after some minutes
_AGES = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1500.0, 1800.0, 2100.0, 3600.0)

Coverage = Literal["streamed", "opening", "renewing", "waiting"]
StreamState = Literal["gathering", "opening", "streamed", "backing-off", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """One stream as shown to people.

    `server` is the mailbox server its ids name, None where they name none; `own`: its only member must be alone.
    `front_end` and `back_end` are the servers that its last answer came through, "" where it did not say. `reason` is
    why no stream is open, which is tried again at `next_try`.
    """

    number: int
    anchor: str
    members: int
    state: StreamState
    opened_at: datetime | None
    last_heartbeat: datetime | None
    reopenings: int
    server: str | None
    own: bool = False
    front_end: str = ""
    back_end: str = ""
    reason: str = ""
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Streams that ended other than in order, their members, and why the first ended.

    None of them is open again or, where it fell silent, has said more since than that it is.
    """

    streams: int
    members: int
    reason: str


def interrupted(ended: Mapping["StreamGroup", str]) -> Interrupted | None:
    """Say what is to be said of these groups, each with why its stream ended; where streams are limited, they wait."""
    down = {group: why for group, why in ended.items() if group.state != "waiting"}
    if not down:
        return None
    members = sum(len(group.members) for group in down)
    return Interrupted(streams=len(down), members=members, reason=next(iter(down.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a watched mailbox is not streamed at present: a ResponseCode or a few words, and when it is tried again."""

    reason: str
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsView:
    """What the server allows, as learnt; a limit is None where none was met.

    `beyond` is how many mailboxes may not be subscribed.
    """

    streams_limit: int | None
    streams_open: int
    stream_refusals: int
    seconds_to_next_stream: float
    beyond: int

    @property
    def subscriptions_limited(self) -> bool:
        """Whether some mailboxes may not be subscribed."""
        return self.beyond > 0


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
    ages: Histogram = field(default_factory=lambda: Histogram(bounds=_AGES))  # of streams that ended, at their end

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

    def ended_early(self, how: str) -> None:
        """Count a stream that ended other than in order, or was not let be."""
        self.interrupted += 1
        self.ends[how] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """What became of the subscriptions at the end; those left expire on the server."""

    unsubscribed: int
    left: int
