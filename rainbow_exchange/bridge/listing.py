"""The users of the company: listed at start and from time to time, and looked up when Rainbow asks for somebody new."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.roster import Changes, Member, Roster
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowError, RateLimited
from rainbow_exchange.rainbow.types import RainbowUser

log = structlog.get_logger()

#: seconds between full listings that questions for unknown people may cause
REFRESH_AT_MOST_EVERY = 600.0
#: seconds for which an address that nobody has is not looked up again, and how many such addresses are kept
NOT_FOUND_FOR = 60.0
NOT_FOUND_KEPT = 10_000


@dataclass(slots=True)
class ListingCounters:
    """What was asked of Rainbow about users since start."""

    listings: int = 0
    failed: int = 0
    looked_up: int = 0


class Listing:
    """Keeps the roster in step with Rainbow; `changed` is called with what a full listing changed."""

    def __init__(
        self,
        *,
        client: RainbowClient,
        roster: Roster,
        refresh_seconds: float,
        changed: Callable[[Changes], None],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._roster = roster
        self._refresh_seconds = refresh_seconds
        self._changed = changed
        self._random = random
        self._asked = asyncio.Event()
        self._at_once = asyncio.Event()  # set while a question waits for the next listing
        self._next = asyncio.Event()  # set by the next listing that comes through, and then replaced
        self._waited_at = float("-inf")
        self._listed_at = float("-inf")
        self._not_found: OrderedDict[str, float] = OrderedDict()
        self._look_ups: dict[str, asyncio.Task[RainbowUser | None]] = {}
        self.counters = ListingCounters()
        self.listed = False
        self.last_error: RainbowError | None = None

    async def run(self) -> None:
        """List the users, at once, then every `refresh_seconds` or when somebody new turned up; until cancelled."""
        loop = asyncio.get_running_loop()
        waits = backoff(2.0, 300.0, random=self._random)
        while True:
            try:
                await self._list()
            except RainbowError as error:
                self.counters.failed += 1
                if self.last_error is None:
                    log.warning("users_not_listed", reason=str(error))
                self.last_error = error
                wait = next(waits)
                await asyncio.sleep(max(wait, error.retry_after) if isinstance(error, RateLimited) else wait)
                continue
            if self.last_error is not None:
                log.info("users_listed_again")
                self.last_error = None
            waits = backoff(2.0, 300.0, random=self._random)
            self._listed_at = loop.time()
            self._at_once.clear()
            self._next.set()
            self._next = asyncio.Event()
            try:
                async with asyncio.timeout(self._refresh_seconds * (0.95 + 0.1 * self._random())):
                    await self._asked.wait()
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(self._listed_at + REFRESH_AT_MOST_EVERY):
                            await self._at_once.wait()
            except TimeoutError:
                pass
            self._asked.clear()

    def refresh(self) -> None:
        """Ask for a full listing before its time; not more often than `REFRESH_AT_MOST_EVERY` seconds."""
        self._asked.set()

    async def look_up(self, address: str) -> Member | None:
        """Find whoever has exactly this address at Rainbow and take the user into the roster; None if nobody has.

        Rainbow's filters know logins and e-mails; whoever they miss is looked for in a full listing, for which `run`
        must be running, unless the last one made for such a question is younger than ten minutes. Raises RainbowError.
        Callers for the same address share one request.
        """
        loop = asyncio.get_running_loop()
        key = address.strip().lower()
        if self._not_found.get(key, 0.0) > loop.time():
            return None
        task = self._look_ups.get(key)
        if task is None:
            task = self._look_ups[key] = asyncio.create_task(self._ask(address.strip()), name="look-up")
            task.add_done_callback(lambda _: self._look_ups.pop(key, None))
        user = await asyncio.shield(task)
        self.refresh()
        if user is not None:
            return self._roster.add(user)
        if self._at_once.is_set() or loop.time() - self._waited_at >= REFRESH_AT_MOST_EVERY:
            self._waited_at = loop.time()
            self._at_once.set()
            await self._next.wait()
        member = self._roster.find(address)
        if member is None:
            self._not_found[key] = loop.time() + NOT_FOUND_FOR
            if len(self._not_found) > NOT_FOUND_KEPT:
                self._not_found.popitem(last=False)
        return member

    async def close(self) -> None:
        """End look-ups under way."""
        tasks = list(self._look_ups.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _list(self) -> None:
        users = [user async for user in self._client.users()]
        self.counters.listings += 1
        if not any(user.is_active for user in users) and len(self._roster):
            # Losing everybody at once is more likely a fault at the other end than a company that has ended.
            log.warning("users_listing_empty_ignored", known=len(self._roster))
            self.listed = True
            return
        changes = self._roster.replace(users)
        self.listed = True
        log.info(
            "users_listed",
            users=len(self._roster),
            added=len(changes.added),
            removed=len(changes.removed),
            changed=len(changes.changed),
        )
        self._changed(changes)

    async def _ask(self, address: str) -> RainbowUser | None:
        self.counters.looked_up += 1
        found = Roster()
        found.replace(await self._client.users_by_address(address))
        member = found.find(address)
        return member.user if member else None
