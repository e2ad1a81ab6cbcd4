"""Speaking to Rainbow with a token that somebody who signed in elsewhere has pasted, for as long as it lives.

It is neither renewed nor given back: whoever it was pasted from may still be using it.
"""

import ssl as ssl_module
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rainbow_exchange import __version__
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow import assumed
from rainbow_exchange.rainbow.account import read_account
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.auth import read_token
from rainbow_exchange.rainbow.endpoints import checked
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.transport import Request, Transport
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.words import _

_USERS = "/api/rainbow/enduser/v1.0/users"
_SECONDS = 30.0
_MAX_ANSWER_BYTES = 4 * 1024 * 1024


class PastedToken:
    """A bearer token as it is; an async context manager. Every method raises RainbowError only.

    Raises UnexpectedAnswer at once for what cannot be a token. An expired or revoked one is RainbowApiError 401.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        app_id: str,
        ssl: ssl_module.SSLContext | None = None,
        proxy: Proxy,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        token = token.strip()
        if token.lower().startswith("bearer "):
            token = token[len("bearer ") :].strip()
        self._token = read_token(token)
        self._transport = Transport(
            url=checked(url, schemes=("https", "http"), name="rainbow.url"),
            headers={
                "x-rainbow-client": assumed.CLIENT_KIND,
                "x-rainbow-client-version": __version__,
                "x-rainbow-client-id": app_id,
            },
            ssl=ssl,
            proxy=proxy,
            now=now,
            random=random,
            timeout=_SECONDS,
            max_bytes=_MAX_ANSWER_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def login(self) -> Account:
        """Tell whose token it is: the user whom it names, as Rainbow knows them."""
        if self._token.user_id is None:
            raise UnexpectedAnswer(_("the token does not say whose it is"))
        reply = await self.call("own_user", "GET", f"{_USERS}/{self._token.user_id}")
        return read_account(reply.data())

    async def call(
        self, name: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Reply:
        """Make one call; `name` stands for it in counters and log."""
        headers = {"Authorization": f"Bearer {self._token.text}"}
        return await self._transport.send(Request(name, method, path, query=query, body=body, headers=headers))
