"""What aiohttp and the system raise on the way to a server, told apart; and a look at a certificate not trusted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from cryptography import x509
from multidict import CIMultiDict
from yarl import URL

from rainbow_exchange.network.challenges import schemes
from rainbow_exchange.network.look import look
from rainbow_exchange.network.proxy import Proxy, ProxyFault, ProxyRefused, ProxyTrouble, not_a_proxy, refusal, silence
from rainbow_exchange.network.verdict import Fault, Presented, Verdict, Why, judge
from rainbow_exchange.words import _

_UNAUTHORISED = 407
_LOOK_AGAIN = 60.0  # seconds between two looks at a certificate that is not trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`kind` as in the errors of either side, or "not-http".

    `why` explains the kinds "tls", "proxy" and "timeout" further.
    """

    kind: str
    detail: str
    why: Why | None = None


class Way:
    """The way to the server of one address, and what can be wrong with it."""

    def __init__(self, url: str, proxy: Proxy) -> None:
        self._url = URL(url)
        self._proxy = proxy
        self._host = self._url.raw_host or ""
        self._target = f"{self._url.host}:{self._url.port}"
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None  # loop time
        self._presented: Presented | None = None
        self.trusted: bytes | None = None  # the certificate of a connection that worked, DER

    def failure(self, error: Exception) -> Failure:  # noqa: PLR0911  (one line per kind is the table)
        """Name what was raised. A certificate is not looked at: see `explained`."""
        own = self._of_proxy(error)
        if own is not None:
            return Failure(kind="proxy", detail=own.text, why=own)
        through = _(" through the proxy {address}", address=self._proxy.address) if self._proxy.url else ""
        silent = silence(self._proxy, self._target) if self._proxy.url else None
        match error:
            case TimeoutError():
                return Failure(
                    kind="timeout",
                    detail=_("no answer from {target}{through} in time", target=self._target, through=through),
                    why=silent,
                )
            case aiohttp.ClientConnectorDNSError():
                return Failure(kind="name", detail=_("the name {host} is not known", host=error.host))
            case UnicodeError() | aiohttp.InvalidURL():  # the look-up's word for a label that is empty or too long
                return Failure(kind="name", detail=_("{target} is no name that can be looked up", target=self._target))
            case aiohttp.ClientSSLError() | ssl.SSLError():
                verdict = self._judged(error)
                return Failure(kind="tls", detail=verdict.text, why=verdict)
            case aiohttp.ClientConnectorError() if self._cut_in_handshake(error):
                return Failure(
                    kind="closed",
                    detail=_(
                        "{target}{through} cut the connection during its set-up", target=self._target, through=through
                    ),
                )
            case aiohttp.ClientConnectorError():
                reason = error.strerror or type(error.os_error).__name__
                return Failure(
                    kind="refused",
                    detail=_(
                        "no connection to {host}:{port}: {reason}", host=error.host, port=error.port, reason=reason
                    ),
                )
            case aiohttp.WSServerHandshakeError():
                return Failure(kind=f"http-{error.status}", detail=_("no WebSocket"))
            case aiohttp.ClientResponseError():
                return Failure(
                    kind="not-http",
                    detail=_("{target} does not speak HTTP: {name}", target=self._target, name=type(error).__name__),
                )
            case _:
                what = self._whoever()
                return Failure(
                    kind="closed",
                    detail=_("{what} closed the connection: {name}", what=what, name=type(error).__name__),
                )

    def _whoever(self) -> str:
        """Name who may have closed a connection."""
        if not self._proxy.url:
            return self._target
        return _("{target} or the proxy {address}", target=self._target, address=self._proxy.address)

    async def explained(self, error: Exception) -> Failure:
        """Name what was raised; a certificate that is not trusted is looked at, once a minute at most."""
        failure = self.failure(error)
        if failure.kind != "tls" and not self._cut_in_handshake(error):
            return failure
        async with self._looking:  # whoever fails meanwhile gets the same explanation
            now = asyncio.get_running_loop().time()
            if self._looked_at is None or now - self._looked_at >= _LOOK_AGAIN:
                self._presented = await look(self._host, self._url.port or 443, self._proxy)
                self._looked_at = asyncio.get_running_loop().time()
        verdict = self._judged(error)
        if failure.kind != "tls" and verdict.faults == (Fault.OTHER,):
            return failure
        return Failure(kind="tls", detail=verdict.text, why=verdict)

    def _cut_in_handshake(self, error: Exception) -> bool:
        """Whether the connection was there and then cut: what Windows does where no version of TLS is common."""
        return (
            self._url.scheme in {"https", "wss"}
            and isinstance(error, aiohttp.ClientConnectorError)
            and isinstance(error.os_error, ConnectionResetError | ConnectionAbortedError)
        )

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Hold one request until the head of its answer is there. Raises ProxyRefused where none may go out."""
        if self._proxy.gate is None:
            yield
            return
        async with self._proxy.gate.attempt():
            try:
                yield
            except (aiohttp.ClientHttpProxyError, aiohttp.WSServerHandshakeError) as error:
                if error.status != _UNAUTHORISED:
                    raise
                raise ProxyRefused(self._refusal(error.status, error.headers or {})) from error

    def check(self, status: int, headers: Mapping[str, str]) -> None:
        """Raise ProxyRefused for an answer that is the proxy's own: without TLS it comes in place of the server's."""
        if status == _UNAUTHORISED and self._proxy.url is not None:
            raise ProxyRefused(self._refusal(status, headers))

    def _judged(self, error: Exception) -> Verdict:
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            code, reason = cause.verify_code & 0xFFFF_FFFF, cause.verify_message
        else:
            code, reason = None, str(getattr(cause, "reason", None) or type(cause).__name__)
        return judge(self._host, self._presented, code=code, reason=reason, before=self._before())

    def _before(self) -> x509.Certificate | None:
        try:
            return None if self.trusted is None else x509.load_der_x509_certificate(self.trusted)
        except ValueError:
            return None

    def _of_proxy(self, error: Exception) -> ProxyTrouble | None:
        """Say what is wrong if it is the proxy's doing."""
        match error:
            case ProxyRefused():
                return error.trouble
            case aiohttp.ClientHttpProxyError() | aiohttp.WSServerHandshakeError(status=407):
                return self._refusal(error.status, error.headers or {})
            case aiohttp.ClientResponseError(request_info=aiohttp.RequestInfo(method="CONNECT")):
                return not_a_proxy(self._proxy)
            case aiohttp.ClientConnectorError() if self._proxy.is_at(error.host, error.port):
                return self._unreachable(error)
            case _:
                return None

    def _refusal(self, status: int, headers: Mapping[str, str]) -> ProxyTrouble:
        many = CIMultiDict(headers)
        offered = schemes(many.getall("Proxy-Authenticate", []))
        return refusal(self._proxy, self._target, status=status, offered=offered, note=many.get("X-Squid-Error"))

    def _unreachable(self, error: aiohttp.ClientConnectorError) -> ProxyTrouble:
        where = self._proxy.address
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            text = _("The name {host} of the proxy is not known here.", host=error.host)
            return ProxyTrouble(fault=ProxyFault.UNKNOWN_NAME, text=text)
        cause = _cause(error)
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", None) or cause.reason
            text = _("The certificate of the proxy {where} is not trusted: {reason}.", where=where, reason=reason)
            return ProxyTrouble(fault=ProxyFault.CERTIFICATE, text=text)
        reason = error.strerror or type(error.os_error).__name__
        return ProxyTrouble(
            fault=ProxyFault.UNREACHABLE,
            text=_("No connection to the proxy {where}: {reason}.", where=where, reason=reason),
        )


def _cause(error: Exception) -> Exception:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    return error
