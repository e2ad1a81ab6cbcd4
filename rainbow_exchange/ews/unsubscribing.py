"""Giving subscriptions back to the server: each by its own Unsubscribe, within a time limit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from rainbow_exchange.ews.errors import EwsError, SubscriptionLost
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.members import Member
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.ews.types import Caller, connecting_sid
from rainbow_exchange.ews.views import CloseReport
from rainbow_exchange.model import Mailbox

_LIMIT = 5.0
_AT_ONCE = 20
_MOST_SURPLUS = 1000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Given:
    """A subscription to give back."""

    id: str
    mailbox: Mailbox
    affinity: Affinity | None


class Unsubscribing:
    """Unsubscribes, and remembers what could not be: it still counts on the server until it expires there."""

    def __init__(self, client: Caller, *, impersonation: bool) -> None:
        self._client = client
        self._impersonation = impersonation
        self._surplus: dict[str, _Given] = {}

    async def one(self, member: Member) -> bool:
        """Unsubscribe; return whether the subscription is gone. It takes at most five seconds."""
        return await self._in_time(_given(member))

    async def all(self, members: Sequence[Member], limit: float) -> CloseReport:
        """Unsubscribe as many as can be within `limit` seconds."""
        todo, done = iter(members), 0

        async def some() -> None:
            nonlocal done
            for member in todo:
                gone = await self._gone(_given(member))
                done += gone

        try:
            async with asyncio.timeout(limit), asyncio.TaskGroup() as tasks:
                for _ in range(_AT_ONCE):
                    tasks.create_task(some())
        except TimeoutError:
            pass
        return CloseReport(unsubscribed=done, left=len(members) - done)

    async def surplus(self) -> int:
        """Try again what could not be unsubscribed before; return how many are gone."""
        gone = 0
        for each in list(self._surplus.values()):
            if not await self._in_time(each):
                break
            gone += 1
        return gone

    async def _in_time(self, given: _Given) -> bool:
        try:
            async with asyncio.timeout(_LIMIT):
                gone = await self._gone(given)
        except TimeoutError:
            _log.debug("unsubscribe_given_up", mailbox=given.mailbox.address)
            gone = False
        if gone:
            self._surplus.pop(given.id, None)
        elif len(self._surplus) < _MOST_SURPLUS:
            self._surplus[given.id] = given
        return gone

    async def _gone(self, given: _Given) -> bool:
        sid = connecting_sid(given.mailbox) if self._impersonation else None
        try:
            await self._client.call(Unsubscribe(subscription_id=given.id), impersonate=sid, affinity=given.affinity)
        except SubscriptionLost:
            return True
        except EwsError as error:
            _log.debug("unsubscribe_failed", mailbox=given.mailbox.address, reason=str(error))
            return False
        return True


def _given(member: Member) -> _Given:
    return _Given(member.subscription_id, member.mailbox, member.affinity)
