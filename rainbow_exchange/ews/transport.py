"""One POST to the EWS endpoint and its answer: aiohttp, authenticated connections, what can go wrong on the way.

Nothing here knows SOAP. Redirects are not followed, cookies are whatever the caller's headers say, nothing is retried.
"""

import asyncio
import ssl as tls
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from rainbow_exchange.ews.auth import Authenticator, Challenge, Flow, Leg, scheme_of
from rainbow_exchange.ews.blocking import Blocking
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, MalformedResponse, Tried
from rainbow_exchange.ews.failures import explained, named_failures
from rainbow_exchange.network.challenges import schemes
from rainbow_exchange.network.failures import Way
from rainbow_exchange.network.proxy import Proxy, ProxyRefused, proxy
from rainbow_exchange.words import _

if TYPE_CHECKING:
    from aiohttp.connector import Connection

_CONNECT_TIMEOUT = 10.0  # seconds for name, TCP and TLS together
_CHUNK = 65536
_MOST_LEGS = 8
_STEP_TIMEOUT = 15.0  # seconds for a step of a sign-in that asks a domain controller
_KEEP = 15.0  # seconds an idle connection is kept: less than any server's or balancer's own limit
_KEEP_SIGNED_IN = 60.0  # the same where a new one would have to sign in again; IIS keeps them for 120
_FORGETFUL = 3  # a server that forgets so often wants each request signed in: Kerberos without authPersistNonNTLM
_LONGEST_REFUSAL = 1024 * 1024  # what is read of a 401's page, so that its connection can go on


class _Response(aiohttp.ClientResponse):
    """Remembers the server's certificate and which connection it was: it may be given back before anybody can ask."""

    certificate: bytes | None = None
    local_port: int | None = None

    async def start(self, connection: "Connection") -> aiohttp.ClientResponse:
        transport = connection.transport
        name = transport.get_extra_info("sockname") if transport is not None else None
        self.local_port = name[1] if name else None
        link = transport.get_extra_info("ssl_object") if transport is not None else None
        self.certificate = link.getpeercert(binary_form=True) if link is not None else None
        return await super().start(connection)


class Answer:
    """The head of an answer that is not a 401, and its body in pieces."""

    def __init__(self, response: aiohttp.ClientResponse, way: Way) -> None:
        self._response = response
        self._way = way
        self.status = response.status
        self.content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def header(self, name: str) -> str | None:
        """Return one header of the answer."""
        return self._response.headers.get(name)

    def headers(self, name: str) -> tuple[str, ...]:
        """Return all headers of one name."""
        return tuple(self._response.headers.getall(name, ()))

    async def next_chunk(self) -> bytes:
        """Read what there is; b"" at the end. Raises EwsConnectionError."""
        with named_failures(self._way):
            return await self._response.content.readany()

    async def read(self, limit: int) -> bytes:
        """Read the whole body. Raises EwsConnectionError, or MalformedResponse when it is larger than `limit` bytes."""
        body = bytearray()
        while chunk := await self.next_chunk():
            body += chunk
            if len(body) > limit:
                raise MalformedResponse(_("an answer larger than {limit} bytes", limit=limit))
        return bytes(body)


class Tokens(Protocol):
    """Whoever keeps bearer tokens."""

    async def token(self, *, newer_than: str | None = None) -> str:
        """Return a token that is good, and not the one given. Raises EwsError."""
        ...


class _Lane:
    """A way to the server. A bound one is exactly one TCP connection, used by one request at a time."""

    def __init__(self, session: aiohttp.ClientSession, *, bound: bool) -> None:
        self.session = session
        self.bound = bound
        self.authenticated = False
        self.used = 0.0  # loop time at which it was given back
        self.forgotten = 0  # how often in a row the server did not remember who it is


class Transport:
    """Posts to one URL with one set of credentials. `tokens` gives the bearer tokens that its legs ask for.

    `resolver` takes the place of the system's look-up of names.
    """

    def __init__(
        self,
        *,
        url: str,
        auth: Authenticator,
        ssl: tls.SSLContext | None,
        proxy_url: str | Proxy | None,
        tokens: Tokens | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._url = URL(url)
        self._auth = auth
        self._tokens = tokens
        self._resolver = resolver
        self._blocking = Blocking()
        self._ssl: tls.SSLContext | bool = ssl if ssl is not None else True
        self._proxy = proxy(proxy_url)
        self._way = Way(url, self._proxy)
        self.host = f"{self._url.host}:{self._url.port}"
        self.certificate: bytes | None = None  # the server's own as it was seen last, DER
        self.scheme = ""  # by which a connection was signed in last
        self._lanes: set[_Lane] = set()
        self._idle: list[_Lane] = []

    async def close(self) -> None:
        """Close every connection."""
        lanes, self._lanes, self._idle = self._lanes, set(), []
        for lane in lanes:
            await lane.session.close()

    @asynccontextmanager
    async def post(self, body: bytes, headers: Mapping[str, str], *, limit: float) -> AsyncIterator[Answer]:
        """Post and yield the head, which must come within `limit` seconds; the connection is closed if left unread.

        Raises EwsConnectionError, or EwsAuthenticationError for a 401 that the scheme has no answer to.
        """
        lane = self._take()
        response: aiohttp.ClientResponse | None = None
        try:
            try:
                with named_failures(self._way):
                    async with asyncio.timeout(limit):
                        response = await self._authenticated(lane, body, headers)
            except EwsConnectionError as error:
                raise await explained(self._way, error) from error.__cause__
            yield Answer(response, self._way)
        finally:
            whole = response is not None and response.content.at_eof()
            if response is not None:
                response.release() if whole else response.close()
            await self._give_back(lane, whole=whole)

    def _take(self) -> _Lane:
        bound = self._auth.connection_bound
        for lane in reversed(self._idle):  # what was used last is the least likely to have been closed
            if lane.bound is bound:
                if bound:
                    self._idle.remove(lane)
                return lane
        connector = aiohttp.TCPConnector(
            ssl=self._ssl,
            resolver=self._resolver,
            limit=1 if bound else 0,
            keepalive_timeout=_KEEP_SIGNED_IN if bound else _KEEP,
        )
        lane = _Lane(
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=_Response,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT),
            ),
            bound=bound,
        )
        self._lanes.add(lane)
        if not bound:
            self._idle.append(lane)
        return lane

    async def _give_back(self, lane: _Lane, *, whole: bool) -> None:
        if not lane.bound or lane not in self._lanes:
            return
        if whole and self._auth.connection_bound:
            lane.used = asyncio.get_running_loop().time()
            self._idle.append(lane)
        else:
            self._lanes.discard(lane)
            await lane.session.close()

    async def _authenticated(self, lane: _Lane, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        kept = asyncio.get_running_loop().time() - lane.used < _KEEP_SIGNED_IN
        if lane.authenticated and kept:
            response = await self._send(lane, body, headers, None)
            if response.status != HTTPStatus.UNAUTHORIZED:
                lane.forgotten = 0
                return response
            lane.forgotten += 1
            await _drain(response)  # the server has begun a new connection: authenticate it, once
        lane.authenticated = False
        flow = self._auth.flow()
        leg = await self._advance(flow, None)
        token: str | None = None
        for _turn in range(_MOST_LEGS):
            if not isinstance(leg, Leg):
                break
            authorization = leg.authorization
            if leg.bearer is not None and self._tokens is not None:
                token = await self._tokens.token(newer_than=token if leg.bearer == "newer" else None)
                authorization = f"Bearer {token}"
            response = await self._send(lane, body if leg.with_body else b"", headers, authorization)
            refused = response.status == HTTPStatus.UNAUTHORIZED
            if leg.with_body and not refused:
                self.scheme = scheme_of(authorization)
                persists = lane.forgotten < _FORGETFUL
                lane.authenticated = lane.bound and self._auth.connection_bound and persists
                return response
            offered = tuple(response.headers.getall("WWW-Authenticate", ()))
            challenge = Challenge(
                status=response.status,
                www_authenticate=offered,
                certificate=response.certificate if isinstance(response, _Response) else None,
                connection=response.local_port if isinstance(response, _Response) else None,
            )
            await _drain(response)
            leg = await self._advance(flow, challenge)
        if refused:
            endless = Tried(scheme="", stage="handshake", reason="endless")
            tried = endless if isinstance(leg, Leg) else leg
            raise EwsAuthenticationError(response.status, schemes(offered), tried)
        raise EwsConnectionError(f"http-{response.status}", _("{host} did not let the sign-in go on", host=self.host))

    async def _advance(self, flow: Flow, challenge: Challenge | None) -> Leg | Tried | None:
        """Return the next leg, or how far the sign-in came."""

        def step() -> Leg | Tried | None:
            try:
                return next(flow) if challenge is None else flow.send(challenge)
            except StopIteration as ended:
                tried: Tried | None = ended.value
                return tried

        if not self._auth.blocks:
            return step()
        try:
            async with asyncio.timeout(_STEP_TIMEOUT):
                return await self._blocking.run(step)
        except TimeoutError:
            raise EwsConnectionError("kerberos", "no-domain-controller") from None

    async def _send(
        self, lane: _Lane, body: bytes, headers: Mapping[str, str], authorization: str | None
    ) -> aiohttp.ClientResponse:
        own = {"Content-Length": str(len(body))} | ({"Authorization": authorization} if authorization else {})
        async with self._way.passage():
            response = await lane.session.post(
                self._url,
                data=body,
                headers={**headers, **own, **self._proxy.beside(str(self._url))},
                allow_redirects=False,
                proxy=self._proxy.url,
                proxy_headers=self._proxy.headers,
            )
            try:
                self._way.check(response.status, response.headers)
            except ProxyRefused:
                response.close()
                raise
        if isinstance(response, _Response) and response.certificate is not None:
            self.certificate = self._way.trusted = response.certificate
        return response


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a refusal's page to its end, so that the next leg goes out on the same connection; close it if endless."""
    size, whole = 0, False
    try:
        while chunk := await response.content.readany():
            size += len(chunk)
            if size > _LONGEST_REFUSAL:
                return
        whole = True
    finally:  # a page that breaks off leaves nothing to go on with
        response.release() if whole else response.close()
