"""EwsClient: one operation and its answer, one hanging GetStreamingEvents and its messages.

Retries belong to the callers' loops; here a request goes out once or not at all. It does not go out while the
credentials are refused (`latch`) or while the server asked to be left alone (`throttle`).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Self, TypeVar

import structlog

from rainbow_exchange.ews import request_id, soap
from rainbow_exchange.ews.auth import Authenticator
from rainbow_exchange.ews.client_counters import ClientCounters
from rainbow_exchange.ews.endings import kind_of
from rainbow_exchange.ews.endpoint import check_url, is_web_page, not_ews, refusal, request_headers
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
    hint,
    reason_of,
)
from rainbow_exchange.ews.event_stream import EventStream, StreamMessage
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.throttle import REQUESTS, BackOffs, InFlight, exceeded
from rainbow_exchange.ews.transport import Answer, Transport
from rainbow_exchange.ews.treatment import is_refusal
from rainbow_exchange.ews.types import ConnectingSid, Operation
from rainbow_exchange.ews.version import RequestVersion
from rainbow_exchange.network.challenges import schemes
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.pause import Gate
from rainbow_exchange.words import _

_log = structlog.get_logger()

R = TypeVar("R")

_LONGEST_ERROR_PAGE = 1024 * 1024
_BEATS_OF_SILENCE = 2
#: operations without which the rest works; a server that knows one of them not may say so by a bare HTTP status
_OPTIONAL = frozenset(
    {
        "GetMailTips",
        "GetPasswordExpirationDate",
        "GetServiceConfiguration",
        "GetUserOofSettings",
        "ResolveNames",
        "Unsubscribe",
    }
)


class EwsClient:
    """A client of one EWS endpoint. An async context manager: leaving it closes all connections.

    `auth` is one account, or several in the order in which they are tried; the next one when one is refused.
    `url` with http:// is accepted for loopback only, since the credentials would travel in the clear: UserError.
    `request_timeout` seconds are for a whole answer or a stream's head; a stream is dead after two `heartbeat`s of
    silence.
    Everything raised is of the EwsError family.
    """

    def __init__(
        self,
        *,
        url: str,
        auth: Authenticator | Sequence[Login],
        ssl: SSLContext | None,
        proxy_url: str | Proxy | None = None,
        request_timeout: float = 30.0,
        heartbeat: float = 45.0,
        max_answer_bytes: int = 64 * 1024 * 1024,
        max_in_flight: int = 10,
        now: Callable[[], datetime],
    ) -> None:
        check_url(url)
        logins = auth if isinstance(auth, Sequence) else (Login(auth=auth),)
        self._logins = Logins(logins)
        self._transports = {
            login: Transport(url=url, auth=login.auth, ssl=ssl, proxy_url=proxy_url, tokens=login.tokens)
            for login in logins
        }
        self._host = self._transports[logins[0]].host
        self._request_timeout = request_timeout
        self._heartbeat = heartbeat
        self._max_answer_bytes = max_answer_bytes
        self._now = now
        self._back_offs = BackOffs()
        self._version = RequestVersion()
        self._proving = asyncio.Lock()
        self._reading = Gate()
        self.in_flight = InFlight(max_in_flight)
        self.counters = ClientCounters()
        self.server_version: str | None = None
        self.last_error: EwsError | None = None
        self.last_ok: datetime | None = None
        self.outage: EwsError | None = None  # why the server could not be spoken to last; None once it answers

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.close()
        await self._logins.close()

    @property
    def refused(self) -> EwsAuthenticationError | None:
        """The server's refusal of the credentials; while it stands nothing is sent (except one try now and then)."""
        return self._logins.refused

    @property
    def account(self) -> str:
        """Name of the account in use."""
        return self._logins.current().name

    @property
    def scheme(self) -> str:
        """How the account in use was signed in last: see `auth.scheme_of`; "" before."""
        return self._transports[self._logins.current()].scheme

    @property
    def passed_over(self) -> tuple[str, EwsAuthenticationError] | None:
        """Name and refusal of the account that should be used, while another one is."""
        return self._logins.passed_over

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate as it was seen last, DER; None before, and without TLS."""
        return self._transports[self._logins.current()].certificate

    def seconds_to_next_try(self) -> float | None:
        """Seconds until refused credentials are tried anew; None if never in this process, 0 if none are refused."""
        return self._logins.seconds_to_next_try()

    def try_again(self) -> None:
        """Have refused credentials tried once more; without a refusal nothing happens."""
        self._logins.try_again()

    async def prove(self, address: str) -> None:
        """Return once the server has accepted the credentials, asked about `address` where nobody else has asked it.

        Raises EwsError where it does not.
        """
        async with self._proving:
            if not self._logins.current().latch.proven:
                with suppress(ResponseError):  # an answer all the same
                    await self.call(ResolveNames(entry=address))

    def held_back_for(self) -> float:
        """Seconds until the server may be asked again in the account's own name; single mailboxes may wait longer."""
        return self._back_offs.left(None, "")

    async def call(
        self,
        operation: Operation[R],
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,
        affinity: Affinity | None = None,
    ) -> R:
        """Send `operation` and return its parsed answer. `affinity` (or else `anchor`) says which back end is meant.

        Only where the server does not understand the version by which it is asked is it asked again, by the lower one.
        """
        version = self._version.value
        while True:
            try:
                result = await self._call(operation, version, impersonate, anchor, affinity)
            except ResponseError as error:
                lower = self._version.lower(error.code, version, operation.NAME)
                if lower is None:
                    raise
                version = lower
            else:
                self._version.accepted(version)
                return result

    async def _call(
        self,
        operation: Operation[R],
        version: str,
        impersonate: ConnectingSid | None,
        anchor: str | None,
        affinity: Affinity | None,
    ) -> R:
        who = impersonate.value if impersonate else ""
        body = soap.build(operation, impersonate=impersonate, server_version=version)
        headers = request_headers(impersonate, anchor, affinity)
        self._back_offs.check(None, who)
        while True:
            login = self._logins.current()
            try:
                async with self.in_flight:
                    self._back_offs.check(None, who)
                    async with login.latch.attempt(decisive=impersonate is None) as accepted:
                        with self._accounted(who, self.in_flight, operation.NAME):
                            self._sent(operation.NAME, body)
                            limit = min(self._request_timeout, login.latch.patience())
                            posting = self._transports[login].post(body, headers, limit=limit)
                            data = await self._exchange(operation.NAME, posting, affinity, accepted, limit)
                            _log_request(operation.NAME, headers)
                            result, build = await self._reading.through(soap.read(operation, data))
                            self.server_version = build or self.server_version
                    if (busy := _busy(result)) is not None:
                        self._failed(busy, who, self.in_flight)
                    else:
                        self.in_flight.succeeded()
            except EwsAuthenticationError:
                if self._logins.current() is login:
                    raise
            else:
                self.last_ok, self.outage = self._now(), None
                return result

    @asynccontextmanager
    async def stream(
        self,
        operation: Operation[Any],
        *,
        impersonate: ConnectingSid | None = None,
        affinity: Affinity | None = None,
    ) -> AsyncIterator[AsyncIterator[StreamMessage]]:
        """Open a hanging GetStreamingEvents; leaving the context closes its connection.

        The messages end where the server ends the stream, after a Closed or not. They raise EwsConnectionError
        ("timeout" on silence, "closed" when cut) and MalformedResponse (cut within an envelope, or no envelope at all).
        """
        who = impersonate.value if impersonate else ""
        body = soap.build(operation, impersonate=impersonate, server_version=self._version.value)
        headers = request_headers(impersonate, None, affinity) | {"Accept-Encoding": "identity"}
        self._back_offs.check(None, who)
        login = self._logins.current()
        async with login.latch.attempt(decisive=impersonate is None) as accepted:
            with self._accounted(who, None, operation.NAME):
                self._sent(operation.NAME, body)
                async with self._transports[login].post(body, headers, limit=self._request_timeout) as answer:
                    await self._check_head(answer, affinity, accepted)
                    _log_request(operation.NAME, headers)
                    async with aclosing(self._messages(answer, who)) as messages:
                        yield messages

    async def _messages(self, answer: Answer, who: str) -> AsyncGenerator[StreamMessage, None]:
        events = EventStream()
        # Exchange sends its first envelope at once; servers were seen that send nothing before their first heartbeat.
        patience = max(self._request_timeout, _BEATS_OF_SILENCE * self._heartbeat)
        while True:
            found: list[StreamMessage] = []
            try:
                async with asyncio.timeout(patience):
                    while not found:
                        chunk = await answer.next_chunk()
                        if not chunk:
                            events.close()
                            return
                        self.counters.bytes_received += len(chunk)
                        async with self._reading.passed():
                            found = events.feed(chunk)
            except TimeoutError as error:
                raise EwsConnectionError(
                    "timeout", _("a stream was silent for {patience:g} s", patience=patience)
                ) from error
            self.last_ok, self.outage = self._now(), None
            for message in found:
                if message.error is not None:
                    self._failed(message.error, who, None)
                yield message
            patience = _BEATS_OF_SILENCE * self._heartbeat

    async def _exchange(
        self,
        name: str,
        posting: AbstractAsyncContextManager[Answer],
        affinity: Affinity | None,
        accepted: Callable[[], None],
        limit: float,
    ) -> bytes:
        try:
            async with asyncio.timeout(limit), posting as answer:
                await self._check_head(answer, affinity, accepted)
                data = await answer.read(self._max_answer_bytes)
        except TimeoutError as error:
            raise EwsConnectionError(
                "timeout", _("no whole answer to {name} within {limit:g} s", name=name, limit=limit)
            ) from error
        self.counters.bytes_received += len(data)
        if is_web_page(data):
            raise not_ews(self._host)
        return data

    async def _check_head(self, answer: Answer, affinity: Affinity | None, accepted: Callable[[], None]) -> None:
        """Return if EWS answers; else raise what its status, or the SOAP fault that comes with it, says."""
        request_id.note(answer.header)
        if answer.status == HTTPStatus.FORBIDDEN:
            raise EwsAuthenticationError(answer.status, schemes(answer.headers("WWW-Authenticate")))
        if answer.status == HTTPStatus.OK:
            if answer.content_type == "text/html":
                raise not_ews(self._host)
            accepted()
            if affinity is not None:
                affinity.learn(answer.headers("Set-Cookie"))
                affinity.answered(answer.header)
            return
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.content_type.endswith("xml"):
            page = await answer.read(_LONGEST_ERROR_PAGE)
            try:
                soap.open_envelope(page)
            except ResponseError:
                accepted()
                raise
            except MalformedResponse:
                pass  # an error page that happens to be XML: the status says more
        raise refusal(answer.status, answer.header, host=self._host, now=self._now)

    def _sent(self, name: str, body: bytes) -> None:
        request_id.forget()
        self.counters.requests[name] += 1
        self.counters.bytes_sent += len(body)

    @contextmanager
    def _accounted(self, who: str, limit: InFlight | None, name: str) -> Iterator[None]:
        before = self.last_ok
        try:
            yield
        except EwsError as error:
            if isinstance(error, EwsConnectionError | MalformedResponse) and not (
                (name in _OPTIONAL and is_refusal(error)) or (limit is None and self.last_ok is not before)
            ):
                self.outage = error  # a stream tells nothing of a server that has answered since: opening the next does
            _log.debug(
                "exchange_request_failed",
                operation=name,
                reason=reason_of(error),
                exchange_request_id=request_id.last(),
            )
            self._failed(error, who, limit)
            raise

    def _failed(self, error: EwsError, who: str, limit: InFlight | None) -> None:
        """Count what came, obey what it asks for."""
        self.last_error = error
        self.counters.errors[kind_of(error)] += 1
        if isinstance(error, ConnectionLimitReached):
            self._too_many(error, stream=limit is None)
        elif isinstance(error, ServerBusy):
            if self._back_offs.concerns_all(who) and limit is not None:
                limit.shrink()
        elif limit is not None and _is_queueing(error):
            limit.shrink()
        elif limit is not None and isinstance(error, ResponseError):
            limit.succeeded()
        if seconds := hint(error):
            self._stay_away(who if isinstance(error, ServerBusy) else None, error, seconds)

    def _too_many(self, error: ConnectionLimitReached, *, stream: bool) -> None:
        part, stated = exceeded(error, stream=stream)
        self.counters.backed_off(error, self._now(), part=part)
        if part == REQUESTS:
            self.in_flight.shrink(stated=stated, concurrency=True)

    def _stay_away(self, who: str | None, error: EwsError, seconds: float) -> None:
        self.counters.backed_off(error, self._now())
        self._back_offs.note(who, error, seconds)


def _log_request(name: str, headers: Mapping[str, str]) -> None:
    ours, theirs = headers["client-request-id"], request_id.last()
    _log.debug("exchange_request", operation=name, client_request_id=ours, exchange_request_id=theirs)


def _busy(result: object) -> ServerBusy | None:
    """Tell whether an answer of one entry for each mailbox says of all that the server is busy: then it is that."""
    if not isinstance(result, tuple):
        return None
    return next((entry for entry in result if all(isinstance(each, ServerBusy) for each in result)), None)


def _is_queueing(error: EwsError) -> bool:
    return isinstance(error, EwsConnectionError) and error.kind == f"http-{HTTPStatus.SERVICE_UNAVAILABLE:d}"
