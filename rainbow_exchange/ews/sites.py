"""Which mailboxes may share a stream, as autodiscover tells: those with one ExternalEwsUrl and one GroupingInformation.

It is asked in batches, before a mailbox is subscribed. Protocol: ews.md §3 "Affinity recipe".
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from rainbow_exchange.ews.discovery.outcome import Located, Outcome
from rainbow_exchange.ews.discovery.places import host_of
from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.operations.get_user_settings import BATCH
from rainbow_exchange.model import Mailbox

_GATHER = 0.1  # seconds
_PATIENCE = 10.0  # seconds that a mailbox waits for its answer before it is subscribed without
_REST = 900.0  # seconds after autodiscover has failed

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, Outcome]]]

_log = structlog.get_logger()


#: returns once EWS has accepted the credentials, asked about a mailbox; raises EwsError where it has not
Prove = Callable[[str], Awaitable[None]]


class Sites:
    """Asks by `ask`; None: there is no autodiscover, and all mailboxes are alike.

    Nothing is asked before `prove` has returned: a password that EWS refuses must not be tried at autodiscover, too.
    """

    def __init__(self, ask: Ask | None, prove: Prove) -> None:
        self._ask = ask
        self._prove = prove
        self._known: dict[str, Located | None] = {}
        self._wanted: dict[str, None] = {}
        self._any_wanted = asyncio.Event()
        self._answered = asyncio.Event()
        self._resting_until = 0.0  # loop time

    def want(self, addresses: Iterable[str]) -> None:
        """Ask about these soon: somebody will want to know."""
        if self._ask is not None:
            asked = map(str.lower, addresses)
            self._wanted |= dict.fromkeys(address for address in asked if address not in self._known)
            self._any_wanted.set()

    async def ready(self, address: str) -> None:
        """Return once it is known where this mailbox belongs, or that it will not be in time."""
        loop = asyncio.get_running_loop()
        if self._ask is None or address in self._known or loop.time() < self._resting_until:
            return
        try:
            await self._prove(address)
        except EwsError:
            return  # whoever subscribes is told the same
        self.want([address])
        try:
            async with asyncio.timeout(_PATIENCE):
                while address not in self._known and loop.time() >= self._resting_until:
                    await self._answered.wait()
        except TimeoutError:
            pass

    async def find_anew(self, mailbox: Mailbox) -> None:
        """Ask once more about a mailbox that is elsewhere than thought; return as `ready` does."""
        before = self._known.pop(mailbox.address, None)
        await self.ready(mailbox.address)
        if before is not None:
            self._known.setdefault(mailbox.address, before)

    def group_key(self, mailbox: Mailbox) -> str:
        """Give what this mailbox has in common with those that may share its stream; "" while that is not known."""
        located = self._known.get(mailbox.address)
        return located.group_key if located is not None else ""

    @property
    def asked(self) -> bool:
        """Whether autodiscover is asked at all."""
        return self._ask is not None

    def host(self, address: str) -> str:
        """Give the host of a mailbox's ExternalEwsUrl; "" while none is known."""
        place = self._known.get(address)
        return host_of(place.external_url) if place is not None and place.external_url else ""

    async def run(self) -> None:
        """Ask, until cancelled."""
        while True:
            await self._any_wanted.wait()
            await asyncio.sleep(_GATHER)
            self._any_wanted.clear()
            while self._wanted:
                batch = list(self._wanted)[:BATCH]
                for address in batch:
                    del self._wanted[address]
                await self._learn(batch)

    async def _learn(self, addresses: list[str]) -> None:
        assert self._ask is not None  # noqa: S101 - nothing is wanted otherwise
        try:
            await self._prove(addresses[0])
        except EwsError:
            self._wanted.clear()  # whoever waits for an answer asks again
            return
        try:
            said = await self._ask(addresses)
        except EwsError as error:
            _log.info("sites_not_known", mailboxes=len(addresses), reason=str(error), retry_in=_REST)
            self._resting_until = asyncio.get_running_loop().time() + _REST
            self._wanted.clear()
        else:
            for address, outcome in said.items():
                self._known[address] = outcome if isinstance(outcome, Located) else None
        self._answered.set()
        self._answered = asyncio.Event()
