"""What autodiscover asks over HTTP: requests with credentials, once they are asked for, and requests without any."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from ssl import SSLContext
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver

from rainbow_exchange.ews.endpoint import USER_AGENT
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, MalformedResponse
from rainbow_exchange.ews.failures import named_failures
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.ews.transport import Transport
from rainbow_exchange.network.failures import Way
from rainbow_exchange.network.proxy import Proxy, proxy
from rainbow_exchange.words import _

LIMIT = 20.0  # seconds for one request
_MOST_BYTES = 8 * 1024 * 1024


class Redirected(Exception):
    """An HTTP redirect in answer to a request."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class Servers:
    """The servers that are asked. `logins` makes what signs in at one, given its https address.

    `proxy_url` says which proxy leads to a URL; `resolver` takes the place of the system's look-up of names.
    """

    def __init__(
        self,
        *,
        logins: Callable[[str], Logins],
        ssl: SSLContext | None,
        proxy_url: Callable[[str], str | Proxy | None],
        resolver: AbstractResolver | None,
    ) -> None:
        self._make_logins = logins
        self._ssl = ssl
        self._proxy_url = proxy_url
        self._resolver = resolver
        self._logins: dict[str, Logins] = {}
        self._transports: dict[tuple[str, Login], Transport] = {}

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.close()
        for logins in self._logins.values():
            await logins.close()

    def try_again(self) -> None:
        """Let credentials that were refused be tried once more, because somebody says so."""
        for logins in self._logins.values():
            logins.try_again()

    async def post(self, url: str, body: bytes, *, limit: float) -> bytes:
        """Post with the account in use there, and where it is refused with the next. Raises EwsError or Redirected."""
        server = urljoin(url, "/")
        if server not in self._logins:
            self._logins[server] = self._make_logins(server)
        while True:
            login = self._logins[server].current()
            try:
                return await self._post_as(login, url, body, limit=limit)
            except EwsAuthenticationError:
                if self._logins[server].current() is login:
                    raise

    async def _post_as(self, login: Login, url: str, body: bytes, *, limit: float) -> bytes:
        transport = self._transports.get((url, login))
        if transport is None:
            transport = self._transports[url, login] = Transport(
                url=url,
                auth=login.auth,
                tokens=login.tokens,
                ssl=self._ssl,
                proxy_url=self._proxy_url(url),
                resolver=self._resolver,
            )
        headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "User-Agent": USER_AGENT}
        try:
            async with (
                asyncio.timeout(limit),
                login.latch.attempt() as accepted,
                transport.post(body, headers, limit=limit) as answer,
            ):
                if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
                    raise Redirected(answer.header("Location") or "")
                # a fault comes with 500, and tells more than its status
                if answer.status not in {HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR}:
                    raise EwsConnectionError(f"http-{answer.status}", f"HTTP {answer.status}")
                if answer.content_type == "text/html":
                    raise MalformedResponse(_("a web page"))
                accepted()
                return await answer.read(_MOST_BYTES)
        except TimeoutError as error:
            raise EwsConnectionError("timeout", _("no whole answer within {limit:g} s", limit=limit)) from error

    async def redirect_of(self, url: str) -> str | None:
        """Ask without credentials where `url` redirects to; None: nowhere. Raises EwsConnectionError."""
        async with self._bare(url) as response:
            redirects = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
            return response.headers.get("Location") if redirects else None

    async def reach(self, url: str) -> None:
        """Return if somebody answers at `url`, whatever is said. Raises EwsConnectionError."""
        async with self._bare(url):
            pass

    @asynccontextmanager
    async def _bare(self, url: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET without credentials; yield the head of what comes. Raises EwsConnectionError."""
        through = proxy(self._proxy_url(url))
        way = Way(url, through)
        connector = aiohttp.TCPConnector(ssl=self._ssl if self._ssl is not None else True, resolver=self._resolver)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        async with session:
            with named_failures(way):
                async with asyncio.timeout(LIMIT), way.passage():
                    response = await session.get(
                        url,
                        allow_redirects=False,
                        headers={"User-Agent": USER_AGENT, **through.beside(url)},
                        proxy=through.url,
                        proxy_headers=through.headers,
                    )
            try:
                yield response
            finally:
                response.close()
