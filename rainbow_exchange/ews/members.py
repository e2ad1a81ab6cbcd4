"""A watched mailbox and its subscription; how a stream of such ended; who is told."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from rainbow_exchange.ews.endings import word
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsError
from rainbow_exchange.ews.event_stream import StreamMessage
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.types import Caller, ConnectingSid
from rainbow_exchange.ews.views import WatcherCounters
from rainbow_exchange.model import Mailbox
from rainbow_exchange.pause import Pause

if TYPE_CHECKING:
    from rainbow_exchange.ews.stream_group import StreamGroup


@dataclass(slots=True, eq=False)
class Member:
    """A mailbox, its subscription, and whether it has been streamed without interruption since its last Gap."""

    mailbox: Mailbox
    subscription_id: str = ""
    created_at: float = 0.0  # of the subscription, loop time
    affinity: Affinity | None = None  # by which it was subscribed
    group: "StreamGroup | None" = None  # None while it is renewed
    covered: bool = False
    wanted: bool = True  # somebody has this mailbox
    reason: str = "opened"  # of its next Gap
    early_refusals: int = 0  # in a row, each within a minute of the subscription's creation
    beyond: bool = False  # the server allows no subscription for it
    foreign: int = 0  # of these in a row, those that may mean that only its owner can read it
    alive: bool = False  # its subscription may live, though it is to be made anew: it is given back first
    moved: bool = False  # was subscribed anew to join a group on another server
    trouble: str = ""  # why it is being renewed
    next_try: datetime | None = None  # of its renewal
    pause: Pause = field(default_factory=Pause)  # before its next renewal


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a stream ended. `named`: the members that the server called bad; `departed`: it named some who have left."""

    how: Literal["closed", "cut", "changed", "refused", "failed"]
    error: EwsError | None = None
    named: tuple[Member, ...] = ()
    departed: bool = False

    @property
    def word(self) -> str:
        """Say it in a word or two."""
        return word(self.error) if self.error is not None else self.how

    def __str__(self) -> str:
        return str(self.error) if self.error is not None else self.how


class Listener(Protocol):
    """Who owns the groups, and counts what they see. Each of these returns at once."""

    counters: WatcherCounters

    def confirmed(self, group: "StreamGroup", fresh: list[Member]) -> None:
        """A stream is open; for `fresh` something may have been missed before."""

    def heard(self, group: "StreamGroup") -> None:
        """A stream says more than that it is open, after one that fell silent."""

    def changed(self, mailbox: Mailbox) -> None:
        """Exchange notified."""

    def interrupted(self, group: "StreamGroup", end: End) -> None:
        """A stream ended other than in order."""

    def waiting(self, group: "StreamGroup") -> None:
        """The server allows no stream for this group at present."""

    def resubscribe(self, members: list[Member]) -> None:
        """These have been taken out: they are to join another group, by a subscription made anew."""

    def dropped(self, group: "StreamGroup") -> None:
        """Nobody is left in a group: it is no more."""

    def bad(self, group: "StreamGroup", members: list[Member], error: EwsError, *, named: bool) -> None:
        """These have been taken out: their subscriptions cannot be read here, or `named` False: not by them."""


class Streams(Protocol):
    """Whoever can open a stream: `EwsClient`."""

    def stream(
        self, operation: GetStreamingEvents, *, impersonate: ConnectingSid | None, affinity: Affinity | None
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamMessage]]:
        """Open a stream; see EwsClient.stream."""
        ...


class Client(Caller, Streams, Protocol):
    """Whoever can call and stream: `EwsClient`."""

    @property
    def refused(self) -> EwsAuthenticationError | None:
        """The refusal of the credentials that stands."""
        ...

    @property
    def last_ok(self) -> datetime | None:
        """When it answered last."""
        ...

    def seconds_to_next_try(self) -> float | None:
        """Seconds until refused credentials are tried anew; None if never by themselves, 0 if none are refused."""
        ...
