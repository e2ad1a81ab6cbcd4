"""The simulated Exchange over HTTP: signs in, impersonates, answers, streams; and serves the lab's own test wire."""

import asyncio
import gzip
import ssl as tls
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.exchange import operations, tokens
from rainbow_exchange.lab.exchange.accounts import Account
from rainbow_exchange.lab.exchange.autodiscover import Autodiscover
from rainbow_exchange.lab.exchange.back_ends import BackEnds, set_cookies
from rainbow_exchange.lab.exchange.call import Call, Company, impersonated
from rainbow_exchange.lab.exchange.changes import Changes
from rainbow_exchange.lab.exchange.controls import Controls
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.disasters import Disasters
from rainbow_exchange.lab.exchange.errors import Fault, LegacyFault, Refused
from rainbow_exchange.lab.exchange.flavour import FLAVOURS
from rainbow_exchange.lab.exchange.front import Front
from rainbow_exchange.lab.exchange.mailbox import Directory, Filled, LabMailbox, nothing
from rainbow_exchange.lab.exchange.noting import code_of, note_headers, note_operation
from rainbow_exchange.lab.exchange.reach import EWS, Reach, page_of
from rainbow_exchange.lab.exchange.record import Record, Request
from rainbow_exchange.lab.exchange.renewing import Renewing
from rainbow_exchange.lab.exchange.streams import Dropped, Streams
from rainbow_exchange.lab.exchange.subscriptions import Subscriptions
from rainbow_exchange.lab.exchange.throttling import Budgets, busy_answer, exceeded
from rainbow_exchange.lab.exchange.wire import (
    Element,
    child,
    children,
    envelope,
    fault_envelope,
    legacy_fault_envelope,
    parsed,
    reworded,
)
from rainbow_exchange.lab.exchange.zones import WINDOWS
from rainbow_exchange.lab.listening import close, listen, reset
from rainbow_exchange.lab.outage import Outage, Unreachable

PATH = "/EWS/Exchange.asmx"
_MOST_BODY = 64 * 1024 * 1024
_WORTH_ZIPPING = 1400
_UNDER_WAY = 0.05  # seconds for what was written to reach a peer before a reset would overtake it
_VERSIONS = frozenset(
    {
        "Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2",
        "Exchange2012", "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2015_10_05",
        "V2016_01_06", "V2016_04_13", "V2016_07_13", "V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11",
    }
)  # fmt: skip


class LabExchange:
    """A simulated Exchange. The service account `username` and every mailbox's owner sign in with `password`.

    `client_id` and `client_secret` buy Bearer tokens at `token_url`, which make the bearer the service account.
    `flavour` is "exchange" or "owner-bound". `dials` are positions at start (see `dials.py`). Raises ValueError on an
    unknown flavour or dial, or when two mailboxes share an address. `filled` says what calendars hold at first.
    """

    def __init__(
        self,
        *,
        mailboxes: Sequence[LabMailbox],
        username: str = "svc-rainbow",
        password: str,
        flavour: str = "exchange",
        now: Callable[[], datetime],
        random: Callable[[], float],
        server_name: str = "exch01.acme.test",
        client_id: str = "lab-connector",
        client_secret: str = "lab-secret",  # noqa: S107  (a made-up secret of a simulation)
        filled: Filled = nothing,
        **dials: Any,
    ) -> None:
        if flavour not in FLAVOURS:
            raise ValueError(f"flavour is one of {', '.join(FLAVOURS)}, not {flavour!r}")
        self.dials = Dials()
        self.dials.turn(dials)
        self.directory = Directory(now=now, filled=filled)
        self.directory.add_all(mailboxes)
        self.back_ends = BackEnds(name=server_name, directory=self.directory, dials=self.dials, now=now)
        self.subscriptions = Subscriptions(server_of=self.back_ends.home, dials=self.dials, now=now, random=random)
        self.streams = Streams()
        self.outage = Outage((EWS,))
        self.outage.cut[EWS] = self.streams.cut
        self.disasters = Disasters(
            back_ends=self.back_ends,
            directory=self.directory,
            subscriptions=self.subscriptions,
            streams=self.streams,
            dials=self.dials,
            outage=self.outage,
        )
        self.record = Record()
        self._now = now
        self._random = random
        self._in_flight: Counter[str] = Counter()
        self._budgets = Budgets(self.dials, now)
        self._company = Company(
            directory=self.directory,
            subscriptions=self.subscriptions,
            dials=self.dials,
            flavour=FLAVOURS[flavour],
            now=now,
            username=username,
            back_ends=self.back_ends,
        )
        self._front = Front(
            directory=self.directory,
            username=username,
            password=password,
            domain=server_name.partition(".")[2],
            client=(client_id, client_secret),
            dials=self.dials,
            now=now,
        )
        self.attempts = self._front.attempts
        self._runner: web.AppRunner | None = None
        self._base = ""

    @property
    def url(self) -> str:
        """Give the EWS address; once started."""
        return self._base + PATH

    @property
    def token_url(self) -> str:
        """Give the address of the token endpoint; once started."""
        return self._base + tokens.PATH

    @property
    def base(self) -> str:
        """Give the address of the server itself; the lab's own wire is below it at /lab/."""
        return self._base

    async def start(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl: tls.SSLContext | None = None,
        renew: Callable[[str], None] | None = None,
    ) -> None:
        """Listen; port 0 takes a free one. `renew` gives `ssl` another certificate. Raises OSError."""
        reach = Reach(self.outage, self.dials)
        app = web.Application(client_max_size=_MOST_BODY, middlewares=[reach.middleware])
        app.on_response_prepare.append(_without_content_type)
        app.router.add_post("/{ews:(?i:ews)}/{page:(?i:exchange\\.asmx)}", self._answer)
        Controls(
            directory=self.directory,
            subscriptions=self.subscriptions,
            streams=self.streams,
            record=self.record,
            dials=self.dials,
            turned=self.disasters.plan,
        ).add_to(app)
        self.disasters.add_to(app)
        Changes(directory=self.directory, written=self.streams.written, now=self._now).add_to(app)
        self._front.add_to(app)
        if renew is not None:
            Renewing(show=renew, bind=self._bind).add_to(app)
        Autodiscover(
            directory=self.directory,
            front=self._front,
            record=self.record,
            dials=self.dials,
            ews_url=lambda: self.url,
            now=self._now,
        ).add_to(app)
        # A stream whose client has gone ends at once.
        self._runner, self._base = await listen(
            app, host, port, ssl=ssl, shutdown_timeout=0.5, handler_cancellation=True
        )
        await self._bind()

    async def _bind(self) -> None:
        scheme, _, where = self._base.partition("://")
        host, _, port = where.rpartition(":")
        await self._front.bind(host, int(port), tls=scheme == "https")

    async def stop(self) -> None:
        """Go down: streams break off, subscriptions are forgotten, mailboxes stay for another start."""
        if self._runner is None:
            return
        for stream in tuple(self.streams.open):
            stream.ordered("drop")
        await close(self._runner)
        self._runner = None
        self.subscriptions.close()

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        request = self.record.arrived(self._now().isoformat())
        request.connection = self._front.connection(http)
        note_headers(request, http)
        try:
            response = await self._signed_in(http, request)
            request.status = request.status or response.status
            return response
        finally:
            self.record.answered(request, self._now().isoformat())

    async def _signed_in(self, http: web.Request, request: Request) -> web.StreamResponse:
        if self._company.flavour.refuses_chunked and "chunked" in http.headers.get("Transfer-Encoding", "").lower():
            request.code = "411"
            return web.Response(status=411)
        body = await http.read()
        if status := self.dials.web_server_status:
            request.code = str(status)
            return page_of(status, self.dials.error_words)
        account = self._front.asked(http)
        if isinstance(account, web.Response):
            request.code = str(account.status)
            return account
        request.account = account.name
        if self.dials.keep_bodies:
            request.body = body.decode(errors="replace")
        try:
            return await self._operation(http, request, account, body)
        except Fault as fault:
            request.code = fault.code
            fault.text = self.dials.error_words or fault.text
            return self._reply(
                http, request, fault_envelope(fault, self._company.flavour), self._company.flavour.fault_status
            )
        except asyncio.CancelledError:
            request.code = request.code or "abandoned"
            raise
        except LegacyFault as fault:
            request.code = "AccessDeniedException"
            return self._reply(http, request, legacy_fault_envelope(str(fault)), self._company.flavour.fault_status)

    async def _operation(
        self, http: web.Request, request: Request, account: Account, data: bytes
    ) -> web.StreamResponse:
        root = parsed(data)
        header = child(root, "Header")
        body = next(children(child(root, "Body")), None)
        if body is None:
            raise Fault("ErrorSchemaValidation", values={"Violation": "empty Body"})
        operation = operations.name_of(body)
        note_operation(request, operation, header, body)
        self.record.understood(request)
        self._check_version(header, request)
        landed = self.back_ends.landing(http)
        if landed is None:
            request.code = "503"
            return web.Response(
                status=503, headers=self.back_ends.headers(http, request.request_id, self.back_ends.name)
            )
        if (busy := busy_answer(self.dials, operation, self._company.flavour)) is not None:
            request.code = "ErrorServerBusy"
            return self._reply(http, request, *busy)
        acting = impersonated(self._company, account, header)
        context = child(header, "TimeZoneContext", "TimeZoneDefinition")
        zone = context.get("Id", "UTC") if context is not None else "UTC"
        call = Call(
            company=self._company,
            account=account,
            acting=acting or account.mailbox,
            impersonated=acting is not None,
            zone=zone if zone in WINDOWS else "UTC",
            landed=landed,
        )
        if code := self.dials.faults.get(operation):
            raise Fault(code)
        if operation == operations.STREAMED:
            return await self._stream(http, request, call, body)
        play = operations.OPERATIONS.get(operation)
        if play is None or operation in self.dials.unknown_operations:
            raise Fault("ErrorInvalidRequest", f"The lab's Exchange does not play {operation}.")
        limit = self.dials.request_limit
        if limit and self._in_flight[call.charged] >= limit:
            raise Fault("ErrorExceededConnectionCount", values=exceeded("MaxConcurrency", limit))
        takes = self._budgets.charge(call.charged, len(request.mailboxes))
        self._in_flight[call.charged] += 1
        try:
            await self._delay(request, operation, takes)
            try:
                content = play(call, body)
            except Refused as error:
                content = operations.refused(operation, error)
            request.code = code_of(content)
            reply = envelope(reworded(content, self.dials.error_words), self._company.flavour)
            if self.dials.late_seconds > 0 and operation in self.dials.late_operations:
                await asyncio.sleep(self.dials.late_seconds)
            return self._reply(http, request, reply, 200)
        finally:
            self._in_flight[call.charged] -= 1

    def _check_version(self, header: Element | None, request: Request) -> None:
        version = child(header, "RequestServerVersion")
        request.server_version = version.get("Version", "") if version is not None else ""
        known = request.server_version in _VERSIONS and request.server_version not in self.dials.unknown_versions
        if version is not None and not known:
            raise Fault("ErrorInvalidServerVersion")

    async def _delay(self, request: Request, operation: str, seconds: float = 0.0) -> None:
        dials = self.dials
        if seconds > 0:
            await asyncio.sleep(seconds)
        of_operation = not dials.delay_operations or operation in dials.delay_operations
        named_here = {*request.mailboxes, request.impersonated.lower()}
        of_mailbox = not dials.delay_mailboxes or not named_here.isdisjoint(dials.delay_mailboxes)
        if dials.delay_seconds > 0 and of_operation and of_mailbox:
            await asyncio.sleep(dials.delay_seconds)

    def _reply(self, http: web.Request, request: Request, body: bytes, status: int) -> web.Response:
        server = self.back_ends.landing(http) or self.back_ends.name
        headers = self.back_ends.headers(http, request.request_id, server)
        if status == 503:  # noqa: PLR2004 — its name in HTTP is no clearer
            headers["Retry-After"] = str(max(0, self.dials.server_busy_milliseconds) // 1000)
        else:
            headers["Content-Type"] = "text/xml; charset=utf-8"
        if self.dials.cut_answers == "short":
            body = body[: len(body) // 2]
        if len(body) > _WORTH_ZIPPING and "gzip" in http.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        response = web.Response(status=status, body=body, headers=headers)
        set_cookies(http, response, server)
        return response

    async def _stream(self, http: web.Request, request: Request, call: Call, body: Element) -> web.StreamResponse:
        stream = self.streams.accepted(call, body)
        try:
            await self._delay(request, operations.STREAMED)
            headers = self.back_ends.headers(http, request.request_id, call.landed)
            response = web.StreamResponse(headers=headers | {"x-nobuffering": "1"})
            response.enable_chunked_encoding()
            if call.company.flavour.stream_prefix:
                response.content_type = "text/xml"
            set_cookies(http, response, call.landed)
            await response.prepare(http)

            async def write(envelope: bytes) -> None:
                # Chunk borders mean nothing: they fall anywhere.
                await self.outage.passed(EWS)
                cut = int(self._random() * len(envelope))
                for piece in (envelope[:cut], envelope[cut:]):
                    if piece:
                        await response.write(piece)

            try:
                request.code = await self.streams.run(stream, write)
                await response.write_eof()
            except Dropped as dropped:
                request.code = "dropped"
                await _break_off(http, response, dropped)
            except (ConnectionError, Unreachable):
                request.code = "abandoned"
        finally:
            self.streams.ended(stream)
        return response


async def _break_off(http: web.Request, response: web.StreamResponse, dropped: Dropped) -> None:
    if dropped.rest:
        await response.write(dropped.rest)
        await asyncio.sleep(_UNDER_WAY)
    if dropped.abruptly:
        reset(http.transport)
    elif http.transport is not None:
        http.transport.close()


async def _without_content_type(_: web.Request, response: web.StreamResponse) -> None:
    """Let a stream of Exchange name no type (ews.md §2); aiohttp names one by itself."""
    if response.headers.get("x-nobuffering") and response.content_type == "application/octet-stream":
        del response.headers["Content-Type"]
