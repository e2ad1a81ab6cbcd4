"""Whose mailbox an address in `bridge.privacy_exceptions` is, where only Exchange knows that.

It is found out before anybody is subscribed, and so before anything is told; where Exchange does not answer, a little
later. An address with a wildcard stands for no mailbox, and is not looked up.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.privacy import PrivacyOfPeople
from rainbow_exchange.ews.directory import owner
from rainbow_exchange.ews.errors import EwsError, reason_of
from rainbow_exchange.ews.types import Caller

log = structlog.get_logger()

#: seconds for which whoever is to be subscribed waits for the first answers
PATIENCE = 10.0
#: seconds until it is tried again where Exchange did not say, at first and at most, and until all is looked up anew
SOON, LATER, ANEW = 60.0, 600.0, 86_400.0
_TIME_LIMIT = 30.0


class Aliases:
    """Looks addresses up and teaches `privacy` whose they are; `learnt` is called when that may change a level."""

    def __init__(
        self, client: Caller, privacy: PrivacyOfPeople, *, learnt: Callable[[], None], random: Callable[[], float]
    ) -> None:
        self._client = client
        self._privacy = privacy
        self._learnt = learnt
        self._random = random
        self._looked_up = asyncio.Event()

    async def ready(self) -> None:
        """Return once everything was looked up, or that has taken too long."""
        if not self._looked_up.is_set() and self._privacy.rules.stricter_addresses:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._looked_up.wait()
            self._looked_up.set()

    async def run(self) -> None:
        """Look everything up, daily, and again soon what Exchange did not say; until cancelled."""
        while True:
            left, waits = self._privacy.rules.stricter_addresses, backoff(SOON, LATER, random=self._random)
            while left := [each for each in left if not await self._look_up(each)]:
                self._looked_up.set()
                await asyncio.sleep(next(waits))
            self._looked_up.set()
            await asyncio.sleep(ANEW)

    async def _look_up(self, address: str) -> bool:
        """Look one up; False where Exchange does not say whose it is: a refusal may be as short as an outage."""
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                found = await owner(self._client, address)
        except (EwsError, TimeoutError) as error:
            log.debug("alias_not_looked_up", address=address, reason=reason_of(error))
            return False
        # For each of its addresses: a server that takes an alias for a mailbox's address has it known by that one.
        new = [each for each in (found.all_addresses if found else ()) if self._privacy.learn(address, each)]
        if new:
            self._learnt()
        return True
