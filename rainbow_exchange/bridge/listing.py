"""The users of the company: listed at start and from time to time, and looked up when Rainbow asks for somebody new.

How one listing is made, and who counts as gone: `roll_call`. A listing that failed removes nobody. The first one is
taken page by page, so that who comes first need not wait for the last.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.look_up import LookUps
from rainbow_exchange.bridge.roll_call import Progress, RollCall
from rainbow_exchange.bridge.roster import Changes, Member, Roster, addresses
from rainbow_exchange.rainbow import company_users
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RainbowError, RateLimited, ids
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.words import _

log = structlog.get_logger()

#: seconds between full listings that questions for unknown people may cause
REFRESH_AT_MOST_EVERY = 600.0
#: seconds between full listings that word of single changes may cause
CHANGES_AT_MOST_EVERY = 60.0
#: seconds until the next listing while many people are missing and not removed yet
AGAIN_WHILE_DOUBTED = 300.0
#: seconds from one failure to the next try, whoever asks for it
AT_LEAST_BETWEEN_TRIES = 2.0
#: newcomers that are taken in one go
AT_A_TIME = 250

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a full listing brought: `users` take part now.

    `changed` have got other addresses and are tried anew. `doubted` are missing, and are not removed yet. `whole`:
    whoever is not among the users now is not in the company.
    """

    users: int
    added: int
    removed: int
    changed: int
    doubted: int = 0
    whole: bool = True


@dataclass(slots=True)
class ListingCounters:
    """What was asked of Rainbow about users since start."""

    listings: int = 0
    failed: int = 0
    looked_up: int = 0


class Listing:
    """Keeps the roster in step with Rainbow; `run` must be running.

    `changed` is called with what a listing or a question changed, `listed` with what each full listing brought.
    """

    def __init__(
        self,
        *,
        client: RainbowClient,
        roster: Roster,
        refresh_seconds: float,
        changed: Callable[[Changes], None],
        listed: Callable[[Refreshed], None],
        progress: Progress,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._roster = roster
        self._refresh_seconds = refresh_seconds
        self._changed = changed
        self._listed = listed
        self._now = now
        self._random = random
        self._soon = asyncio.Event()
        self._at_once = asyncio.Event()
        self._retry = asyncio.Event()
        self._next = asyncio.Event()  # set by the next listing that comes through, and then replaced
        self._after = refresh_seconds
        self._waited_at = float("-inf")
        self._begun = 0
        self._under_way = False
        self._takers: list[asyncio.Future[Refreshed]] = []
        self._roll_call = RollCall(client, roster, progress=progress, random=random, came=self._came)
        self._look_ups = LookUps(self._ask)
        self._early = 0  # taken before the first listing has come through
        self.counters = ListingCounters()
        self.listed = False
        self.last_error: RainbowError | None = None
        self.failure: RainbowError | None = None  # the last one since start, over or not, and when
        self.failed_at: datetime | None = None
        self.listed_at: datetime | None = None
        self.next_at: datetime | None = None  # None while it is being listed

    async def run(self) -> None:
        """List the users, at once, then every `refresh_seconds` or when somebody asks for it; until cancelled."""
        waits = backoff(2.0, 300.0, random=self._random)
        takers: list[asyncio.Future[Refreshed]] = []
        try:
            while True:
                takers, self._takers = self._takers, []
                self._soon.clear()
                self._at_once.clear()
                self._after = self._refresh_seconds
                self._begun += 1
                try:
                    result = await self._list()
                except RainbowError as error:
                    self._failed(error, takers)
                    await self._before_next_try(error, next(waits))
                    continue
                waits = backoff(2.0, 300.0, random=self._random)
                self._came_through(result, takers)
                await self._until_due()
        finally:
            await self._look_ups.close()
            ended = RainbowConnectionError("closed", _("the connector is stopping, or its settings change"))
            for taker in (*takers, *self._takers):
                if not taker.done():
                    taker.set_exception(ended)

    def soon(self, *, after: float = REFRESH_AT_MOST_EVERY) -> None:
        """Ask for a full listing before its time, `after` so many seconds from the last one."""
        self._after = min(self._after, after)
        self._soon.set()

    def try_again(self) -> None:
        """Do not wait with a listing that failed, whatever Rainbow asked for: a person says so."""
        if self.last_error is not None:
            self._retry.set()
            self._now_please()

    def somebody_changed(self) -> None:
        """Rainbow says that a user is new, changed or gone: list them at once, and at most once a minute."""
        self.soon(after=CHANGES_AT_MOST_EVERY)

    async def refresh(self) -> Refreshed:
        """Have a full listing made that begins now, or after the one under way; return what it brought.

        Raises RainbowError when that one fails. Callers share it; whoever stops waiting ends nothing.
        """
        taker: asyncio.Future[Refreshed] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        self._now_please()
        return await taker

    async def look_up(self, address: str) -> Member | None:
        """Find whoever has exactly this address at Rainbow and take the user into the roster; None if nobody has.

        Rainbow's filters know logins and e-mails; whoever they miss is looked for in a full listing, unless the
        last one made for such a question is younger than ten minutes. Raises RainbowError.
        """
        if self._look_ups.is_nobody(address):
            return None
        user = await self._look_ups.find(address, listing=self._begun)
        self.soon()
        if user is not None:
            member, changes = self._roster.add(user)
            self._tell(changes)
            return member
        if not self._roster.knows(address):
            await self._listed_for_a_question()
        found = self._roster.find(address)
        if found is None:
            self._look_ups.remember_nobody(address)
        return found

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many users are read, of how many; None while none are being listed."""
        reading = self._roll_call.reading
        return (reading.read, reading.total or 0) if reading is not None else None

    @property
    def doubted(self) -> int:
        """How many are missing at Rainbow and not removed yet, because they are most."""
        return self._roll_call.doubted

    # -- when ------------------------------------------------------------------------------------------------------

    def _now_please(self) -> None:
        self._at_once.set()
        self._soon.set()

    async def _listed_for_a_question(self) -> None:
        """Wait for the listing under way or, at most every ten minutes, for one that begins now."""
        now = asyncio.get_running_loop().time()
        due = now - self._waited_at >= REFRESH_AT_MOST_EVERY
        if due and not self._under_way:
            self._waited_at = now
            self._now_please()
        # while Rainbow cannot be listed, nobody is said to be unknown
        unlisted = not self.listed or self.last_error is not None
        if due or self._under_way or self._at_once.is_set() or unlisted:
            await self._next.wait()

    async def _until_due(self) -> None:
        """Wait for the time of the next listing, or until somebody wants it."""
        began = asyncio.get_running_loop().time()
        wait = self._refresh_seconds * (0.95 + 0.1 * self._random())
        if self.doubted:
            wait = min(wait, AGAIN_WHILE_DOUBTED)
        while await self._wait(began + wait - asyncio.get_running_loop().time(), unless=self._soon):
            self._soon.clear()
            if self._at_once.is_set():
                return
            wait = min(wait, self._after)

    async def _before_next_try(self, error: RainbowError, wait: float) -> None:
        """Wait after a failure: at least as long as Rainbow asks, and longer each time unless somebody asks for it."""
        least = error.retry_after if isinstance(error, RateLimited) else min(wait, AT_LEAST_BETWEEN_TRIES)
        self._retry.clear()
        if not await self._wait(least, unless=self._retry) and wait > least:
            await self._wait(wait - least, unless=self._at_once)

    async def _wait(self, seconds: float, *, unless: asyncio.Event) -> bool:
        """Wait so many seconds; return whether `unless` came first."""
        self.next_at = self._now() + timedelta(seconds=max(0.0, seconds))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await unless.wait()
        return unless.is_set()

    # -- one listing -----------------------------------------------------------------------------------------------

    async def _list(self) -> Refreshed:
        self._under_way, self.next_at = True, None
        try:
            users = await self._roll_call.call()
        finally:
            self._under_way = False
        self.counters.listings += 1
        changes = await self._taken({user.id: user for user in users.values() if user.is_active})
        early, self._early = self._early, 0
        for some in _slices(changes.removed):
            for address in {address for member in some for address in addresses(member.user)}:
                if self._roster.find(address) is None:  # Rainbow asks for who has just left, and is not to wait for it
                    self._look_ups.remember_nobody(address)
            await asyncio.sleep(0)
        return Refreshed(
            len(self._roster),
            len(changes.added) + early,
            len(changes.removed),
            len(changes.changed),
            self.doubted,
            whole=not self.doubted and not self._roll_call.moved,
        )

    def _came(self, page: Sequence[RainbowUser]) -> None:
        """Take whoever stands in a page of the first listing; whom they share an address with may come later."""
        if not self.listed:
            came = self._roster.take(user for user in page if user.is_active)
            self._early += len(came.added)
            self._tell(came)

    async def _taken(self, listed: dict[str, RainbowUser]) -> Changes:
        """Have the roster take a full listing, a few at a time: others are let have their turn meanwhile."""
        known, new = list[RainbowUser](), list[RainbowUser]()
        for user in listed.values():
            (new if self._roster.get(user.id) is None else known).append(user)
        await asyncio.sleep(0)
        for few in _slices(new):
            self._roster.expect(few, besides=True)
            await asyncio.sleep(0)
        added, removed, changed = list[Member](), list[Member](), list[Member]()
        for missing in _slices([member.user.id for member in self._roster if member.user.id not in listed]):
            gone = self._roster.drop(missing)
            removed += gone.removed
            self._tell(gone)
            await asyncio.sleep(0)
        for few in _slices([*known, *new]):
            came = self._roster.take(few)
            added += came.added
            changed += came.changed
            self._tell(Changes((), (), came.changed, came.freed))
            await asyncio.sleep(0)
        self._roster.expect(())
        for some in _slices(added):  # only now: whoever shares an address with somebody is known by now
            self._tell(Changes(some))
            await asyncio.sleep(0)
        return Changes(tuple(added), tuple(removed), tuple(dict.fromkeys(changed)))

    def _tell(self, changes: Changes) -> None:
        if changes != Changes():
            self._changed(changes)

    def _came_through(self, result: Refreshed, takers: list[asyncio.Future[Refreshed]]) -> None:
        self.listed = True
        self.listed_at = self._now()
        if self.last_error is not None:
            log.debug("users_listed_again")
            self.last_error = None
        log.info("users_listed", users=result.users, added=result.added, removed=result.removed, changed=result.changed)
        self._look_ups.settle(self._begun)
        self._next.set()
        self._next = asyncio.Event()
        self._listed(result)
        for taker in takers:
            if not taker.done():
                taker.set_result(result)

    def _failed(self, error: RainbowError, takers: list[asyncio.Future[Refreshed]]) -> None:
        self.counters.failed += 1
        log.debug("users_not_listed", reason=str(error), **ids(error))
        self.last_error = self.failure = error
        self.failed_at = self._now()
        for taker in takers:
            if not taker.done():
                taker.set_exception(error)

    async def _ask(self, address: str) -> RainbowUser | None:
        self.counters.looked_up += 1
        found = Roster()
        found.replace(await company_users.users_by_address(self._client, address))
        member = found.find(address)
        return member.user if member else None


def _slices(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Cut a long list into short ones."""
    return (tuple(items[start : start + AT_A_TIME]) for start in range(0, len(items), AT_A_TIME))
