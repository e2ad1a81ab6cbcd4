"""Watcher: keeps the subscriptions of all mailboxes alive and says whose calendar to look at again.

It owns the groups (`stream_group`) and what happens to a mailbox between them: subscribing, renewal, loss.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.ews import covered, request_id, views
from rainbow_exchange.ews.allowance import Allowance
from rainbow_exchange.ews.elsewhere import Elsewhere, nowhere
from rainbow_exchange.ews.endings import label, word
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError, ResponseError, SubscriptionLost
from rainbow_exchange.ews.grouping import GROUP_SIZE
from rainbow_exchange.ews.members import Client, End, Member
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.owner_bound import OwnerBound
from rainbow_exchange.ews.pace import Pace
from rainbow_exchange.ews.placing import Placing, server_of, view
from rainbow_exchange.ews.renewal import asked_for, check_readable, is_beyond, lost_code
from rainbow_exchange.ews.stream_group import StreamGroup
from rainbow_exchange.ews.types import ResponseCode, connecting_sid
from rainbow_exchange.ews.unsubscribing import Unsubscribing
from rainbow_exchange.ews.views import CloseReport, Coverage, Doubt, LimitsView, StreamView, WatcherCounters
from rainbow_exchange.model import ChangeSignal, Gap, Lost, Mailbox, MailboxChanged
from rainbow_exchange.words import _

__all__ = ["Client", "CloseReport", "Coverage", "StreamView", "Watcher", "WatcherCounters"]

_EARLY = 60.0  # seconds after its creation within which a refused subscription may live
_RENEWALS_A_SECOND = 50.0  # a storm of renewals is spread
_RENEWAL = (2.0, 300.0)  # back-off: first wait at most, longest

_log = structlog.get_logger()


class Watcher:
    """Keeps each subscribed mailbox in a stream until it is forgotten, lost, or the watcher closed.

    `emit` is called on the loop and must return at once: MailboxChanged for each notified mailbox; Gap once a stream is
    confirmed open for members that were not streamed without interruption before; Lost when a renewal shows that the
    mailbox can no longer be watched (it is forgotten then). `group_key` says which mailboxes may share a stream;
    `find_anew` is awaited before one that is on another server than thought is subscribed, so that it can find out.
    """

    def __init__(
        self,
        client: Client,
        *,
        impersonation: bool,
        emit: Callable[[ChangeSignal], None],
        now: Callable[[], datetime],
        random: Callable[[], float],
        group_size: int = GROUP_SIZE,
        stream_minutes: int = 29,
        open_delay: float = 0.5,
        reopen_interval: float = 5.0,
        group_key: Callable[[Mailbox], str] = lambda _: "",
        find_anew: Callable[[Mailbox], Awaitable[None]] = nowhere,
    ) -> None:
        self._client = client
        self._impersonation = impersonation
        self._emit = emit
        self._now = now
        self._random = random
        self._pace = Pace(_RENEWALS_A_SECOND, random)
        self.owner_bound = OwnerBound()
        self.counters = WatcherCounters()
        self._members: dict[str, Member] = {}
        # one at a time may subscribe or forget the same mailbox
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._elsewhere = Elsewhere(find_anew)
        self._renewals: dict[str, asyncio.Task[None]] = {}
        self._placing = Placing(
            client=client,
            listener=self,
            impersonation=impersonation,
            group_size=min(group_size, GROUP_SIZE),
            stream_minutes=stream_minutes,
            open_delay=open_delay,
            reopen_interval=reopen_interval,
            group_key=group_key,
            now=now,
            random=random,
        )
        self._unsubscribing = Unsubscribing(client, impersonation=impersonation)
        self._allowance = Allowance(random=random)
        self.everybody = covered.Everybody(self._placing, self._allowance, self._members, self._renewals)
        self._down: dict[StreamGroup, str] = {}  # ended other than in order or fell silent, and why
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Hold the streams until cancelled or closed; then none is left open."""
        self._ended.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._placing.tasks = tasks
                for group in self._placing.groups:
                    self._placing.start(group)
                for member in self._members.values():
                    if member.group is None:
                        self._renew_soon(member, 0.0)
                await self._closing.wait()
                for task in self._placing.running:
                    task.cancel()
        finally:
            self._placing.tasks = None
            self._ended.set()

    async def close(self, limit: float = 5.0) -> CloseReport:
        """Close all streams, then unsubscribe for at most `limit` seconds. Nothing can be subscribed afterwards."""
        self._closing.set()
        await self._ended.wait()
        known = [member for member in self._members.values() if member.subscription_id]
        report = await self._unsubscribing.all(known, limit)
        self._members.clear()
        self._allowance.beyond.clear()
        self._placing.groups.clear()
        return report

    async def subscribe(self, mailbox: Mailbox) -> None:
        """Send one Subscribe for `mailbox` unless it is watched already; from then on it is kept alive.

        Raises EwsError; what to try then is the caller's business.
        """
        address = mailbox.address
        async with self._locks.setdefault(address, asyncio.Lock()):
            if (known := self._members.get(address)) is not None:
                covered.want(known, self._allowance, wanted=True)
                return
            member = Member(mailbox)
            try:
                await self._subscribe_unless_short(member)
            except ResponseError as error:
                if not is_beyond(error):
                    raise
                await self._wait_beyond(member, error)
            self._members[address] = member

    async def forget(self, address: str) -> None:
        """Stop watching: leave the stream and unsubscribe, for at most five seconds, whatever comes of it."""
        self.let_go(address)
        async with self._locks.setdefault(address, asyncio.Lock()):
            member = self._members.pop(address, None)
            if member is None:
                return
            renewal = self._renewals.pop(address, None)
            if renewal is not None:
                renewal.cancel()
            self._elsewhere.clear(address)
            if member.group is not None:
                member.group.remove(member)
                self._placing.repack_soon()
            if member.subscription_id and await self._unsubscribing.one(member) and self._allowance.short:
                self._allowance.freed()

    def coverage(self, address: str) -> Coverage | None:
        """Say how a mailbox is watched: "waiting" means that the server allows no more streams for now; None: not."""
        member = self._members.get(address)
        return None if member is None else covered.coverage(member, self._placing)

    def let_go(self, address: str) -> None:
        """Nobody has this mailbox any more: it counts no longer, and is to be forgotten."""
        if (member := self._members.get(address)) is not None:
            covered.want(member, self._allowance, wanted=False)

    def doubt(self, address: str) -> Doubt | None:
        """Say why a watched mailbox is not streamed; None where it is, or is not watched."""
        member = self._members.get(address)
        return None if member is None else covered.doubt(member, self._placing, self._allowance, self._now())

    def retry(self, address: str) -> None:
        """Try now what was to be tried later for this mailbox: its renewal, or its stream."""
        member = self._members.get(address)
        if member is not None:
            (member.pause if member.group is None else member.group.pause).cut()
            if member.beyond:
                self._allowance.freed()
            elif self.coverage(address) == "waiting":
                self._placing.limit.try_now()

    def streams(self) -> list[StreamView]:
        """Show each group."""
        return self._placing.views()

    def stream(self, address: str) -> StreamView | None:
        """Show the group that carries a mailbox, or is to; None where it has none."""
        member = self._members.get(address)
        return None if member is None or member.group is None else view(member.group)

    def stream_number(self, address: str) -> int | None:
        """Give the number of that group."""
        member = self._members.get(address)
        return None if member is None or member.group is None else member.group.number

    def interruptions(self) -> views.Interrupted | None:
        """Say how many streams have ended other than in order and do not work again; None where none has."""
        return views.interrupted(self._down)

    def limits(self) -> LimitsView:
        """Show what the server allows at present."""
        return self._placing.limits(beyond=len(self._allowance.beyond))

    # --- subscribing and renewing

    async def _subscribe(self, member: Member) -> None:
        if self._closing.is_set():
            raise EwsConnectionError("closed", _("the watcher is being closed"))
        mailbox = member.mailbox
        alone = self._impersonation and self.owner_bound.holds(member)
        if apart := mailbox.address in self._elsewhere and not alone:
            await self._elsewhere.find(mailbox)
        group = self._placing.place_apart(member) if apart else self._placing.place(member, alone=alone)
        group.reserved += 1
        try:
            async with group.subscribing(mailbox) as affinity:
                # impersonated, the calendar is its own; an address would have to be the primary one
                operation = Subscribe(mailbox_address=None if self._impersonation else mailbox.address)
                sid = connecting_sid(mailbox) if self._impersonation else None
                response = await self._client.call(operation, impersonate=sid, affinity=affinity)
            member.subscription_id = response.subscription_id
            member.created_at = asyncio.get_running_loop().time()
            member.affinity = affinity
            self.counters.subscribed += 1
            self._elsewhere.clear(mailbox.address)
            home = self._placing.home(group, member)
            if home is not group and server_of(group) is not None:
                self._landed_elsewhere(member, group)
            home.add(member)
        except EwsError as error:
            group.affinity.failed(error)
            self._elsewhere.suspect(mailbox.address, error)
            raise
        finally:
            group.reserved -= 1
            self._placing.tidy(group)
        if not self._closing.is_set():
            self._placing.start(home)

    async def _renew(self, member: Member, delay: float) -> None:
        """Subscribe a mailbox anew until it is watched again or lost for good."""
        address = member.mailbox.address
        waits, cause = backoff(*_RENEWAL, random=self._random), member.trouble
        for _turn in range(member.early_refusals - 1):
            delay = max(delay, next(waits))
        while True:
            if await self._pause(member, delay):
                waits = backoff(*_RENEWAL, random=self._random)
            if member.alive and member.subscription_id:
                await self._unsubscribing.one(member)
                member.subscription_id = ""
            try:
                await self._subscribe(member)
            except EwsError as error:
                if self._allowance.refuses(member, error):
                    continue
                code = lost_code(error, impersonation=self._impersonation, refused=self._client.refused)
                if code is not None:
                    self._lose(member, code)
                    return
                delay = max(next(waits), asked_for(error) * (1 + 0.25 * self._random()))
                member.trouble = word(error)
                _log.debug("renewal_failed", mailbox=address, reason=str(error), retry_in=round(delay, 1))
            else:
                self.counters.renewals[label(cause)] += 1
                member.alive = False
                self._allowance.granted(member)
                self._renewals.pop(address, None)
                member.trouble = ""
                return

    async def _subscribe_unless_short(self, member: Member) -> None:
        """Subscribe, unless others wait for the server to allow more; give back first what is known to be too much."""
        if self._allowance.short and not self._impersonation:
            raise ResponseError(ResponseCode.EXCEEDED_SUBSCRIPTION_COUNT)
        try:
            await self._subscribe(member)
        except ResponseError as error:
            if not is_beyond(error) or not await self._unsubscribing.surplus():
                raise
            await self._subscribe(member)

    async def _pause(self, member: Member, delay: float) -> bool:
        """Wait until a mailbox may be tried anew; return whether a person cut that short."""
        if member.beyond:
            await self._allowance.turn()
            return False
        member.next_try = self._now() + timedelta(seconds=delay)
        cut, member.next_try = await member.pause.sleep(delay), None
        return cut

    async def _wait_beyond(self, member: Member, error: ResponseError) -> None:
        """Keep a mailbox that may not be subscribed, if it exists: it is polled meanwhile."""
        if not self._impersonation:  # impersonated, it would have been refused for what it is
            await check_readable(self._client, member.mailbox.address, now=self._now())
        self._allowance.hold(member, error)
        if self._placing.tasks is not None:
            self._renew_soon(member, 0.0)

    def _landed_elsewhere(self, member: Member, group: StreamGroup) -> None:
        """Count a subscription whose id names another server than those of its group: it is streamed apart."""
        log = _log.debug if self.counters.on_another_server else _log.info
        log("subscriptions_on_several_servers", mailbox=member.mailbox.address, anchor=group.affinity.anchor)
        self.counters.on_another_server += 1

    def _lose(self, member: Member, code: str) -> None:
        address = member.mailbox.address
        self._renewals.pop(address, None)
        self._members.pop(address, None)
        covered.want(member, self._allowance, wanted=False)
        self.counters.losses[label(code)] += 1
        _log.debug("subscription_lost", mailbox=address, code=code)
        self._emit(Lost(mailbox=address, code=code))

    # --- what the groups tell (Listener)

    def confirmed(self, group: StreamGroup, fresh: list[Member]) -> None:
        """A stream is open: tell of the gap before it."""
        self.counters.opened_once_more(first=group.times_opened == 1, gap=bool(fresh))
        if not group.unheard:
            self._down.pop(group, None)
        _log.debug("stream_opened", anchor=group.affinity.anchor, mailboxes=len(group.members), gap=len(fresh))
        for reason in dict.fromkeys(member.reason for member in fresh):
            mailboxes = tuple(member.mailbox.address for member in fresh if member.reason == reason)
            self.counters.gaps += len(mailboxes)
            self._emit(Gap(mailboxes=mailboxes, reason=reason))

    def heard(self, group: StreamGroup) -> None:
        """A stream speaks again, and is not only open."""
        self._down.pop(group, None)

    def changed(self, mailbox: Mailbox) -> None:
        """Exchange notified, in the stream of the task that calls this."""
        self.counters.notifications += 1
        self._emit(MailboxChanged(mailbox=mailbox.address, request_id=request_id.last()))

    def interrupted(self, group: StreamGroup, end: End) -> None:
        """A stream ended other than in order."""
        self.counters.ended_early(label(end.error))
        _log.debug("stream_interrupted", anchor=group.affinity.anchor, mailboxes=len(group.members), reason=str(end))
        self._down[group] = str(end)

    def waiting(self, group: StreamGroup) -> None:  # noqa: ARG002 - whoever waits, all are packed anew
        """The server allows no more streams: those that are open are to carry as many as they can."""
        self._placing.repack_soon()

    def resubscribe(self, members: list[Member]) -> None:
        """These are to join another group, on another server: each by a new subscription."""
        for member in members:
            member.reason, member.alive = "renewed", True
            self._renew_soon(member, self._pace.wait(asyncio.get_running_loop().time()))

    def dropped(self, group: StreamGroup) -> None:
        """Nobody is left in a group."""
        self._down.pop(group, None)

    def bad(self, group: StreamGroup, members: Sequence[Member], error: EwsError, *, named: bool) -> None:
        """Renew these one by one, or give those that only they themselves can read a stream of their own."""
        now = asyncio.get_running_loop().time()
        self.counters.bad_subscriptions += len(members)
        for member in members:
            member.trouble = word(error)
            self._elsewhere.suspect(member.mailbox.address, error)
            early = now - member.created_at < _EARLY
            member.early_refusals = member.early_refusals + 1 if early else 0
            # so young it may well live, only not to be read in that stream
            member.alive = early or not isinstance(error, SubscriptionLost)
            if self._impersonation and named and self._alone_from_now(group, member, error, early=early):
                self._placing.isolate(member)  # it is alive, so it is not made anew
            else:
                self._renew_soon(member, self._pace.wait(now))
        self._placing.tidy(group)

    def _alone_from_now(self, group: StreamGroup, member: Member, error: EwsError, *, early: bool) -> bool:
        """Say whether only its owner may read a subscription, and log it when that is found of the server."""
        known = self.owner_bound.server
        alone = self.owner_bound.judge(group, member, error, early=early)
        if self.owner_bound.server and not known:
            _log.warning("server_found_owner_bound", mailboxes=len(self.owner_bound.mailboxes))
        elif known and not self.owner_bound.server:
            _log.info("server_found_not_owner_bound")
            self.resubscribe(self._placing.strays(self.owner_bound.mailboxes))
        return alone

    def _renew_soon(self, member: Member, delay: float) -> None:
        address = member.mailbox.address
        self._renewals[address] = self._placing.spawn(self._renew(member, delay), f"renew:{address}")
