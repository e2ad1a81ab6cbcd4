"""Who takes part: people come and go at Rainbow, mailboxes are found and lost; what worked is remembered."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import islice

import structlog

from rainbow_exchange.bridge.enrolment import Enrolment
from rainbow_exchange.bridge.finding import Known
from rainbow_exchange.bridge.listing import Listing, Refreshed
from rainbow_exchange.bridge.parts import Parts
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roll_call import DOUBTED, DOUBTED_FOR
from rainbow_exchange.bridge.roster import Changes, Coverage, Identifier, IdentifierKind, Member
from rainbow_exchange.bridge.told import ANSWERS_DOUBTED
from rainbow_exchange.bridge.translate import language_of
from rainbow_exchange.bridge.turns import AT_ONCE, in_turns
from rainbow_exchange.ews.treatment import Treatment, treatment_of
from rainbow_exchange.model import ChangeSignal, Gap, Mailbox, MailboxChanged
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.sparing import Sparing
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Remembered, Store

log = structlog.get_logger()

#: how long after a mailbox has vanished its user's other identifiers are tried: a directory takes its time
NEXT_IDENTIFIER_AFTER = timedelta(minutes=5)
#: seconds between two writes of what was learnt
REMEMBER_EVERY = 2.0


class Membership:
    """Moves members between "wanted", "enrolled" and "gone", and keeps every part in step."""

    def __init__(self, *, store: Store, signal: Callable[[ChangeSignal], None], observe: Callable[..., None]) -> None:
        self._store = store
        self._signal = signal
        self._observe = observe
        self._unsaved: dict[str, Remembered] = {}
        self._saved_modes: dict[str, str] = {}
        self._forgotten: set[str] = set()
        #: users of whose mailbox an earlier run told Rainbow, and who have not got one in this run so far
        self._earlier: set[str] = set()
        #: users whose mailbox is gone; remembered until Rainbow has taken it, however often we are restarted
        self._gone: set[str] = set()
        #: users who have left; remembered until Rainbow was told once more, however often we are restarted
        self._left: set[str] = set()
        self._most = 0  # of those whom an earlier run remembered
        self._absent_since: float | None = None
        self._levels_doubted = asyncio.Event()
        self._words_doubted = False  # those that stand for private appointments
        self._lost = Sparing("mailbox_lost")
        self.listing: Listing
        self.enrolment: Enrolment
        self.parts: Parts

    def join(self, *, parts: Parts, listing: Listing, enrolment: Enrolment) -> None:
        """Take the parts that this one and others need of each other."""
        self.parts, self.listing, self.enrolment = parts, listing, enrolment

    def known(self) -> dict[str, Known]:
        """Return what earlier runs remember, by user id."""
        known = {}
        for user_id, entry in self._store.remembered().items():
            if entry.identifier_kind in set(IdentifierKind) and entry.read_mode in set(Mode):
                known[user_id] = Known(
                    identifier=Identifier(IdentifierKind(entry.identifier_kind), entry.identifier),
                    mailbox=Mailbox(address=entry.address, principal=entry.principal),
                    mode=Mode(entry.read_mode),
                )
                self._saved_modes[user_id] = entry.read_mode
                self._earlier.add(user_id)
        self._most = len(self._earlier) // 2
        return known

    def listed(self, result: Refreshed) -> None:
        """A full listing has come through."""
        self._learn_language()
        self.enrolment.everybody_listed()
        self._observe("users_listed", count=result.users)
        if result.whole:
            self._left_while_away()
        self.review_privacy()

    def _learn_language(self) -> None:
        """Take the language that most users have; what stands for private appointments is told anew in another."""
        view, language = self.parts.answers.view, language_of(self.parts.roster.language())
        if language != view.language:
            view.language, self._words_doubted = language, True
            self._levels_doubted.set()

    def review_privacy(self) -> None:
        """Have whoever's level of privacy has changed looked at: what Rainbow was told is not what it may see now."""
        self._levels_doubted.set()

    async def keep_private(self) -> None:
        """Look at everybody's level whenever it, or the language, may be another, a few at a time; until cancelled."""
        while True:
            await self._levels_doubted.wait()
            self._levels_doubted.clear()
            if self._words_doubted:
                self._words_doubted = False
                for some, _more in in_turns(self.parts.roster):
                    for member in some:
                        if member.mailbox is not None:
                            self._signal(MailboxChanged(mailbox=member.mailbox.address))
                    await asyncio.sleep(0)
            for addresses in self.parts.answers.view.privacy.changed():
                for address in addresses:
                    self._signal(MailboxChanged(mailbox=address))
                await asyncio.sleep(0)

    def _left_while_away(self) -> None:
        """Have Rainbow told of whoever an earlier run served and who is no longer in the company.

        Where those are most, only after that has lasted, as with any listing that lacks most.
        """
        now = self.parts.loop_time()
        absent = [user_id for user_id in self._earlier if self.parts.roster.get(user_id) is None]
        if len(absent) >= DOUBTED and len(absent) > self._most:
            self._absent_since = now if self._absent_since is None else self._absent_since
            if now - self._absent_since < DOUBTED_FOR:
                return
        self.parts.record.gone(absent)
        for user_id in absent:
            self._earlier.discard(user_id)
            self._left.add(user_id)
            self.parts.notifier.left(user_id, now)

    def changed(self, changes: Changes) -> None:
        """Subscribe whoever is new or changed, let go of whoever is gone."""
        now = self.parts.loop_time()
        if len(self.parts.roster) == len(changes.added) > 0:  # the first who are listed
            self._learn_language()
        for member in (*changes.removed, *changes.changed):
            self.enrolment.forget(member)
            self.parts.times.forget(member.user.id)
            told = self.parts.ledger.was_notified(member.user.id)
            if member.mailbox is not None:
                self._let_go(member, member.mailbox.address, unsubscribe=True)
            self.parts.ledger.forget(member.user.id)
            if told and self.parts.roster.get(member.user.id) is member:
                self._withdraw(member)
            elif told or member.user.id in self._earlier:
                self.parts.notifier.left(member.user.id, now)
        self.parts.record.gone(member.user.id for member in changes.removed)
        for member in changes.removed:
            self._left.add(member.user.id)
            self._unsaved.pop(member.user.id, None)
            self._earlier.discard(member.user.id)
            self._gone.discard(member.user.id)
        for member in changes.changed:
            self.parts.roster.release(member, coverage=Coverage.PENDING)
        for member in changes.added:
            self._left.discard(member.user.id)
            self.parts.notifier.forget(member.user.id)
        for member in (*changes.added, *changes.changed, *changes.freed):
            self.enrolment.want(member)

    def enrolled(self, member: Member, mode: Mode | None) -> None:
        """A member's mailbox is subscribed."""
        if member.mailbox is None or member.identifier is None:
            return
        address = member.mailbox.address
        self._earlier.discard(member.user.id)
        self._gone.discard(member.user.id)
        self.parts.ledger.forget(member.user.id)
        self.parts.reader.add(member.mailbox, mode)
        self.parts.absences.add(member.mailbox)
        self.parts.rereads.set(address, [self.parts.next_reread()], self.parts.now())
        self._note(member)
        self.parts.record.found(member)
        self._observe(
            "subscribed",
            done=self.parts.roster.covered,
            total=len(self.parts.roster),
        )
        if self.parts.watcher.coverage(address) == "streamed":
            # Taken over from another user: the stream is open already and will not announce itself.
            self._signal(Gap(mailboxes=(address,), reason="taken over"))

    def evicted(self, member: Member, address: str) -> None:
        """Another user's better claim took this member's mailbox."""
        self._let_go(member, address, unsubscribe=False)
        self.parts.record.without(member)
        self._withdraw(member)
        self.enrolment.want(member)  # another identifier may lead to a mailbox of its own

    def lost(self, address: str, code: str) -> None:
        """Exchange no longer lets us watch this mailbox: Rainbow is told once more, and it is tried again later."""
        member = self.parts.roster.holder(address)
        if member is None:
            return
        self._let_go(member, address, unsubscribe=False)
        self.parts.roster.release(member, coverage=Coverage.FAILED, reason=code)
        self.parts.record.without(member)
        self._withdraw(member)
        if treatment_of(code) is Treatment.NEXT_IDENTIFIER:  # another identifier may lead to its new address
            self.enrolment.want_at(member, self.parts.now() + NEXT_IDENTIFIER_AFTER)
        else:
            self.enrolment.want_at(member, self.enrolment.again_at(code))
        self._lost.log(user=member.user.id, mailbox=address, code=code)

    def failed(self, member: Member) -> None:
        """A member has no mailbox: Rainbow is told once more of whoever it was told of before."""
        self.parts.record.without(member)
        if member.user.id in self._earlier or self.parts.ledger.withdrawing(member.user.id):
            self._withdraw(member)

    async def who(self, address: str) -> Member | None:
        """Return who is meant by an address in a question; somebody new is looked up and subscribed at once."""
        member = self.parts.roster.find(address)
        if member is None:
            try:
                member = await self.listing.look_up(address)
            except RainbowError as error:
                log.debug("look_up_failed", reason=str(error))
                raise TimeoutError from error
            if member is None:
                return None
            log.info("new_user_found", user=member.user.id)
        if member.coverage is Coverage.PENDING and member.next_try is None:
            await self.enrolment.settle(member)
        return member

    async def keep_remembering(self) -> None:
        """Write what was learnt every few seconds, until cancelled; `remember` writes the rest."""
        while True:
            await asyncio.sleep(REMEMBER_EVERY)
            await self._write()

    async def remember(self) -> None:
        """Write everything that is not in the state file yet, read modes learnt since included."""
        for some, _more in in_turns(self.parts.roster):
            for member in some:
                mode = self.parts.reader.mode(member.mailbox.address) if member.mailbox else None
                if mode is not None and self._saved_modes.get(member.user.id) != mode.value:
                    self._note(member)
            await asyncio.sleep(0)
        await self._write()

    async def _write(self) -> None:
        """Write what is new, of much a part at a time.

        A state file that cannot be written costs a slower start, and no more than that.
        """
        try:
            while self._write_new():
                self._store.unwritten.went_well()
                await asyncio.sleep(0)
        except StateError as error:
            self._store.unwritten.failed(reason=str(error))

    def _write_new(self) -> bool:
        """Write a part of it; return whether there was anything."""
        if unsaved := dict(islice(self._unsaved.items(), AT_ONCE)):
            self._store.remember(unsaved.values())
            for user_id, entry in unsaved.items():
                self._saved_modes[user_id] = entry.read_mode
                del self._unsaved[user_id]
            return True
        # A refusal that may be lost with the link yet has to be remembered in case that we are not there then.
        doubted = self.parts.loop_time() - ANSWERS_DOUBTED
        settled = {user_id for user_id in self._gone if not self.parts.ledger.withdrawing(user_id, doubted=doubted)}
        self._gone -= settled
        left = {user_id for user_id in self._left if user_id not in self.parts.notifier.leaving}
        self._left -= left
        self._forgotten |= settled | left
        forgotten = set(islice(self._forgotten, AT_ONCE))
        if forgotten:
            self._store.forget(forgotten)
            self._forgotten -= forgotten
        return bool(forgotten)

    def _note(self, member: Member) -> None:
        if member.mailbox is None or member.identifier is None:
            return
        mode = self.parts.reader.mode(member.mailbox.address)
        self._forgotten.discard(member.user.id)
        self._unsaved[member.user.id] = Remembered(
            user_id=member.user.id,
            identifier_kind=member.identifier.kind.value,
            identifier=member.identifier.value,
            address=member.mailbox.address,
            principal=member.mailbox.principal,
            read_mode=mode.value if mode else Mode.BATCHED.value,
        )

    def _withdraw(self, member: Member) -> None:
        """Have Rainbow told that a member's mailbox is gone, until it asks and is refused."""
        self._earlier.discard(member.user.id)
        self._gone.add(member.user.id)
        self.parts.ledger.withdraw(member.user.id)
        self.parts.notifier.add(member.user.id, self.parts.loop_time())

    def _let_go(self, member: Member, address: str, *, unsubscribe: bool) -> None:
        """Forget agenda, texts and what was told of a member whose mailbox is gone."""
        parts = self.parts
        parts.reader.forget(address)
        parts.absences.forget(address)
        parts.coalescer.forget(address)
        parts.rereads.forget(address)
        parts.retried(address)
        parts.causes.pop(address, None)
        parts.boundaries.forget(member.user.id)
        parts.ledger.forget(member.user.id)
        parts.notifier.forget(member.user.id)
        parts.way.forget(member.user.id, address)
        if unsubscribe:
            self.enrolment.unsubscribe(address)
