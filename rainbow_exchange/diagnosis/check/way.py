"""The way to a server, from its name to its clock; the same for Exchange and for Rainbow."""

import asyncio
import math
import os
import socket
import ssl as tls
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from yarl import URL

from rainbow_exchange.bridge.causes import Cause, exchange_cause, rainbow_cause
from rainbow_exchange.bridge.certificate_watch import CertificateWatch
from rainbow_exchange.bridge.way_causes import Side, proxy_step
from rainbow_exchange.diagnosis.check.results import Finding, failed, nothing, passed, warned
from rainbow_exchange.diagnosis.check.wording import once
from rainbow_exchange.ews.blocking import Blocking
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.ews.failures import named
from rainbow_exchange.network import certificate
from rainbow_exchange.network.address import is_address
from rainbow_exchange.network.failures import Failure, Way
from rainbow_exchange.network.inspectors import inspector
from rainbow_exchange.network.look import look
from rainbow_exchange.network.proxy import Proxy, ProxyRefused, ProxyTrouble
from rainbow_exchange.network.shown import few, printable
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.transport import connection_error
from rainbow_exchange.words import _

#: seconds for the look-up of a name, for one address of several, and for a head
_LOOK_UP_WITHIN, _EACH, _HEAD_WITHIN = 8.0, 4.0, 6.0
_MOST_ADDRESSES = 4
_NAMES = 5
#: where a head is asked for; Rainbow's is its own sign of life, which anybody may ask for
_PATHS = {"exchange": "/", "rainbow": "/api/rainbow/ping"}
_RENEWED = _(
    "Rainbow renews its own; one of an inspecting proxy, or of a Rainbow of your own, is renewed by whoever runs that."
)
_SERVERS = {"exchange": "Exchange", "rainbow": "Rainbow"}
#: days of a certificate that are worth a word
_SOON = 14
#: from so much on a clock that is off is worth a word, and from so much on it breaks sign-ins by Kerberos (RFC 4120)
_CLOCK_OFF, _CLOCK_FAR_OFF = timedelta(seconds=60), timedelta(minutes=5)


def connection_cause(side: Side, failure: Failure, url: str) -> Cause:
    """Say why there is no way to a server."""
    cause = exchange_cause(named(failure), url) if side == "exchange" else rainbow_cause(connection_error(failure), url)
    return once(cause)


def late_cause(side: Side, url: str) -> Callable[[float], Cause]:
    """Give what says that a server has not answered in time."""

    def late(seconds: float) -> Cause:
        detail = _("no end within {seconds} s", seconds=f"{seconds:.0f}")
        if side == "exchange":
            return exchange_cause(EwsConnectionError("timeout", detail), url)
        return rainbow_cause(RainbowConnectionError("timeout", detail), url)

    return late


@dataclass(slots=True, eq=False, kw_only=True)
class WayTo:
    """The way to `url`; `context` None: none of TLS is verified there. `verified` False: the settings want it so."""

    side: Side
    url: str
    proxy: Proxy
    context: tls.SSLContext
    verified: bool
    now: Callable[[], datetime]
    _said: datetime | None = None
    _asked: bool = False

    @property
    def host(self) -> str:
        """The server's name or address."""
        return URL(self.url).raw_host or ""

    async def through_proxy(self) -> Finding:
        """See that the proxy leads there."""
        if self.proxy.url is None:
            return nothing(_("No proxy is used."))
        where = self.proxy.address
        try:
            await self._head(verifying=False)
        except _NoWay as error:
            trouble = error.failure.why
            if isinstance(trouble, ProxyTrouble):
                cause = connection_cause(self.side, error.failure, self.url)
                return failed(once(Cause(cause.id, trouble.text, proxy_step(trouble, self.side))), proxy=where)
        return passed(_("The proxy {where} leads to {host}.", where=where, host=self.host), proxy=where)

    async def name(self) -> Finding:
        """Look the name up."""
        if self.proxy.url is not None:
            return nothing(_("The proxy looks the name up."))
        if is_address(self.host):
            return passed(_("{host} is an address.", host=self.host), addresses=[self.host])
        addresses = await self._addresses()
        named_ = few(addresses, _MOST_ADDRESSES)
        return passed(_("{host} is {addresses}.", host=self.host, addresses=named_), addresses=addresses)

    async def connection(self) -> Finding:
        """Connect to each address of the name."""
        if self.proxy.url is not None:
            return nothing(_("The proxy connects."))
        port = URL(self.url).port or 443
        faults: dict[str, str] = {}
        open_at: list[str] = []
        for address in (await self._addresses())[:_MOST_ADDRESSES]:
            try:
                async with asyncio.timeout(_EACH):
                    _reader, writer = await asyncio.open_connection(address, port)
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
            except TimeoutError:
                faults[address] = "timeout"
            except OSError as error:
                faults[address] = _reason(error)
            else:
                open_at.append(address)
        facts = {"port": port, "open": open_at, "closed": faults}
        if not open_at:
            silent = all(fault == "timeout" for fault in faults.values())
            detail = f"{self.host}:{port}: {few(list(dict.fromkeys(faults.values())), 3)}"
            failure = Failure(kind="timeout" if silent else "refused", detail=detail)
            return failed(connection_cause(self.side, failure, self.url), **facts)
        if faults:
            return warned(self._some_closed(port, faults), **facts)
        return passed(_("Port {port} is open.", port=port), **facts)

    async def certificate(self) -> Finding:
        """Verify it as the connector does, and show what it says."""
        if URL(self.url).scheme == "http":
            return nothing(_("Plain HTTP, on this machine only."))
        try:
            await self._head(verifying=True)
        except _NoWay as error:
            return failed(connection_cause(self.side, error.failure, self.url), **await self._chain())
        facts = await self._chain()
        if not facts:
            return passed(_("It is trusted."))
        watch = CertificateWatch(lambda: self._own, host=self.host, verified=self.verified, now=self.now)
        found = watch.unverified() if self.side == "exchange" else None
        if found is None and (cause := self._intercepted()) is not None:
            return warned(cause, **facts)
        if found is None and facts["days_left"] <= _SOON:
            found = watch.ending()
            kind = f"{self.side}-certificate-expires"
        else:
            kind = f"{self.side}-certificate-unverified"
        if found is not None:
            return warned(Cause(kind, found.text, found.action if self.side == "exchange" else _RENEWED), **facts)
        names = few(facts["names"], _NAMES)
        issuers = " → ".join(each["issuer"] for each in facts["chain"])
        text = _(
            "For {names}, by {issuers}, until {until} ({days_left} days).",
            names=names,
            issuers=issuers,
            until=facts["until"][:10],
            days_left=facts["days_left"],
        )
        return passed(text, **facts)

    async def clock(self) -> Finding:
        """Compare this machine's clock with the server's."""
        if not self._asked:
            with suppress(_NoWay):
                await self._head(verifying=URL(self.url).scheme == "https")
        server = _SERVERS[self.side]
        if self._said is None:
            return nothing(_("{server} does not say what time it is.", server=server))
        off = self.now() - self._said
        seconds = round(off.total_seconds())
        if abs(off) < _CLOCK_OFF:
            return passed(_("This machine's clock and {server}'s agree.", server=server), seconds_ahead=seconds)
        told = {"off": _span(abs(off)), "server": server, "said": self._said}
        cause = Cause(
            "clock-off",
            _("This machine's clock is {off} ahead of {server}'s ({said:%Y-%m-%d %H:%M:%S} UTC).", **told)
            if seconds > 0
            else _("This machine's clock is {off} behind {server}'s ({said:%Y-%m-%d %H:%M:%S} UTC).", **told),
            _(
                "Set this machine's clock by a time service (on Windows: w32tm /resync). If it is right, and"
                " the other step about a clock says so, too, {server}'s is wrong.",
                server=server,
            ),
        )
        judge = failed if abs(off) >= _CLOCK_FAR_OFF else warned
        return judge(cause, seconds_ahead=seconds)

    async def _addresses(self) -> list[str]:
        """Look the name up. A name server that never answers must not hold up the end of the process, either."""
        if is_address(self.host):
            return [self.host]
        look_up = partial(socket.getaddrinfo, self.host, URL(self.url).port, type=socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(_LOOK_UP_WITHIN):
                found = await Blocking().run(look_up)
        except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
            detail = _("the name {host} is not known", host=self.host)
            raise _error(self.side, Failure(kind="name", detail=detail)) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _head(self, *, verifying: bool) -> None:
        """Connect, and ask for nothing but a head, if one comes; raises _NoWay where there is no connection."""
        way, trace = Way(self.url, self.proxy), aiohttp.TraceConfig()
        connected = False

        async def note(*_: object) -> None:
            nonlocal connected
            connected = True

        trace.on_connection_create_end.append(note)
        session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, trace_configs=[trace], raise_for_status=False
        )
        asking = session.head(
            URL(self.url).origin().with_path(_PATHS[self.side]),
            allow_redirects=False,
            ssl=self.context if verifying else False,
            proxy=self.proxy.url,
            proxy_headers=self.proxy.headers,
            headers=dict(self.proxy.beside(self.url)),
        )
        try:
            async with asyncio.timeout(_HEAD_WITHIN), session, way.passage(), asking as answer:
                way.check(answer.status, answer.headers)
        except (aiohttp.ClientError, OSError, ValueError, ProxyRefused) as error:
            failure = await way.explained(error)
            if not connected or failure.kind == "proxy":
                raise _NoWay(failure) from error
            return  # not everybody answers to HEAD
        finally:
            self._asked = True
        with suppress(ValueError, TypeError):
            said = parsedate_to_datetime(answer.headers.get("Date", ""))
            self._said = said if said.tzinfo else said.replace(tzinfo=UTC)

    _own: bytes | None = None
    _issuers: tuple[x509.Name, ...] = ()

    async def _chain(self) -> dict[str, Any]:
        """Say what the server presents, {} where that cannot be seen."""
        presented = await look(self.host, URL(self.url).port or 443, self.proxy)
        if presented is None or not presented.chain:
            return {}
        path = certificate.path(presented.chain)
        own = path[0]
        self._own = own.public_bytes(Encoding.DER)
        self._issuers = tuple(each.issuer for each in path)
        left = (own.not_valid_after_utc - self.now()) / timedelta(days=1)
        return {
            "tls": presented.tls_version,
            "names": list(certificate.names(own)),
            "host_fits": certificate.fits(own, self.host),
            "from": own.not_valid_before_utc.isoformat(),
            "until": own.not_valid_after_utc.isoformat(),
            "days_left": math.floor(left),
            "chain": [
                {
                    "subject": certificate.called(each.subject),
                    "issuer": certificate.called(each.issuer),
                    "from": each.not_valid_before_utc.isoformat(),
                    "until": each.not_valid_after_utc.isoformat(),
                }
                for each in path
            ],
        }

    def _intercepted(self) -> Cause | None:
        """Say that something on the way opens TLS, and is trusted, where its issuer gives it away."""
        product = inspector(certificate.everything_named(issuer) for issuer in self._issuers)
        if not product:
            return None
        what = _("the password of the account, and all calendars") if self.side == "exchange" else _("all that is told")
        return Cause(
            f"{self.side}-certificate-intercepted",
            _(
                "The certificate of {host} was issued by “{issuers}”. This looks like an intercepting proxy"
                " ({product}), which sees {what}.",
                host=self.host,
                issuers=certificate.called(self._issuers[0]),
                product=product,
                what=what,
            ),
            _("Have it leave connections to {host} alone.", host=self.host),
        )

    def _some_closed(self, port: int, faults: Mapping[str, str]) -> Cause:
        named_ = ", ".join(f"{address} ({printable(fault)})" for address, fault in faults.items())
        return Cause(
            f"{self.side}-unreachable",
            _(
                "{host} has several addresses, and not all accept connections at port {port}: {named}.",
                host=self.host,
                port=port,
                named=named_,
            ),
            _("See that each server, or the balancer, behind that name runs; or take the address out of DNS."),
        )


class _NoWay(Exception):
    """There is no way, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def _error(side: Side, failure: Failure) -> EwsConnectionError | RainbowConnectionError:
    return named(failure) if side == "exchange" else connection_error(failure)


def _reason(error: OSError) -> str:
    """Say why no connection came about; asyncio writes its own sentence into `strerror`, but for Windows' errors."""
    if getattr(error, "winerror", None):
        return error.strerror or type(error).__name__
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _span(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 48:  # noqa: PLR2004  (two days)
        return _("{days} days", days=hours // 24)
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {seconds % 60} s"
