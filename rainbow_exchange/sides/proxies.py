"""The proxies to either side, with one guard for each set of credentials: whoever goes through shares it.

A proxy's password is often that of an account of the domain: a wrong one is tried once, across restarts too.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from rainbow_exchange.config import Settings
from rainbow_exchange.config.proxies import exchange_proxy, rainbow_proxy
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.errors import EwsAuthenticationError, Tried
from rainbow_exchange.ews.latch import Latch
from rainbow_exchange.network.proxy import Proxy, ProxyFault, ProxyRefused, proxy, refusal
from rainbow_exchange.sides.accounts import remembered
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store


class Proxies:
    """Gives the proxy to a server. To be made, and asked for both sides, on the running event loop."""

    def __init__(self, settings: Settings, secrets: Secrets, *, store: Store, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._secrets = secrets
        self._memory = CredentialMemory(store, "proxies")
        self._now = now
        self._gates: dict[tuple[str, str], _Gate] = {}

    def use(self, settings: Settings, secrets: Secrets) -> None:
        """Go by these settings from now on."""
        self._settings, self._secrets = settings, secrets

    def to_exchange(self, url: str) -> Proxy:
        """Give the one to the Exchange server, or the token endpoint, at `url`."""
        chosen = exchange_proxy(self._settings, self._secrets, url, os.environ)
        return self._guarded(proxy(chosen.url, chosen.username, chosen.password))

    def to_rainbow(self) -> Proxy:
        """Give the one to Rainbow."""
        chosen = rainbow_proxy(self._settings, self._secrets, os.environ)
        return self._guarded(proxy(chosen.url, chosen.username, chosen.password))

    def try_again(self) -> None:
        """Let credentials that were refused be tried once more, because somebody says so."""
        for gate in self._gates.values():
            gate.latch.try_again()

    def _guarded(self, to: Proxy) -> Proxy:
        if to.url is None or to.headers is None:
            return to
        known_by = (to.url, to.headers["Proxy-Authorization"])
        if known_by not in self._gates:
            self._gates[known_by] = _Gate(to, remembered(self._memory, self._now, *known_by))
        return replace(to, gate=self._gates[known_by])


class _Gate:
    """Lets requests through a proxy while it takes the credentials; to the latch it is a server like any other."""

    def __init__(self, to: Proxy, latch: Latch) -> None:
        self.latch = latch
        self._trouble = refusal(to, "", status=HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Hold one request; raises ProxyRefused at once where none may go out."""
        try:
            async with self.latch.attempt() as accepted:
                try:
                    yield
                except ProxyRefused as error:
                    if error.trouble.fault is not ProxyFault.REFUSES_CREDENTIALS:
                        raise
                    tried = Tried(scheme="Basic", stage="proof")
                    raise EwsAuthenticationError(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, ("Basic",), tried) from error
                accepted()
        except EwsAuthenticationError:
            again = self.latch.seconds_to_next_try() is not None
            raise ProxyRefused(replace(self._trouble, again=again)) from None
