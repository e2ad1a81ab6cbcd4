"""HTTP to Rainbow: one request, its time limit, its size limit, and what can go wrong on the way."""

import asyncio
import json
import ssl as ssl_module
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_lowercase, digits
from types import TracebackType
from typing import Any, Self

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

from rainbow_exchange import __version__
from rainbow_exchange.network.failures import Failure, Way
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.answers import DEFAULT_RETRY_AFTER, Reply, refusal
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RainbowError, RateLimited, UnexpectedAnswer
from rainbow_exchange.rainbow.holds import Holds
from rainbow_exchange.words import _

_log = structlog.get_logger()

USER_AGENT = f"rainbow-exchange/{__version__}"
_CORRELATION_ALPHABET = ascii_lowercase + digits
_CORRELATION_LENGTH = 16
_CHUNK = 65_536
_OK_RANGE = range(200, 300)
_NOT_FOUND = 404
#: Of an answer whose body changes nothing, the beginning is read, and briefly.
_BEGINNING = 65_536
_BEGINNING_LIMIT = 5.0
_MAX_ID = 64


def connection_error(failure: Failure) -> RainbowConnectionError:
    """Make the error of a failure."""
    kind = "closed" if failure.kind == "not-http" else failure.kind
    return RainbowConnectionError(kind, failure.detail, why=failure.why)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `name` is what counters and log say, `body` is sent as JSON, `timeout` other than the usual.

    `bearer` says whether it is to carry the token; `headers` may hold secrets. `repeatable`: Rainbow may get it twice
    without harm, so that it is sent once more where a connection breaks. `reads` says whether the caller looks into the
    body of a success. `personal`: the body holds what no log may, so that Rainbow's words on it are not kept.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bearer: bool = True
    timeout: float | None = None
    repeatable: bool = False
    reads: bool = True
    personal: bool = False


@dataclass(slots=True)
class TransportCounters:
    """What has gone over HTTP since start: requests by name, errors by class, bytes received.

    `back_offs` are the times that Rainbow asked to wait, by "http-<status>".
    """

    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    back_offs: Counter[str] = field(default_factory=Counter)
    bytes: int = 0


class Transport:
    """Sends requests below `url` and returns whole answers; an async context manager that owns its connections.

    Every attempt has `headers`, a correlation id of 16 random lower-case alphanumerics (in the log as well), a limit
    of `timeout` seconds for the whole exchange and of `max_bytes` for the answer. Redirects are not followed. What
    Rainbow asked to wait with is not sent before its time, whoever asks.
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
        self._holds = Holds()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def try_again(self) -> None:
        """Let calls go out that Rainbow asked to wait with, because somebody says so."""
        self._holds.lift()

    async def send(self, request: Request) -> Reply:
        """Send one request, once. Raises the RainbowError that its answer, or the lack of one, stands for.

        A repeatable one is sent a second time, with an id of its own, where the connection breaks before an answer.
        """
        now = asyncio.get_running_loop().time()
        left = self._holds.left(request.path, now)
        if left > 0:
            raise RateLimited(left)
        end = now + (request.timeout or self._timeout)
        try:
            return await self._attempt(request, end)
        except RainbowConnectionError as error:
            if not (error.cut_off and request.repeatable):
                raise
        return await self._attempt(request, end)

    async def _attempt(self, request: Request, end: float) -> Reply:
        id_ = "".join(
            _CORRELATION_ALPHABET[int(self._random() * len(_CORRELATION_ALPHABET))] for _ in range(_CORRELATION_LENGTH)
        )
        self.counters.requests[request.name] += 1
        request_id = ""
        with structlog.contextvars.bound_contextvars(correlation_id=id_):
            try:
                reply = await self._exchange(request, id_, end)
                request_id = reply.request_id = _id(reply.headers.get("x-rainbow-request-id"))
                reply.correlation_id = id_
                wait = DEFAULT_RETRY_AFTER * (1 + self._random() / 2)
                refused = refusal(reply, self._now(), default_wait=wait, words=not request.personal)
                if refused is not None:
                    if isinstance(refused, RateLimited):
                        self.counters.back_offs[f"http-{reply.status}"] += 1
                    raise refused
            except RainbowError as error:
                error.correlation_id, error.request_id = id_, request_id
                self._failed(request, error)
                raise
            _log.debug("rainbow_request", call=request.name, status=reply.status, request_id=request_id)
        return reply

    def _failed(self, request: Request, error: RainbowError) -> None:
        """Count it; whoever asked says what it means."""
        self.counters.errors[type(error).__name__] += 1
        if isinstance(error, RateLimited):
            self._holds.note(request.path, error.retry_after, asyncio.get_running_loop().time())
        _log.debug("rainbow_request_failed", call=request.name, reason=str(error), request_id=error.request_id)

    async def _exchange(self, request: Request, id_: str, end: float) -> Reply:
        if self._session is None:
            raise RuntimeError("the transport is not entered")
        headers = CIMultiDict(self._headers)  # a name in another spelling replaces, and does not come beside
        for name, value in {**request.headers, "x-rainbow-correlation-id": id_}.items():
            headers[name] = value
        headers.update(self._proxy.beside(self._url))
        try:
            async with (
                asyncio.timeout_at(end),
                self._way.passage(),
                self._session.request(
                    request.method,
                    URL(self._url + request.path).with_query(request.query),
                    headers=headers,
                    data=None if request.body is None else json.dumps(request.body).encode(),
                    allow_redirects=False,
                    ssl=self._ssl or True,
                    proxy=self._proxy.url,
                    proxy_headers=self._proxy.headers,
                    timeout=aiohttp.ClientTimeout(total=None),
                    middlewares=(_once,),
                ) as response,
            ):
                self._way.check(response.status, response.headers)
                whole = response.status in _OK_RANGE and request.reads
                body = await self._read(response) if whole else await self._beginning(response)
                return Reply(response.status, response.headers, body)
        except _CutOff as cut:
            error = connection_error(await self._way.explained(cut.error))
            error.cut_off = True
            raise error from cut.error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: aiohttp's word for an answer whose framing makes no sense. TimeoutError is an OSError.
            raise connection_error(await self._way.explained(error)) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            self.counters.bytes += len(chunk)
            if len(body) > self._max_bytes:
                response.close()
                raise UnexpectedAnswer(_("an answer of more than {max_bytes} bytes", max_bytes=self._max_bytes))
        return bytes(body)

    async def _beginning(self, response: aiohttp.ClientResponse) -> bytes:
        """As much of the body as comes soon: status and headers say the rest, whatever becomes of it."""
        body = bytearray()
        with suppress(aiohttp.ClientError, OSError, ValueError):
            async with asyncio.timeout(_BEGINNING_LIMIT):
                async for chunk in response.content.iter_chunked(_CHUNK):
                    body += chunk
                    self.counters.bytes += len(chunk)
                    if len(body) > _BEGINNING:
                        break
                else:
                    return bytes(body)
        response.close()
        return bytes(body[:_BEGINNING])


class _CutOff(Exception):
    """The connection broke before an answer. aiohttp, left to itself, would send the request once more, unseen."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request, once."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent, and aiohttp does not try again
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _CutOff(error) from error


def _id(value: str | None) -> str:
    return "".join(character for character in (value or "")[:_MAX_ID] if character.isprintable())
