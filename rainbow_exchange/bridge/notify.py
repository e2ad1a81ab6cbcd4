"""The due set → Rainbow: `notify` says whose calendar changed, and Rainbow then asks what is in it.

Due is a set, not a queue: what becomes due twice before it is sent is sent once, and a call that failed puts its users
back. Changes overtake boundaries, and the boundaries of one minute are spread over it. A call that is refused for what
it says is sent anew in halves, until whoever Rainbow does not want to hear of stands alone and is held back.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.held_back import HeldBack
from rainbow_exchange.bridge.leaving import Leaving
from rainbow_exchange.bridge.told import Digest, Ledger, Told
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError, RainbowError, RateLimited

log = structlog.get_logger()

#: ids in one call and calls in a second (rainbow.md G.10, our own limits)
IDS = 100
CALLS_PER_SECOND = 5
TIME_LIMIT = 30.0
#: as many single users refused in a row, and nobody accepted: it is not for them that calls are refused
NOT_FOR_THEM = 3
_NOT_ABOUT_USERS = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


class DueSet:
    """Users to notify, in two classes; each with the monotonic time of the change that made it due.

    Some are set apart: they are sent first, and in calls of their own.
    """

    def __init__(self) -> None:
        self._changes: dict[str, float] = {}
        self._boundaries: dict[str, float] = {}
        self._forced: set[str] = set()
        self._boundaries_a_call = 0
        self._apart: list[tuple[dict[str, float], bool]] = []

    def __len__(self) -> int:
        return len(self._changes) + len(self._boundaries) + sum(len(group) for group, _ in self._apart)

    def add(self, user_id: str, since: float, *, force: bool = False, boundary: bool = False) -> None:
        """Make a user due. `force` asks Rainbow to publish even what it believes to know."""
        if any(user_id in group for group, _ in self._apart):
            return
        if force:
            self._forced.add(user_id)
        if boundary and user_id not in self._changes:
            self._boundaries.setdefault(user_id, since)
            # A sixtieth of the backlog a second, so that a full hour's meetings do not all begin in one call.
            share = 2 + math.ceil(len(self._boundaries) / (60 * CALLS_PER_SECOND))
            self._boundaries_a_call = max(self._boundaries_a_call, share)
        elif not boundary:
            earlier = self._boundaries.pop(user_id, since)
            self._changes[user_id] = min(self._changes.get(user_id, since), since, earlier)

    def take(self) -> tuple[dict[str, float], bool]:
        """Take out what one call carries: users with their times, and whether it is forced.

        Forced and plain ones never share a call.
        """
        if self._apart:
            return self._apart.pop()
        force = any(user_id in self._forced for user_id in self._first(self._changes))
        taken = {user_id: self._changes[user_id] for user_id in self._first(self._changes, force=force)}
        for user_id in taken:
            del self._changes[user_id]
        if not force:
            for user_id in list(self._boundaries)[: min(IDS - len(taken), self._boundaries_a_call)]:
                taken[user_id] = self._boundaries.pop(user_id)
            if not self._boundaries:
                self._boundaries_a_call = 0
        self._forced.difference_update(taken)
        return taken, force

    def _first(self, among: dict[str, float], *, force: bool | None = None) -> list[str]:
        if force is None:
            return list(among)[:1]
        return [user_id for user_id in among if (user_id in self._forced) is force][:IDS]

    def set_apart(self, group: dict[str, float], *, force: bool) -> None:
        """Make users due who are to be sent in a call of their own."""
        for user_id in group:
            self.forget(user_id)
        self._apart.append((group, force))

    def oldest(self) -> float | None:
        """Return since when the oldest waits."""
        apart = [since for group, _ in self._apart for since in group.values()]
        return min((*self._changes.values(), *self._boundaries.values(), *apart), default=None)

    def forget(self, user_id: str) -> None:
        """Drop a user."""
        for group, _ in self._apart:
            group.pop(user_id, None)
        self._apart = [(group, force) for group, force in self._apart if group]
        self._changes.pop(user_id, None)
        self._boundaries.pop(user_id, None)
        self._forced.discard(user_id)


@dataclass(slots=True)
class NotifyCounters:
    """What was told since start."""

    calls: int = 0
    users_told: int = 0
    failed_calls: int = 0


@dataclass(slots=True, eq=False)
class Notifier:
    """Drains the due set. `told(user_id)` is called for each user once Rainbow has accepted the notify.

    `refused()` is called when Rainbow does not want to hear of a user: it may have lost it since it was listed.
    """

    client: RainbowClient
    ledger: Ledger
    told: Callable[[str], None]
    refused: Callable[[], None]
    random: Callable[[], float]
    due: DueSet = field(default_factory=DueSet)
    held_back: HeldBack = field(default_factory=HeldBack)
    leaving: Leaving = field(default_factory=Leaving)
    counters: NotifyCounters = field(default_factory=NotifyCounters)
    last_error: RainbowError | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _refused_in_a_row: int = 0

    def add(self, user_id: str, since: float, *, force: bool = False, boundary: bool = False) -> None:
        """Make a user due; see `DueSet.add`. One that is held back stays so."""
        if user_id in self.held_back:
            self.held_back.add(user_id, force=force)
            return
        self.leaving.forget(user_id)
        self.due.add(user_id, since, force=force, boundary=boundary)
        self._wake.set()

    def forget(self, user_id: str) -> None:
        """Drop a user."""
        self.due.forget(user_id)
        self.held_back.accepted(user_id)
        self.leaving.forget(user_id)

    def left(self, user_id: str, since: float) -> None:
        """Have Rainbow told once more of a user who has left."""
        self.forget(user_id)
        self.leaving.add(user_id, since)
        self._wake.set()

    async def run(self) -> None:
        """Notify Rainbow of whoever is due, until cancelled."""
        loop = asyncio.get_running_loop()
        next_call = loop.time()
        waits = backoff(1.0, 60.0, random=self.random)
        while True:
            await self._somebody_due()
            await asyncio.sleep(max(0.0, next_call - loop.time()))
            next_call = loop.time() + 1 / CALLS_PER_SECOND
            try:
                await self._tell_some()
            except (RainbowError, TimeoutError) as error:
                await asyncio.sleep(self._failed(error, wait=next(waits)))
            else:
                waits = backoff(1.0, 60.0, random=self.random)
                if self.last_error is not None:
                    log.info("notify_recovered", waiting=len(self.due))
                    self.last_error = None

    async def flush(self, limit: float) -> int:
        """At stop: send what is due for at most `limit` seconds; return how many users are left untold."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        while (self.due or self.leaving) and loop.time() < end:
            try:
                async with asyncio.timeout_at(end):
                    await self._tell_some()
            except (RainbowError, TimeoutError) as error:
                self._failed(error, wait=0.0)
                break
        return len(self.due) + len(self.leaving)

    async def _somebody_due(self) -> None:
        """Wait for somebody to be due; whoever may be tried again after a refusal goes alone."""
        while True:
            for user_id, held in self.held_back.take(asyncio.get_running_loop().time()).items():
                self.due.set_apart({user_id: held.since}, force=held.force)
            if self.due or self.leaving:
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.held_back.next_at()):
                    await self._wake.wait()

    async def _tell_some(self) -> None:
        """Make one call. Raises what it fails with, unless that is found to be about single users."""
        if not self.due:
            await self._tell_of_left()
            return
        taken, force = self.due.take()
        snapshots = {user_id: self.ledger.snapshot(user_id) for user_id in taken}
        try:
            await self._call(taken, snapshots, force=force)
        except (RainbowError, TimeoutError) as error:
            if not self._narrowed_down(error, taken, force=force):
                raise

    async def _tell_of_left(self) -> None:
        taken = self.leaving.take()
        settled = False
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self.client.notify(list(taken))
            self.counters.calls += 1
            settled = True
        except RainbowError as error:
            if not _is_about_users(error):
                raise
            self.counters.failed_calls += 1
            self.leaving.refused(taken)
            settled = True
        finally:
            if not settled:
                self.leaving.put_back(taken)

    async def _call(
        self, taken: dict[str, float], snapshots: dict[str, dict[Told, Digest | None]], *, force: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        accepted = False
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self.client.notify(list(taken), force=force)
            accepted = True
        finally:
            if not accepted:  # refused, or cut short by a stop: due as before
                for user_id, since in taken.items():
                    self.due.add(user_id, since, force=force)
        self.counters.calls += 1
        now = loop.time()
        self.counters.users_told += len(taken)
        self._refused_in_a_row = 0
        for user_id in taken:
            self.held_back.accepted(user_id)
            self.ledger.notified(user_id, snapshots[user_id], now)
            self.told(user_id)

    def _narrowed_down(self, error: Exception, taken: dict[str, float], *, force: bool) -> bool:
        """Find out whom Rainbow refuses and hold them back; False where the refusal is about no user."""
        if not _is_about_users(error):
            return False
        if len(taken) > 1:
            self.counters.failed_calls += 1
            for half in _halves(taken):
                self.due.set_apart(half, force=force)
            return True
        for user_id, since in taken.items():
            self.due.forget(user_id)
            self.held_back.hold(user_id, since, asyncio.get_running_loop().time(), force=force)
            log.warning("user_refused_by_rainbow", user=user_id, reason=str(error))
        self.refused()
        self._refused_in_a_row += 1
        if self._refused_in_a_row % NOT_FOR_THEM == 0:
            return False
        self.counters.failed_calls += 1
        return True

    def _failed(self, error: Exception, *, wait: float) -> float:
        """Note a failed call; return the seconds to wait before the next one."""
        self.counters.failed_calls += 1
        if self.last_error is None:
            log.warning("notify_failed", reason=str(error) or type(error).__name__, waiting=len(self.due))
        self.last_error = error if isinstance(error, RainbowError) else RainbowError("no answer in time")
        if isinstance(error, RateLimited):
            return max(wait, error.retry_after)
        if isinstance(error, RainbowApiError | RainbowAuthenticationError):
            return max(wait, 5.0)
        return wait


def _is_about_users(error: Exception) -> bool:
    """Whether a call was refused for what it says, so that another one may be accepted."""
    return (
        isinstance(error, RainbowApiError)
        and HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        and error.status not in _NOT_ABOUT_USERS
    )


def _halves(taken: dict[str, float]) -> Iterable[dict[str, float]]:
    ids, middle = list(taken), len(taken) // 2
    return [{user_id: taken[user_id] for user_id in half} for half in (ids[middle:], ids[:middle])]
