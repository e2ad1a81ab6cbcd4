"""Members of the roster → subscriptions: each identifier is tried in its order, and what worked is remembered.

Before everybody is listed, logins alone are tried: only one that is a mailbox's own address is a better claim than one
that led to it before, and takes it over whenever it comes.

One mailbox's failure is its own: it gets its reason and its next try, and the others go on. Where Exchange itself
cannot be reached or refuses the account, everybody waits together, and nobody's identifiers are held to have failed.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from weakref import WeakValueDictionary

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.claims import SHARED, TAKEN
from rainbow_exchange.bridge.finding import Finding, Known
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Roster, Try
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    ResponseError,
    ServerBusy,
    reason_of,
)
from rainbow_exchange.ews.rhythm import Rhythm, rhythm_of
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.watcher import Client, Watcher
from rainbow_exchange.model import Mailbox
from rainbow_exchange.pause import Pause
from rainbow_exchange.sparing import Sparing

log = structlog.get_logger()

WORKERS = 8
#: seconds after which the clock is looked at again for whom to retry
LOOK_EVERY = 1.0
NOT_FOUND_AGAIN = timedelta(days=1)
DENIED_AGAIN = timedelta(hours=1)
#: seconds: the first wait at most, and the longest, for what may pass
POSTPONED = (2.0, 300.0)
#: from so many failures in a row on, for what may pass, the next identifiers are tried as well
LASTING = 3
#: kinds of connection errors that cannot be about one mailbox
_ON_THE_WAY = frozenset({"name", "refused", "tls", "proxy", "kerberos", "token"})


class Enrolment:
    """Subscribes members; `run` must be running.

    `enrolled(member, mode)` is called once a member's mailbox is subscribed (`mode`: how an earlier run read it), and
    `evicted(member, address)` when another user's better claim took it away, `failed(member)` when none of the
    identifiers leads to one, `postponed(member)` when that may pass; `locate(address)` is waited for before a mailbox
    is subscribed; `whole()` says whether everybody is listed. `outage` is why nobody can be subscribed at present, None
    while Exchange answers.
    """

    def __init__(
        self,
        *,
        client: Client,
        watcher: Watcher,
        roster: Roster,
        impersonation: bool,
        known: Mapping[str, Known],
        enrolled: Callable[[Member, Mode | None], None],
        evicted: Callable[[Member, str], None],
        failed: Callable[[Member], None],
        postponed: Callable[[Member], None] = lambda _: None,
        locate: Callable[[str], Awaitable[None]],
        whole: Callable[[], bool] = lambda: True,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._watcher = watcher
        self._roster = roster
        self._finding = Finding(client, self._take, impersonation=impersonation)
        self._impersonation = impersonation
        self._known = dict(known)
        self._enrolled = enrolled
        self._evicted = evicted
        self._failed = failed
        self._postponed = postponed
        self._locate = locate
        self._whole = whole
        self._now = now
        self._random = random
        self._queue: asyncio.PriorityQueue[tuple[int, int, Member]] = asyncio.PriorityQueue()
        self._order = count()
        self._retries: list[tuple[datetime, int, Member]] = []
        self._under_way: set[str] = set()
        self._unlisted: dict[str, Member] = {}  # who has to wait until everybody is listed
        self._refused: dict[str, tuple[Identifier, ResponseError]] = {}  # by user, whose login leads to nothing
        self._held_back = 0
        self._tried: dict[str, asyncio.Event] = {}
        self._leaving: asyncio.Queue[str] = asyncio.Queue()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._waits = backoff(1.0, 30.0, random=random)
        self._pause = Pause()
        self._denied, self._not_found = Sparing("mailbox_denied"), Sparing("mailbox_not_found")
        self.outage: EwsError | None = None
        self.next_attempt: datetime | None = None  # to reach Exchange, while it is out

    def want(self, member: Member, *, urgent: bool = False) -> None:
        """Ask for a member to be subscribed; an urgent one (somebody asks for it) overtakes the others."""
        member.next_try = None
        self._queue.put_nowait((0 if urgent else 1, next(self._order), member))

    def want_at(self, member: Member, when: datetime) -> None:
        """Ask for a member to be subscribed later."""
        member.next_try = when
        heapq.heappush(self._retries, (when, next(self._order), member))

    def again_at(self, code: str) -> datetime:
        """Say when a mailbox that was refused for good with `code` is tried again."""
        daily = rhythm_of(code) is Rhythm.DAILY
        return self._now() + (NOT_FOUND_AGAIN if daily else DENIED_AGAIN)

    def retry(self, member: Member) -> None:
        """Try a member now that was to be tried later, and Exchange itself if it is out; rhythms begin anew."""
        member.failures = 0
        self._roster.stands(member)
        self._waits = backoff(1.0, 30.0, random=self._random)
        self._pause.cut()
        if member.next_try is not None and member.coverage is not Coverage.COVERED:
            self.want(member, urgent=True)

    async def settle(self, member: Member) -> None:
        """Subscribe this member now; return once it was tried. The caller sets the time limit."""
        tried = self._tried.setdefault(member.user.id, asyncio.Event())
        self.want(member, urgent=True)
        await tried.wait()

    def everybody_listed(self) -> None:
        """Try whoever had to wait for it."""
        waited, self._unlisted = self._unlisted, {}
        for member in waited.values():
            self.want(member)

    def forget(self, member: Member) -> None:
        """Forget what worked for a member: the addresses are others now, or the user is gone."""
        self._known.pop(member.user.id, None)
        self._refused.pop(member.user.id, None)

    def unsubscribe(self, address: str) -> None:
        """Ask for a mailbox to be let go, which nobody has any more."""
        self._watcher.let_go(address)
        self._leaving.put_nowait(address)

    def waiting(self) -> int:
        """Count the members in the queue, held back by an outage or until everybody is listed, or being tried."""
        return self._queue.qsize() + self._held_back + len(self._under_way) + len(self._unlisted)

    async def run(self) -> None:
        """Subscribe whoever is wanted, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(WORKERS):
                tasks.create_task(self._work(), name=f"enrol:{number}")
            tasks.create_task(self._retry(), name="enrol:retry")
            tasks.create_task(self._leave(), name="enrol:leave")

    async def _work(self) -> None:
        while True:
            _, _, member = await self._queue.get()
            self._held_back += 1
            await self._reachable.wait()
            self._held_back -= 1
            gone = self._roster.get(member.user.id) is not member
            if gone or member.coverage is Coverage.COVERED:
                if tried := self._tried.pop(member.user.id, None):
                    tried.set()
                if not self.waiting():
                    self.outage = None  # nobody is left whom it holds back: the others tell how Exchange is
                continue
            if member.user.id in self._under_way:
                continue
            self._under_way.add(member.user.id)
            try:
                await self._enrol(member)
                self._answered()
                for freed in self._roster.freed():
                    self.want(freed)
                if tried := self._tried.pop(member.user.id, None):
                    tried.set()
            except (EwsConnectionError, EwsAuthenticationError) as error:
                self._requeue(member, error)
                await self._unavailable(error)
            except ServerBusy as error:
                member.reason = error.code
                self._roster.stands(member)
                self.want(member, urgent=True)
                await self._hold((error.back_off or 0.0) * (1 + 0.25 * self._random()))
            finally:
                self._under_way.discard(member.user.id)

    def _requeue(self, member: Member, error: EwsConnectionError | EwsAuthenticationError) -> None:
        """Have a member tried again that an outage stopped: behind all others if it may have been its own mailbox."""
        if isinstance(error, EwsConnectionError) and not error.shared:
            self._queue.put_nowait((2, next(self._order), member))
        else:
            self.want(member, urgent=True)

    async def _retry(self) -> None:
        while True:
            while self._retries and self._retries[0][0] <= self._now():
                when, _, member = heapq.heappop(self._retries)
                if member.next_try == when:
                    member.next_try = None
                    self.want(member)
            await asyncio.sleep(LOOK_EVERY)

    async def _leave(self) -> None:
        while True:
            address = await self._leaving.get()
            lock = self._locks.setdefault(address, asyncio.Lock())
            async with lock:
                # Somebody else may have got the mailbox in the meantime.
                if self._roster.holder(address) is None:
                    await self._watcher.forget(address)

    async def _unavailable(self, error: EwsError) -> None:
        """Exchange itself does not answer: hold everybody back for a while."""
        log.debug("enrolment_held_back", reason=str(error))
        self.outage = error
        if self._reachable.is_set():
            retry_after = error.retry_after if isinstance(error, EwsConnectionError) else None
            await self._hold(max(retry_after or 0.0, next(self._waits)))

    async def _hold(self, wait: float) -> None:
        """Hold everybody back for so many seconds, unless they are held back already."""
        if self._reachable.is_set():
            self._reachable.clear()
            never = self._client.seconds_to_next_try() is None  # refused credentials, which nobody sends again
            self.next_attempt = None if never else self._now() + timedelta(seconds=wait)
            await self._pause.sleep(wait)
            self.next_attempt = None
            self._reachable.set()

    def _answered(self) -> None:
        if self.outage is not None:
            log.debug("enrolment_went_on")
            self.outage = None
            self._waits = backoff(1.0, 30.0, random=self._random)

    async def _enrol(self, member: Member) -> None:
        """Try what may be tried at present: all there is where somebody asks for a member.

        Whoever has got no mailbox before everybody is listed is tried anew then: some rules are about all of them.
        """
        whole = self._whole()
        await (self._enrol_by_all if whole or member.user.id in self._tried else self._enrol_by_login)(member)
        if whole or member.coverage is Coverage.COVERED or self._roster.get(member.user.id) is not member:
            return
        if self._whole():  # meanwhile
            self.want(member)
        else:
            self._unlisted[member.user.id] = member

    async def _enrol_by_all(self, member: Member) -> None:
        """Try the member's identifiers in order; the first that leads to a free mailbox ends it.

        Where none does, the first that was refused says why, and how soon to try again. What may pass ends it too,
        until it has lasted: the next identifier might lead to another mailbox.
        """
        user, known = member.user, self._known.get(member.user.id)
        wanted, member.tries = self._roster.identifiers(member, first=known.identifier if known else None)
        reason = _why_not(member, wanted)
        denied = passing = ""  # the first code of either kind
        began = self._now()
        login, refused = self._refused.pop(member.user.id, (None, None))
        for identifier in wanted:
            try:
                await self._finding.subscribe(member, identifier, known, refused if identifier == login else None)
            except EwsError as error:
                if not self._is_about_one(error, began):
                    raise
                code = reason_of(error)
                member.tries.append(Try(identifier, code))
                match treatment(error):
                    case Treatment.NEXT_IDENTIFIER:
                        continue
                    case Treatment.DENIED:
                        denied = denied or code
                    case _:
                        passing = passing or code
                        if member.failures + 1 < LASTING or isinstance(error, ServerBusy | ConnectionLimitReached):
                            break
            else:
                if member.coverage is Coverage.COVERED or self._roster.get(member.user.id) is not member:
                    return
                # the mailbox is another user's, or nobody's: a later identifier may lead to one
                reason = member.reason or reason
        if member.user is not user:
            self.want(member)  # with the addresses that it has got meanwhile
        else:
            self._none_worked(member, passing=passing, denied=denied, reason=reason)

    async def _enrol_by_login(self, member: Member) -> None:
        """Try the login as it is, or the mailbox that it led to before; where it leads to none, nothing is decided."""
        known, began = self._known.get(member.user.id), self._now()
        wanted, _ = self._roster.identifiers(member, first=known.identifier if known else None)
        if wanted and wanted[0].kind is IdentifierKind.LOGIN:
            address = wanted[0].value.strip().lower()
            found = known if known is not None and known.identifier == wanted[0] else None
            try:
                await self._take(
                    member,
                    wanted[0],
                    found.mailbox if found else Mailbox(address=address),
                    found.mode if found else None,
                )
            except EwsError as error:
                if not self._is_about_one(error, began):
                    raise
                if isinstance(error, ResponseError) and treatment(error) is Treatment.NEXT_IDENTIFIER and not found:
                    self._refused[member.user.id] = wanted[0], error

    def _none_worked(self, member: Member, *, passing: str, denied: str, reason: str) -> None:
        if passing:
            self._postpone(member, passing)
            return
        self._roster.release(member, coverage=Coverage.FAILED, reason=denied or reason)
        if denied:
            self.want_at(member, self.again_at(denied))
            self._denied.log(user=member.user.id, code=denied)
        else:
            self.want_at(member, self._now() + NOT_FOUND_AGAIN)
            self._not_found.log(user=member.user.id, tries=len(member.tries), reason=reason)
        self._failed(member)

    def _is_about_one(self, error: EwsError, began: datetime) -> bool:
        """Whether the refusal concerns the mailbox that was asked for, rather than our account or the server.

        A server that has answered others since `began`, or is streaming to them, is not down.
        """
        if isinstance(error, ServerBusy) and error.back_off:
            return self._impersonation
        if isinstance(error, EwsAuthenticationError):
            return self._impersonation and error.status == HTTPStatus.FORBIDDEN and self._client.refused is None
        if not isinstance(error, EwsConnectionError):
            return True
        if error.shared or error.retry_after is not None or error.kind in _ON_THE_WAY:
            return False
        last_ok = self._client.last_ok
        answers = last_ok is not None and last_ok > began
        return answers or self._watcher.everybody.streaming

    def _postpone(self, member: Member, code: str) -> None:
        member.failures += 1
        member.reason = code
        self._roster.stands(member)
        self._postponed(member)
        first, longest = POSTPONED
        # nobody's failures are so many that the power would be worth working out
        wait = min(longest, first * 2.0 ** min(member.failures - 1, 16)) * (0.5 + 0.5 * self._random())
        self.want_at(member, self._now() + timedelta(seconds=wait))
        log.debug("mailbox_postponed", user=member.user.id, code=code, retry_in=round(wait, 1))

    async def _take(self, member: Member, identifier: Identifier, mailbox: Mailbox, mode: Mode | None = None) -> None:
        """Subscribe `mailbox` unless somebody already has it, and settle whose it is."""
        lock = self._locks.setdefault(mailbox.address, asyncio.Lock())
        async with lock:
            roster, address = self._roster, mailbox.address
            if roster.holder(address) is None and not roster.contested(member, mailbox, identifier):
                await self._locate(address)
                await self._watcher.subscribe(mailbox)
            # meanwhile the user may have left, or the address may be another's
            if not roster.refusal(member, identifier):
                loser = roster.claim(member, mailbox, identifier)
                if loser is not None:
                    self._evicted(loser, address)
                if member.coverage is Coverage.COVERED:
                    self._known[member.user.id] = Known(identifier=identifier, mailbox=mailbox, mode=mode)
                    self._enrolled(member, mode)
            if roster.holder(address) is None:
                await self._watcher.forget(address)


def _why_not(member: Member, wanted: list[Identifier]) -> str:
    """Say why a member has no mailbox if none of `wanted` leads to one."""
    contested = (attempt.code for attempt in member.tries if attempt.code in {TAKEN, SHARED})
    return next(contested, "no-mailbox" if wanted else "no-address")
