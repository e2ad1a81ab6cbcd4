"""What the steps of one check share: the candidate, what was built from it, and what was found out on the way."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import first_users
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.sides.combined import Combined, combine
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.sides.rainbow import rainbow_client
from rainbow_exchange.state.store import Store

#: seconds in which a token is given back, whatever happens
_LOG_OUT_WITHIN = 5.0


@dataclass(slots=True, eq=False, kw_only=True)
class Case:
    """One check. `given` and `secrets` are the candidate; whatever is opened is closed by `stack`.

    `store` is looked at and thrown away. `daemon` is the status of the one that runs with these settings, None without
    one. `again`: credentials that were refused before are sent once more. `find_by` is an address that somebody here
    has typed to have Exchange found by, which confirms its domain.
    """

    given: Settings
    secrets: Secrets = field(repr=False)
    store: Store
    stack: AsyncExitStack
    now: Callable[[], datetime]
    random: Callable[[], float]
    daemon: Mapping[str, Any] | None = None
    again: bool = False
    address: str = ""
    must_refuse: tuple[str, ...] = ()
    find_by: str = ""
    entered: Entered = field(default_factory=Entered)
    url: str = ""
    exchange: EwsClient | None = None
    rainbow: RainbowClient | None = None
    proxies: Proxies = field(init=False)
    _people: tuple[list[RainbowUser], int] | None = None

    def __post_init__(self) -> None:
        self.proxies = Proxies(self.given, self.secrets, store=self.store, now=self.now)

    @property
    def combined(self) -> Combined:
        """The settings as they count, with what Rainbow's administration says, as far as that is known."""
        return combine(self.given, self.secrets, self.entered)

    async def people(self) -> tuple[list[RainbowUser], int]:
        """Give the first users of the company, and how many there are; asked for until that has worked once."""
        if self._people is None:
            self._people = await first_users(self.cloud())
        return self._people

    @property
    def colleagues(self) -> list[RainbowUser]:
        """Those of them who are known already."""
        return self._people[0] if self._people is not None else []

    def client(self) -> EwsClient:
        """Give the client of Exchange; whoever needs it runs after the step that opens it."""
        if self.exchange is None:
            raise RuntimeError("Exchange was not signed in to")
        return self.exchange

    async def opened(self) -> RainbowClient:
        """Open the client of Rainbow, once; what it signs in for is given back at the end."""
        if self.rainbow is None:
            self.rainbow = await self.stack.enter_async_context(
                rainbow_client(
                    self.given,
                    self.secrets,
                    proxy=self.proxies.to_rainbow(),
                    store=self.store,
                    now=self.now,
                    random=self.random,
                )
            )
            self.stack.push_async_callback(_log_out, self.rainbow)
            if self.again:
                self.rainbow.try_again()
        return self.rainbow

    def cloud(self) -> RainbowClient:
        """Give the client of Rainbow; whoever needs it runs after the step that opens it."""
        if self.rainbow is None:
            raise RuntimeError("Rainbow was not signed in to")
        return self.rainbow


async def _log_out(client: RainbowClient) -> None:
    with suppress(TimeoutError):  # a token that is not given back ends by itself
        async with asyncio.timeout(_LOG_OUT_WITHIN):
            await client.logout()
