"""The due set → Rainbow: `notify` says whose calendar changed, and Rainbow then asks what is in it.

Nobody is lost: a call that was not accepted, for whatever reason, puts its users back. One that is refused for what it
says is sent anew in halves, until whoever Rainbow does not want to hear of stands alone and is held back.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from aiolimiter import AsyncLimiter

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.due import DueSet
from rainbow_exchange.bridge.held_back import HeldBack
from rainbow_exchange.bridge.leaving import Leaving
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.pause import Pause, others_turn
from rainbow_exchange.rainbow.assumed import NOTIFY_CALLS_A_SECOND
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError, RainbowError, RateLimited, ids
from rainbow_exchange.sparing import Sparing
from rainbow_exchange.words import _

log = structlog.get_logger()

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


@dataclass(slots=True)
class NotifyCounters:
    """What was told since start."""

    calls: int = 0
    users_told: int = 0
    failed_calls: int = 0


@dataclass(slots=True, eq=False)
class Notifier:
    """Drains the due set. `told(user_id)` is called for each user once Rainbow has accepted the notify.

    `refused(user_id, reason)` is called when Rainbow does not want to hear of one: it may have lost it since it was
    listed.
    """

    client: RainbowClient
    ledger: Ledger
    told: Callable[[str], None]
    refused: Callable[[str, str], None]
    random: Callable[[], float]
    due: DueSet = field(default_factory=DueSet)
    held_back: HeldBack = field(default_factory=HeldBack)
    leaving: Leaving = field(default_factory=Leaving)
    counters: NotifyCounters = field(default_factory=NotifyCounters)
    last_error: RainbowError | None = None
    #: loop time of the next call after a failed one; None while calls are accepted
    next_call: float | None = None
    # One call each fifth of a second: a bucket of five would let nine pass within a second.
    _rate: AsyncLimiter = field(default_factory=lambda: AsyncLimiter(1, 1 / NOTIFY_CALLS_A_SECOND))
    _pause: Pause = field(default_factory=Pause)
    _taken: dict[str, float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _refused_in_a_row: int = 0
    _refused_by_rainbow: Sparing = field(default_factory=lambda: Sparing("user_refused_by_rainbow"))

    def add(self, user_id: str, since: float, *, force: bool = False, boundary: bool = False) -> None:
        """Make a user due; see `DueSet.add`. One that is held back stays so."""
        if user_id in self.held_back:
            self.held_back.add(user_id, force=force)
            return
        self.leaving.forget(user_id)
        self.due.add(user_id, since, force=force, boundary=boundary)
        self._wake.set()

    def forget(self, user_id: str) -> None:
        """Drop a user, also one who is being told of right now."""
        self.due.forget(user_id)
        self.held_back.accepted(user_id)
        self.leaving.forget(user_id)
        self._taken.pop(user_id, None)

    def left(self, user_id: str, since: float) -> None:
        """Have Rainbow told once more of a user who has left."""
        self.forget(user_id)
        self.leaving.add(user_id, since)
        self._wake.set()

    def waiting(self) -> int:
        """Count the users whom Rainbow has not accepted yet; who is held back is not among them."""
        return len(self.due) + sum(user_id not in self.due for user_id in self._taken)

    def waits(self, user_id: str) -> bool:
        """Whether Rainbow is still to be told of this user, or just being told."""
        return user_id in self.due or user_id in self._taken

    def telling(self, user_id: str) -> bool:
        """Whether Rainbow is just being told of this user."""
        return user_id in self._taken

    def oldest(self) -> float | None:
        """Return the loop time since when the oldest of them waits."""
        due = self.due.oldest()
        return min((*self._taken.values(), *(() if due is None else (due,))), default=None)

    def try_again(self) -> None:
        """Do not wait any longer after a failure, and try whoever is held back, because somebody says so."""
        self.held_back.ripen(asyncio.get_running_loop().time())
        self._wake.set()
        self._pause.cut()

    async def run(self) -> None:
        """Notify Rainbow of whoever is due, until cancelled."""
        loop = asyncio.get_running_loop()
        waits = backoff(1.0, 60.0, random=self.random)
        while True:
            await self._somebody_due()
            await self._rate.acquire()
            try:
                accepted = await self._tell_some()
            except (RainbowError, TimeoutError) as error:
                wait = self._failed(error, wait=next(waits))
                self.next_call = loop.time() + wait
                await self._pause.sleep(wait)
                continue
            if accepted:
                waits = backoff(1.0, 60.0, random=self.random)
                if self.last_error is not None:
                    log.debug("notify_recovered", waiting=self.waiting())
                    self.last_error = self.next_call = None

    async def flush(self, limit: float) -> int:
        """At stop: send what is due for at most `limit` seconds; return how many users are left untold."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._drain()
        return len(self.due) + len(self.leaving)

    async def _drain(self) -> None:
        while self.due or self.leaving:
            await self._rate.acquire()
            try:
                await self._tell_some()
            except (RainbowError, TimeoutError) as error:
                self._failed(error, wait=0.0)
                return

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

    async def _tell_some(self) -> bool:
        """Make one call; return whether it was accepted.

        Raises what it fails with, unless that is found to be about single users.
        """
        if not self.due:
            return await self._tell_of_left()
        taken, force = self.due.take()
        self._taken = taken
        try:
            await self._call(taken, force=force)
        except (RainbowError, TimeoutError) as error:
            if not self._narrowed_down(error, taken, force=force):
                raise
            return False
        return True

    async def _tell_of_left(self) -> bool:
        taken = self.leaving.take()
        if not taken:
            return False
        settled = False
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self.client.notify(list(taken))
            self.counters.calls += 1
            self.leaving.told()
            settled = True
        except RainbowError as error:
            if not _is_about_users(error):
                raise
            self.counters.failed_calls += 1
            self.leaving.refused(taken)
            settled = True
            return False
        finally:
            if not settled:
                self.leaving.put_back(taken)
        return True

    async def _call(self, taken: dict[str, float], *, force: bool) -> None:
        """Tell Rainbow of these users; whoever is forgotten meanwhile is taken out of `taken`."""
        snapshots = {user_id: self.ledger.snapshot(user_id) for user_id in taken}
        accepted = False
        try:
            async with asyncio.timeout(TIME_LIMIT):
                ids = await self.client.notify(list(taken), force=force)
            accepted = True
        finally:
            if not accepted:  # refused, or cut short by a stop: due as before
                self._taken = {}
                for user_id, since in taken.items():
                    self.due.add(user_id, since, force=force)
        self.counters.calls += 1
        now = asyncio.get_running_loop().time()
        self.counters.users_told += len(taken)
        self._refused_in_a_row = 0
        with structlog.contextvars.bound_contextvars(**ids):
            for number, user_id in enumerate(list(taken)):
                await others_turn(number)
                if taken.pop(user_id, None) is None:
                    continue  # forgotten meanwhile
                self.held_back.accepted(user_id)
                self.ledger.notified(user_id, snapshots[user_id], now)
                self.told(user_id)

    def _narrowed_down(self, error: Exception, taken: dict[str, float], *, force: bool) -> bool:
        """Find out whom Rainbow refuses and hold them back; False where the refusal is about no user."""
        if not _is_about_users(error):
            return False
        if not taken:  # all were forgotten meanwhile
            return True
        if len(taken) > 1:
            self.counters.failed_calls += 1
            for half in _halves(taken):
                self.due.set_apart(half, force=force)
            return True
        for user_id, since in taken.items():
            self.due.forget(user_id)
            self.held_back.hold(user_id, since, asyncio.get_running_loop().time(), force=force)
            self._refused_by_rainbow.log(user=user_id, reason=str(error), **ids(error))
            self.refused(user_id, str(error))
        self._refused_in_a_row += 1
        if self._refused_in_a_row % NOT_FOR_THEM == 0:
            return False
        self.counters.failed_calls += 1
        return True

    def _failed(self, error: Exception, *, wait: float) -> float:
        """Note a failed call; return the seconds to wait before the next one."""
        self.counters.failed_calls += 1
        reason = str(error) or type(error).__name__
        log.debug("notify_failed", reason=reason, waiting=self.waiting(), **ids(error))
        self.last_error = error if isinstance(error, RainbowError) else RainbowError(_("no answer in time"))
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
