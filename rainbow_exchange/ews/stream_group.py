"""One group of subscriptions and the stream that reads them, from its first opening to its last member's leaving.

The rules are design.md §3 "Streams"; what a server may answer is in the protocols page on EWS, §2 and §3.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from rainbow_exchange.backoff import backoff
from rainbow_exchange.ews.bisect import find_bad
from rainbow_exchange.ews.cover import Cover
from rainbow_exchange.ews.endings import SILENT, label
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.event_stream import StreamMessage
from rainbow_exchange.ews.first_alone import FirstAlone
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.joins import Joins
from rainbow_exchange.ews.members import Client, End, Listener, Member
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.stream_limit import REST, StreamLimit
from rainbow_exchange.ews.throttle import STREAMS, exceeded
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.trial import accepted
from rainbow_exchange.ews.types import ConnectingSid, connecting_sid
from rainbow_exchange.model import Mailbox
from rainbow_exchange.pause import Pause

if TYPE_CHECKING:
    from rainbow_exchange.ews.views import StreamState

_STEADY = 20.0  # seconds a stream must have lived to be reopened without back-off
_FAREWELL = 0.1  # seconds between our own closing of a stream and the next: the server is to see them in this order
_RETRY = (1.0, 30.0)  # back-off: first wait at most, longest
_HASTY = 2  # streams left soon after they were opened, until another member pays for the next
_ANCHORS = 3  # refused for as many anchors in a row, the limit is not theirs but the account's
_PATIENCE = 5  # refusals in a row that name nobody and mean "later", before the group is searched for a culprit


class StreamGroup:
    """Up to `size` members that share a stream; `own` marks the stream of a mailbox that must be alone."""

    def __init__(
        self,
        *,
        client: Client,
        listener: Listener,
        openings: asyncio.Semaphore,
        limit: StreamLimit,
        anchor: Mailbox,
        size: int,
        key: str,
        own: bool,
        number: int = 0,
        impersonation: bool,
        stream_minutes: int,
        open_delay: float,
        reopen_interval: float,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self.key = key
        self.number = number
        self.own = own
        self.apart = False  # on another server than most: no place for newcomers
        self.members: dict[str, Member] = {}
        self.cover = Cover(self.members)
        self.reserved = 0  # places of those being subscribed
        self.running = False
        self.affinity = Affinity.to(anchor)
        self.state: StreamState = "gathering"
        self.opened_at: datetime | None = None
        self.last_heartbeat: datetime | None = None
        self.times_opened = 0  # and confirmed
        self.trouble = ""  # why no stream is open
        self.unheard = False  # its last stream fell silent, and since then none has said more than that it is open
        self.next_try: datetime | None = None
        self.pause = Pause()
        self._client = client
        self._listener = listener
        self._openings = openings
        self._limit = limit
        self._size = size
        self._impersonation = impersonation
        self._stream_minutes = stream_minutes
        self._joins = Joins(size=1 if own else size, delay=open_delay, interval=reopen_interval)
        self._now = now
        self._random = random
        self._first = FirstAlone()
        self._changed = asyncio.Event()
        self._reopening: asyncio.Timeout | None = None
        self._waits = self._new_waits()
        self._vague_refusals = 0
        self._anchors_refused = 0
        self._hasty = 0

    @property
    def room(self) -> int:
        """How many may still join."""
        return 0 if self.own else self._size - len(self.members) - self.reserved

    @property
    def weight(self) -> int:
        """How many a stream would carry."""
        return len(self.members)

    @asynccontextmanager
    async def subscribing(self, mailbox: Mailbox) -> AsyncIterator[Affinity]:
        """Yield the affinity to subscribe `mailbox` by."""
        async with self._first.turn() as first:
            affinity = Affinity.to(mailbox) if first else self.affinity
            yield affinity
            if first and not self._first.done:
                self.affinity = affinity

    def add(self, member: Member) -> None:
        """Take in a member that has a new subscription."""
        now = asyncio.get_running_loop().time()
        member.group = self
        self.members[member.mailbox.address] = member
        self.cover.changed()
        self._joins.came(now)
        self._reschedule()

    def remove(self, member: Member) -> None:
        """Let a member go."""
        if self.members.pop(member.mailbox.address, None) is not None:
            member.group = None
            member.covered = False
            self.cover.changed()
            self._joins.went()
            if not self.members:
                self._limit.leave(self)
            self._reschedule()

    async def run(self) -> None:
        """Keep a stream open for the members; return when there are none. On cancel the stream is closed."""
        self.state = "gathering"
        try:
            await self._gather()
            while await self._allowed():
                end = await self._stream()
                wait = await self._after(end)
                if wait and self.members:
                    self.state = "waiting" if isinstance(end.error, ConnectionLimitReached) else "backing-off"
                    self.trouble = "" if end.how == "changed" else end.word
                    self.next_try = self._now() + timedelta(seconds=wait)
                    if await self.pause.sleep(wait):
                        self._waits = self._new_waits()
        finally:
            self._limit.leave(self)
            self.state = "gathering"
            self.cover.lift("reopened: stopped")

    async def _allowed(self) -> bool:
        """Wait until the server allows one more stream; False if nobody is left to be streamed."""
        while self.members and not self._limit.admits(self):
            self.state, self.cover.closed = "waiting", None
            self.trouble = self.trouble or "ErrorExceededConnectionCount"
            self.cover.lift("reopened: waited")
            self._listener.waiting(self)
            await self._limit.turn(self)
        return bool(self.members)

    # --- when to open

    def _due(self) -> float:
        """Loop time at which a stream is to be opened, or reopened, for the present members."""
        now = asyncio.get_running_loop().time()
        return self._joins.due(len(self.members), now, interval=self._limit.reopening_interval())

    async def _gather(self) -> None:
        while self.members and (due := self._due()) > asyncio.get_running_loop().time():
            self._changed.clear()
            try:
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _reschedule(self) -> None:
        self._changed.set()
        if self._reopening is not None and not self._reopening.expired():
            self._reopening.reschedule(self._due())

    # --- one stream

    async def _stream(self) -> End:
        self.state = "opening"
        self.next_try = None
        self._joins.opened(asyncio.get_running_loop().time())
        self._choose_anchor()
        reading = {member.subscription_id: member for member in self.members.values()}
        reopening = asyncio.timeout(None)
        try:
            async with reopening:
                return await self._read(reading, reopening)
        except TimeoutError:
            if not reopening.expired():
                raise
            return End(how="changed")
        except EwsError as error:
            return End(how="failed", error=error)
        finally:
            self._reopening = None
            self._limit.ended(self)

    async def _read(self, reading: dict[str, Member], reopening: asyncio.Timeout) -> End:
        minutes = max(self._stream_minutes - int(5 * self._random()), 1)
        operation = GetStreamingEvents(subscription_ids=tuple(reading), connection_timeout_minutes=minutes)
        confirmed = False
        await self._openings.acquire()
        with ExitStack() as opening:
            opening.callback(self._openings.release)
            async with self._client.stream(operation, impersonate=self._sid(), affinity=self.affinity) as messages:
                async for message in messages:
                    self._pass_on(message, reading)
                    if message.error is not None or message.error_subscription_ids:
                        return self._refused(message, reading)
                    self.last_heartbeat = self._now()
                    if message.connection_status == "Closed":
                        return End(how="closed" if confirmed else "cut")
                    if not confirmed:
                        confirmed = True
                        opening.close()
                        self._confirm(reading.values())
                        self._reopening = reopening  # from here on a change of members may end this stream
                        if self._joins.any:
                            self._reschedule()
                    elif self.unheard:
                        self.unheard = False
                        self._listener.heard(self)
                return End(how="cut")

    def _pass_on(self, message: StreamMessage, reading: dict[str, Member]) -> None:
        for notification in message.notifications:
            member = reading.get(notification.subscription_id)
            if member is not None and member.group is self and notification.events > 0:
                self._listener.changed(member.mailbox)

    def _refused(self, message: StreamMessage, reading: dict[str, Member]) -> End:
        known = [reading[name] for name in dict.fromkeys(message.error_subscription_ids) if name in reading]
        named = tuple(member for member in known if member.group is self)
        error = message.error or ResponseError("ErrorInvalidSubscription")  # ids without a code: no use in them
        return End(how="refused", error=error, named=named, departed=len(named) < len(known))

    def _confirm(self, reading: Iterable[Member]) -> None:
        self._anchors_refused = 0
        self._limit.confirmed(self)
        self.state = "streamed"
        self.trouble, self.next_try = "", None
        self.opened_at = self._now()
        self.times_opened += 1
        present = (member for member in reading if member.group is self)
        self._listener.confirmed(self, self.cover.confirm(present, asyncio.get_running_loop().time()))

    # --- after a stream

    async def _after(self, end: End) -> float:
        """Draw the consequences; return how many seconds to wait before the next stream."""
        now = asyncio.get_running_loop().time()
        age = now - (self._joins.opened_at or now) if self.state == "streamed" else 0.0
        if age and end.how != "changed":
            self._listener.counters.ages.observe(age)
        if steady := age >= _STEADY:
            self._waits = self._new_waits()
            self._vague_refusals = 0
        if end.how == "closed":
            self.cover.closed = now
            return 0.0 if steady else next(self._waits)
        self.cover.closed = None
        self.cover.lift(f"reopened: {end}" if end.how != "changed" else "reopened: members changed")
        if end.how == "changed":
            self._hasty = 0 if steady else self._hasty + 1
            if self._hasty >= _HASTY:
                self._rotate_anchor()  # streams just left may still count against this one
                self._hasty = 0
            return _FAREWELL
        self.unheard = self.unheard or (age > 0 and label(end.error) == SILENT)
        self._listener.interrupted(self, end)
        error = end.error
        if error is None or isinstance(error, EwsConnectionError | EwsAuthenticationError | MalformedResponse):
            return self._after_failure(error, steady=steady)
        return await self._after_refusal(end, error)

    def _after_failure(self, error: EwsError | None, *, steady: bool) -> float:
        if isinstance(error, EwsAuthenticationError):
            about_one = self._impersonation and error.status == HTTPStatus.FORBIDDEN and self._client.refused is None
            return self._blame_anchor(error) if about_one else next(self._waits)
        if isinstance(error, EwsConnectionError):
            self.affinity.failed(error)
        self._rotate_anchor()  # a stream that was cut may count on against its anchor
        if isinstance(error, EwsConnectionError):
            return max(next(self._waits), self._at_least(error.retry_after))
        return 0.0 if error is None and steady else next(self._waits)

    async def _after_refusal(self, end: End, error: EwsError) -> float:
        if isinstance(error, ConnectionLimitReached):
            return self._after_too_many(error)
        if isinstance(error, ServerBusy):
            return max(next(self._waits), self._at_least(error.back_off))
        if end.named or end.departed:
            return self._take_out(end.named, error) if end.named else 0.0
        treat = treatment(error)
        if self._impersonation and treat in (Treatment.DENIED, Treatment.NEXT_IDENTIFIER):
            return self._blame_anchor(error)
        if treat is Treatment.TRANSIENT:
            self._vague_refusals += 1
            if self._vague_refusals < _PATIENCE:
                return next(self._waits)
        return await self._search(error)

    def _after_too_many(self, error: ConnectionLimitReached) -> float:
        """Let the next member pay for the stream, resting if it was refused too, or wait for the account's turn."""
        part, stated = exceeded(error, stream=True)
        self._anchors_refused = (self._anchors_refused + (part == STREAMS)) % _ANCHORS
        if part == STREAMS and not (self._impersonation and self._anchors_refused):
            self._limit.refused(self, stated)
            return 0.0
        self._rotate_anchor()
        fresh = part == STREAMS and self._anchors_refused < len(self.members)
        return next(self._waits) if fresh else self._at_least(REST)

    async def _search(self, error: EwsError) -> float:
        """Find out whose subscriptions are bad where the server does not say."""
        self._vague_refusals = 0
        try:
            bad = await find_bad(list(self.members.values()), self._accepted)
        except (EwsConnectionError, EwsAuthenticationError, MalformedResponse):
            return next(self._waits)
        return self._take_out([member for member in bad if member.group is self], error)

    async def _accepted(self, members: list[Member]) -> bool | None:
        self._choose_anchor()
        ids = (member.subscription_id for member in members)
        return await accepted(self._client, tuple(ids), impersonate=self._sid(), affinity=self.affinity)

    def _take_out(self, members: Iterable[Member], error: EwsError, *, named: bool = True) -> float:
        out = list(members)
        if not out:
            return next(self._waits)
        for member in out:
            member.reason = "renewed"
            self.remove(member)
        self._joins.forget_leavers()  # the rest goes on at once
        self._listener.bad(self, out, error, named=named)
        return 0.0

    def _blame_anchor(self, error: EwsError) -> float:
        """The anchor cannot be impersonated: let its own Subscribe tell why, and let the others go on by another."""
        anchor = self.members.get(self.affinity.anchor)
        return self._take_out([anchor] if anchor is not None else [], error, named=False)

    # --- small parts

    def _choose_anchor(self) -> None:
        """Keep the anchor while it is a member; else the first that has an address follows, by the same cookies."""
        if self.affinity.anchor not in self.members and self.members:
            follower = min(self.members.values(), key=lambda member: member.mailbox.smtp is None)
            self.affinity = Affinity.to(follower.mailbox, self.affinity.cookies)

    def _rotate_anchor(self) -> None:
        """Let the next member pay for the stream: connections are counted by whom they impersonate."""
        self._choose_anchor()
        if self._impersonation and self.members:
            addresses = list(self.members)
            after = (addresses.index(self.affinity.anchor) + 1) % len(addresses)
            self.affinity = Affinity.to(self.members[addresses[after]].mailbox, self.affinity.cookies)

    def _sid(self) -> ConnectingSid | None:
        anchor = self.members.get(self.affinity.anchor)
        return connecting_sid(anchor.mailbox) if self._impersonation and anchor is not None else None

    def _at_least(self, seconds: float | None) -> float:
        """Add jitter above what the server asked for."""
        return (seconds or 0.0) * (1 + 0.25 * self._random())

    def _new_waits(self) -> Iterator[float]:
        return backoff(*_RETRY, random=self._random)
