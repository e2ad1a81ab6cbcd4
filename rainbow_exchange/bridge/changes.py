"""Signals → reads → who is due: whoever's state differs from what Rainbow was told."""

import asyncio
from collections.abc import Callable

import structlog

from rainbow_exchange.bridge.boundaries import instants
from rainbow_exchange.bridge.parts import Cause, Parts
from rainbow_exchange.bridge.polling import Polling
from rainbow_exchange.bridge.reader import Lane
from rainbow_exchange.bridge.recorder import POLLED
from rainbow_exchange.bridge.told import ANSWERS_DOUBTED, Told, digest_auto_reply
from rainbow_exchange.bridge.translate import auto_reply
from rainbow_exchange.bridge.turns import in_turns
from rainbow_exchange.bridge.way import Change
from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.model import Agenda, ShowAs

log = structlog.get_logger()

#: seconds between two times at which all that failed are read again because one was read
RECOVER_EVERY = 30.0
#: seconds without a link after which Rainbow is told of everybody anew, and made to publish it
LINK_LOST_LONG = 300.0
#: seconds after which the clock is looked at again, whatever is expected when: it may have been set
LOOK_EVERY = 1.0
#: mailboxes and users that are looked at before others come to their turn, however many there are at one instant
AT_ONCE = 50
#: causes for which a cached agenda will not do, however current it seems
FRESH = frozenset({Cause.BACKGROUND, Cause.POLL, Cause.ASKED})
#: causes for which somebody waits
URGENT = frozenset({Cause.CHANGE, Cause.ASKED})
_KINDS = {Told.EVENTS: "calendar", Told.AUTO_REPLY: "out-of-office"}


class Changes:
    """Makes users due. `observe("change_told", …)` is called for each change that Rainbow was told."""

    def __init__(self, parts: Parts, polling: Polling, observe: Callable[..., None]) -> None:
        self.parts = parts
        self.polling = polling
        self._observe = observe
        self._reads = asyncio.TaskGroup()
        self._wake = asyncio.Event()
        #: mailboxes that could not be read, for a reason that may pass, since one was read last
        self._failed: set[str] = set()
        self._recovered_at = float("-inf")
        #: whether `run` is running
        self.at_work = False
        #: since when the link has been lost; None while it is not
        self._linkless_since: float | None = None
        self._linked_before = False

    async def run(self) -> None:
        """Read what signals, and time, make worth reading; until cancelled."""
        async with self._reads as tasks:
            tasks.create_task(self._gather(), name="changes:gather")
            tasks.create_task(self._reread(), name="changes:reread")
            tasks.create_task(self.polling.run(self._poll), name="changes:poll")
            tasks.create_task(self._pass_boundaries(), name="changes:boundaries")
            tasks.create_task(self._tell_again(), name="changes:again")
            self.at_work = True
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.at_work = False

    def signalled(self, address: str, request_id: str = "") -> None:
        """Exchange says that this mailbox's calendar changed, in its answer to the request that it calls so."""
        self.parts.counters.signals += 1
        change = self.parts.way.signalled(address, self.parts.loop_time(), request_id)
        log.debug("change_signalled", mailbox=address, change=change.id, exchange_request_id=request_id)
        self._mark(address)
        self.parts.causes.pop(address, None)
        self.parts.coalescer.signal(address, self.parts.loop_time())
        self._wake.set()

    def _mark(self, address: str) -> None:
        """Keep when a calendar has last changed."""
        if (entry := self.parts.reader.entry(address)) is not None:
            entry.changed_at = self.parts.loop_time()

    def look_again(self, address: str, cause: Cause, since: float | None = None, change: Change | None = None) -> None:
        """Have a mailbox read and compared; `since` is when the reason for it arose, `change` what Exchange told."""
        if self.parts.roster.holder(address) is not None:
            began = self.parts.loop_time() if since is None else since
            self._reads.create_task(self._read(address, cause, began, change), name="changes:read")

    def read_now(self, address: str) -> bool:
        """Read at once a mailbox that could not be read and was to be tried later; False for any other."""
        if not self.parts.reader.failed(address):
            return False
        self.parts.retried(address)
        self.parts.coalescer.signal(address, self.parts.loop_time())
        self._wake.set()
        return True

    async def read_everybody(self, landed: Callable[[], None] = lambda: None) -> tuple[int, int]:
        """Have every mailbox read in the background and compared; return how many were read, and how many were not.

        `landed` is called after each.
        """
        addresses = [member.mailbox.address for member in self.parts.roster if member.mailbox is not None]
        return await self._read_these(addresses, Cause.BACKGROUND, landed)

    async def read_anew(self, address: str) -> bool:
        """Have one mailbox read now, however current the cache seems, and compared; return whether it was."""
        return (await self._read_these([address], Cause.ASKED, lambda: None)) == (1, 0)

    async def _read_these(self, addresses: list[str], cause: Cause, landed: Callable[[], None]) -> tuple[int, int]:
        if not self.at_work or not addresses:
            return 0, len(addresses)
        began = self.parts.loop_time()
        reads = [
            self._reads.create_task(self._read(address, cause, began), name="changes:read") for address in addresses
        ]
        for each in reads:
            each.add_done_callback(lambda _: landed())
        await asyncio.wait(reads)
        read = sum(not each.cancelled() and each.exception() is None and each.result() for each in reads)
        return read, len(reads) - read

    async def _gather(self) -> None:
        """Mailboxes whose signals have been gathered are read."""
        coalescer = self.parts.coalescer
        while True:
            self._wake.clear()
            due_at = coalescer.next_at()
            try:
                async with asyncio.timeout_at(due_at):
                    await self._wake.wait()
            except TimeoutError:
                # a timer may ring earlier than it was set to, by the clock's resolution
                for address, since in coalescer.take(max(self.parts.loop_time(), due_at or 0.0), AT_ONCE):
                    change = self.parts.way.take(address)
                    self.look_again(address, self.parts.causes.pop(address, Cause.CHANGE), since, change)

    async def _read(self, address: str, cause: Cause, since: float, change: Change | None = None) -> bool:
        """Read the truth; what cannot be read now (False) is read again later, and nothing is told meanwhile."""
        if self.parts.roster.holder(address) is None:
            return True  # let go of since it was signalled
        lane = Lane.CHANGE if cause in URGENT else Lane.BACKGROUND
        try:
            agenda = await self.parts.reader.agenda(address, lane=lane, fresh=cause in FRESH)
        except EwsError as error:
            if self.parts.roster.holder(address) is None:
                return True  # let go of meanwhile
            wait = self.parts.retry_after(address, error)
            log.debug("read_postponed", mailbox=address, reason=str(error), retry_in=round(wait, 1))
            if change is not None:
                self.parts.way.put_back(address, change)
            if treatment(error) is Treatment.TRANSIENT:
                self._failed.add(address)
            if cause is not Cause.CHANGE:
                self.parts.causes[address] = cause
            self.parts.coalescer.signal(address, self.parts.loop_time(), after=wait, since=since)
            self._wake.set()
            return False
        self.parts.retried(address)
        self._recovered()
        self._compare(agenda, cause, since, change)
        return True

    def _recovered(self) -> None:
        """A mailbox was read: where it was the server that had failed, nobody need wait for his next try any more."""
        now = self.parts.loop_time()
        failed, self._failed = self._failed, set()
        if len(failed) > 1 and now - self._recovered_at >= RECOVER_EVERY:
            self._recovered_at = now
            for address in failed:
                if self.parts.reader.failed(address):
                    self.parts.coalescer.signal(address, now)
            self._wake.set()

    def _compare(self, agenda: Agenda, cause: Cause, since: float, change: Change | None) -> None:
        """Whoever's agenda differs from what Rainbow was told is due."""
        parts, member = self.parts, self.parts.roster.holder(agenda.mailbox)
        if member is None:
            return
        user_id = member.user.id
        self._set_boundary(user_id, agenda.mailbox)
        if cause is Cause.CHANGE and any(
            each.show_as is ShowAs.OOF and each.end > agenda.read_at for each in agenda.appointments
        ):
            # Outlook offers to make such an appointment together with an automatic reply.
            parts.absences.suspect(agenda.mailbox)
        known = parts.ledger.was_notified(user_id)
        differs = parts.ledger.set_state(user_id, Told.EVENTS, parts.answers.digest(agenda), parts.loop_time())
        if change is not None or differs:
            change = change or Change(cause.value, since)
            change.read_by = agenda.request_id
            log.debug(
                "change_read",
                mailbox=agenda.mailbox,
                change=change.id,
                cause=change.cause,
                exchange_request_id=change.read_by,
                differs=differs,
            )
        if change is not None and differs:
            parts.counters.note(cause, known=known)
            if known:
                parts.times.timings.changed(Told.EVENTS)
                parts.way.due(user_id, Told.EVENTS, change, telling=parts.notifier.telling(user_id))
            if known and cause is Cause.CHANGE:
                parts.times.start(user_id, since, Told.EVENTS)
            parts.notifier.add(user_id, since, force=not known)

    def absence_changed(self, address: str, read_by: str = "") -> None:
        """The out-of-office state of a mailbox was read, by the request that Exchange calls so, and differs."""
        parts, member = self.parts, self.parts.roster.holder(address)
        absence = parts.absences.current(address)
        if member is None or absence is None:
            return
        self._set_boundary(member.user.id, address)
        reply = auto_reply(absence, now=parts.now())
        parts.record.absence(member, reply)
        digest = digest_auto_reply(reply)
        due = parts.ledger.set_state(member.user.id, Told.AUTO_REPLY, digest, parts.loop_time())
        # Before the first notify the calendar is waited for: that notify makes Rainbow ask for both.
        if due and parts.ledger.was_notified(member.user.id):
            parts.times.timings.changed(Told.AUTO_REPLY)
            parts.times.start(member.user.id, parts.loop_time(), Told.AUTO_REPLY)
            change = Change("out-of-office", parts.loop_time(), read_by=read_by)
            parts.way.due(member.user.id, Told.AUTO_REPLY, change, telling=parts.notifier.telling(member.user.id))
            parts.notifier.add(member.user.id, parts.loop_time())

    def _set_boundary(self, user_id: str, address: str) -> None:
        known = instants(self.parts.reader.last(address), self.parts.absences.current(address))
        self.parts.boundaries.set(user_id, known, self.parts.now())

    async def _pass_boundaries(self) -> None:
        """An appointment or an absence begins or ends without anything being changed."""
        parts = self.parts
        while True:
            for _ in parts.boundaries.prune():
                await asyncio.sleep(0)
            for user_id in parts.boundaries.take(parts.now(), AT_ONCE):
                member = parts.roster.get(user_id)
                if member is None or member.mailbox is None:
                    continue
                self.absence_changed(member.mailbox.address)
                self._set_boundary(user_id, member.mailbox.address)
                if parts.options.notify_at_boundaries and parts.ledger.was_notified(user_id):
                    parts.notifier.add(user_id, parts.loop_time(), boundary=True)
            next_at = parts.boundaries.next_at()
            wait = (next_at - parts.now()).total_seconds() if next_at else LOOK_EVERY
            await asyncio.sleep(min(max(wait, 0.01), LOOK_EVERY))

    async def _reread(self) -> None:
        """Re-read every mailbox from time to time: it slides the window, and finds what no signal announced."""
        while True:
            for _ in self.parts.rereads.prune():
                await asyncio.sleep(0)
            for address in self.parts.rereads.take(self.parts.now()):
                self.look_again(address, Cause.BACKGROUND)
                self.parts.rereads.set(address, [self.parts.next_reread()], self.parts.now())
            await asyncio.sleep(LOOK_EVERY)

    async def _poll(self, address: str, known: bool) -> None:
        """Look at a mailbox whose first turn it is, or that has changed since its last, where it is `known`."""
        if known:
            self.parts.record.signalled(address, POLLED)
        self._mark(address)
        await self._read(address, Cause.POLL, self.parts.loop_time())

    async def _tell_again(self) -> None:
        """Whoever was notified of and not asked for is notified of again."""
        while True:
            for some, _more in in_turns(self.parts.ledger.waiting()):
                for user_id in self.parts.ledger.take_again(self.parts.loop_time(), some):
                    self.parts.notifier.add(user_id, self.parts.loop_time())
                await asyncio.sleep(0)
            await asyncio.sleep(5.0)

    def told(self, user_id: str) -> None:
        """Rainbow has accepted the notify; it will ask, and `answer` answers."""
        member = self.parts.roster.get(user_id)
        asked = not self.parts.ledger.waits(user_id, Told.EVENTS)
        took = self.parts.times.stop(user_id, self.parts.loop_time(), asked=asked)
        seconds, kind = took or (None, None)
        self.parts.record.told(user_id, kind, seconds)
        if member is None or member.mailbox is None:
            return
        for each, change in self.parts.way.told(user_id, again=user_id in self.parts.notifier.due):
            log.info(
                "change_told",
                user=user_id,
                mailbox=member.mailbox.address,
                kind=_KINDS[each],
                seconds=round(self.parts.loop_time() - change.since, 3),
                change=change.id,
                cause=change.cause,
                notified_by=change.notified_by,
                read_by=change.read_by,
            )
        if seconds is None or kind is None:
            return
        what = _KINDS[kind]
        self._observe("change_told", user=user_id, mailbox=member.mailbox.address, kind=what, seconds=seconds)

    def link_lost(self) -> None:
        """Questions cannot arrive any more, and the last answers may not have arrived."""
        now = self.parts.loop_time()
        if self._linkless_since is None:
            self._linkless_since = now
        self.parts.ledger.doubt(now - ANSWERS_DOUBTED, now)

    def rainbow_forgot(self) -> None:
        """Rainbow does not know any more what it knew of us: once the link is back, it is told of everybody."""
        self._linkless_since = self.parts.loop_time() - LINK_LOST_LONG

    def link_restored(self) -> None:
        """Questions that were asked while the link was lost are lost: have them asked again.

        After a long time Rainbow may have forgotten what it knew, or shows something else: it is told of everybody, and
        made to publish it; whatever it was answered before counts for nothing.
        """
        parts, now = self.parts, self.parts.loop_time()
        since, self._linkless_since = self._linkless_since, None
        first, self._linked_before = not self._linked_before, True
        parts.ledger.begin_anew()
        if since is None or now - since < LINK_LOST_LONG:
            for user_id in parts.ledger.unanswered():
                parts.notifier.add(user_id, now, force=first)
            return
        if self.at_work:
            self._reads.create_task(self._tell_everybody_anew(now, lost_for=now - since), name="changes:anew")

    async def _tell_everybody_anew(self, now: float, *, lost_for: float) -> None:
        """Whatever Rainbow was answered before now counts for nothing: have it told, a few at a time."""
        parts, users = self.parts, 0
        for some, _more in in_turns(parts.roster):
            told = [member.user.id for member in some if parts.ledger.was_notified(member.user.id)]
            parts.ledger.doubt(float("-inf"), now, told)
            for user_id in told:
                parts.notifier.add(user_id, now, force=True)
            users += len(told)
            await asyncio.sleep(0)
        log.info("everybody_told_anew", users=users, link_lost_seconds=round(lost_for))
