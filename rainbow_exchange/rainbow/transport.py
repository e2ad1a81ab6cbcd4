"""HTTP to Rainbow: one request, its time limit, its size limit, and what can go wrong on the way."""

import asyncio
import json
import ssl as ssl_module
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_lowercase, digits
from types import TracebackType
from typing import Any, Self

import aiohttp
import structlog
from yarl import URL

from rainbow_exchange import __version__
from rainbow_exchange.network.failures import Failure, Way
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.answers import Reply, refusal
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RainbowError, UnexpectedAnswer

_log = structlog.get_logger()

USER_AGENT = f"rainbow-exchange/{__version__}"
_CORRELATION_ALPHABET = ascii_lowercase + digits
_CORRELATION_LENGTH = 16
_CHUNK = 65_536


def connection_error(failure: Failure) -> RainbowConnectionError:
    """Make the error of a failure."""
    kind = "closed" if failure.kind == "not-http" else failure.kind
    return RainbowConnectionError(kind, failure.detail, why=failure.why)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `name` is what counters and log say, `body` is sent as JSON, `timeout` other than the usual.

    `bearer` says whether it is to carry the token; `headers` may hold secrets.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bearer: bool = True
    timeout: float | None = None


@dataclass(slots=True)
class TransportCounters:
    """What has gone over HTTP since start: requests by name, errors by class, bytes received."""

    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    bytes: int = 0


class Transport:
    """Sends requests below `url` and returns whole answers; an async context manager that owns its connections.

    Every request has `headers`, a correlation id of 16 random lower-case alphanumerics (in the log as well), a limit
    of `timeout` seconds for the whole exchange and of `max_bytes` for the answer. Redirects are not followed.
    """

    def __init__(
        self,
        *,
        url: str,
        headers: Mapping[str, str],
        ssl: ssl_module.SSLContext | None,
        proxy: Proxy,
        now: Callable[[], datetime],
        random: Callable[[], float],
        timeout: float,
        max_bytes: int,
    ) -> None:
        self.counters = TransportCounters()
        self._url = url
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **headers,
        }
        self._ssl = ssl
        self._proxy = proxy
        self._way = Way(url, proxy)
        self._now = now
        self._random = random
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> Reply:
        """Send one request, once. Raises the RainbowError that its answer, or the lack of one, stands for."""
        id_ = "".join(
            _CORRELATION_ALPHABET[int(self._random() * len(_CORRELATION_ALPHABET))] for _ in range(_CORRELATION_LENGTH)
        )
        self.counters.requests[request.name] += 1
        with structlog.contextvars.bound_contextvars(correlation_id=id_):
            try:
                reply = await self._exchange(
                    request, {**self._headers, **request.headers, "x-rainbow-correlation-id": id_}
                )
                refused = refusal(reply, self._now())
                if refused is not None:
                    raise refused
            except RainbowError as error:
                error.correlation_id = id_
                self.counters.errors[type(error).__name__] += 1
                _log.debug("rainbow_request_failed", call=request.name, error=str(error))
                raise
            _log.debug("rainbow_request", call=request.name, status=reply.status)
        return reply

    async def _exchange(self, request: Request, headers: Mapping[str, str]) -> Reply:
        if self._session is None:
            raise RuntimeError("the transport is not entered")
        try:
            async with (
                asyncio.timeout(request.timeout or self._timeout),
                self._way.passage(),
                self._session.request(
                    request.method,
                    URL(self._url + request.path).with_query(request.query),
                    headers={**headers, **self._proxy.beside(self._url)},
                    data=None if request.body is None else json.dumps(request.body).encode(),
                    allow_redirects=False,
                    ssl=self._ssl or True,
                    proxy=self._proxy.url,
                    proxy_headers=self._proxy.headers,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                self._way.check(response.status, response.headers)
                return Reply(response.status, response.headers, await self._read(response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: aiohttp's word for an answer whose framing makes no sense. TimeoutError is an OSError.
            raise connection_error(await self._way.explained(error)) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            self.counters.bytes += len(chunk)
            if len(body) > self._max_bytes:
                raise UnexpectedAnswer(f"an answer of more than {self._max_bytes} bytes")
        return bytes(body)
