"""HTTP proxies: how aiohttp is told of one, for whom NO_PROXY rules it out, and what its refusals mean; no I/O.

A connection to a server with TLS goes through a tunnel (CONNECT, RFC 9110 section 9.3.6); a proxy's refusal of it comes
before anything is sent to the server. Only Basic can be given to a proxy.
"""

import ipaddress
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from yarl import URL

from rainbow_exchange.words import _

#: what Squid says of itself, like "ERR_CONNECT_FAIL 111"; other words there are somebody else's
_NOTE = re.compile(r"ERR_[A-Z_]{1,40}( \d{1,5})?", re.ASCII)


class Gate(Protocol):
    """Whoever lets requests through while a proxy takes our credentials."""

    def attempt(self) -> AbstractAsyncContextManager[None]:
        """Hold one request, which raises ProxyRefused where they are refused; raises it itself where none may go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How aiohttp is told of a proxy. `headers` hold a secret; `url` holds none. `gate`: shared by all with them."""

    url: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    gate: Gate | None = field(default=None, repr=False, compare=False)

    @property
    def address(self) -> str:
        """Host and port, as a person reads them."""
        url = URL(self.url or "")
        return f"{url.host}:{url.port}"

    def is_at(self, host: str, port: int | None) -> bool:
        """Whether this is where the proxy itself is."""
        url = URL(self.url or "")
        return self.url is not None and (url.host, url.port) == (host, port)

    def beside(self, url: str) -> Mapping[str, str]:
        """Headers that a request to `url` must carry itself: without TLS there is no tunnel to sign in for."""
        return {} if URL(url).scheme in {"https", "wss"} else self.headers or {}


def proxy(url: str | Proxy | None, username: str | None = None, password: str | None = None) -> Proxy:
    """Describe a proxy by its address and its credentials; those inside the address count where there are no others.

    One that is described already stays as it is.
    """
    if isinstance(url, Proxy):
        return url
    if not url:
        return Proxy()
    parts = URL(url)
    name, secret = (parts.user, parts.password) if username is None else (username, password)
    bare = str(parts.with_user(None))
    if name is None:
        return Proxy(url=bare)
    basic = "Basic " + b64encode(f"{name}:{secret or ''}".encode()).decode("ascii")
    return Proxy(url=bare, headers={"Proxy-Authorization": basic})


def is_exempt(url: str, no_proxy: str) -> bool:
    """Whether NO_PROXY says that `url` is reached without a proxy.

    Entries are separated by commas or spaces: a host or domain (with or without a leading dot or `*.` it covers what is
    below it, and without one itself as well), an address, a network (`10.0.0.0/8`), each with a port if one likes; `*`
    is everything.
    """
    parts = URL(url)
    host, port = (parts.host or "").lower().rstrip("."), parts.port
    return any(_covers(entry, host, port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isascii() and wanted.isdecimal():
        return wanted.lstrip("0") == str(port) and _covers(name, host, None)
    domain = entry.removeprefix("*").rstrip(".")
    if domain.startswith("."):
        return host.endswith(domain)
    return host == domain or host.endswith(f".{domain}")


class ProxyFault(StrEnum):
    """What is wrong with the proxy, or with the way from it."""

    UNKNOWN_NAME = "unknown name"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    WANTS_CREDENTIALS = "wants credentials"
    REFUSES_CREDENTIALS = "refuses credentials"
    OTHER_SCHEME = "other scheme"
    FORBIDS = "forbids"
    TARGET_UNREACHABLE = "target unreachable"
    NOT_A_PROXY = "not a proxy"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTrouble:
    """What is wrong with a proxy, and the sentence for it; `again`: refused credentials are tried again."""

    fault: ProxyFault
    text: str
    again: bool = False


class ProxyRefused(ConnectionError):
    """The proxy lets nobody through with these credentials, or without any."""

    def __init__(self, trouble: ProxyTrouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


def refusal(
    proxy: Proxy, target: str, *, status: int, offered: Sequence[str] = (), note: str | None = None
) -> ProxyTrouble:
    """Say what a proxy's answer to CONNECT means. `offered`: schemes of Proxy-Authenticate; `note`: X-Squid-Error."""
    who = _("The proxy {address}", address=proxy.address)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _unauthorised(who, offered, tried=proxy.headers is not None)
    said = f"HTTP {status}" + (f", {note}" if note and _NOTE.fullmatch(note) else "")
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return ProxyTrouble(
            fault=ProxyFault.TARGET_UNREACHABLE,
            text=_("{who} cannot reach {target} ({said}).", who=who, target=target, said=said),
        )
    if status == HTTPStatus.FORBIDDEN:
        return ProxyTrouble(
            fault=ProxyFault.FORBIDS,
            text=_("{who} forbids connections to {target} ({said}).", who=who, target=target, said=said),
        )
    return not_a_proxy(proxy, said)


def not_a_proxy(proxy: Proxy, said: str = "") -> ProxyTrouble:
    """Say that something else than a proxy answers there."""
    text = _(
        "What answers at {address} does not behave as an HTTP proxy ({said}).",
        address=proxy.address,
        said=said or _("no HTTP, or without end"),
    )
    return ProxyTrouble(fault=ProxyFault.NOT_A_PROXY, text=text)


def silence(proxy: Proxy, target: str) -> ProxyTrouble:
    """Say that no answer comes this way; whose fault it is cannot be seen from here."""
    text = _(
        "There is no answer from {target} through the proxy {address} in time.", target=target, address=proxy.address
    )
    return ProxyTrouble(fault=ProxyFault.SILENT, text=text)


def _unauthorised(who: str, offered: Sequence[str], *, tried: bool) -> ProxyTrouble:
    schemes = ", ".join(offered)
    if offered and "basic" not in {scheme.lower() for scheme in offered}:
        return ProxyTrouble(
            fault=ProxyFault.OTHER_SCHEME,
            text=_(
                "{who} asks for sign-in by {schemes}, and this program can give it Basic only.",
                who=who,
                schemes=schemes,
            ),
        )
    if tried:
        return ProxyTrouble(
            fault=ProxyFault.REFUSES_CREDENTIALS, text=_("{who} refuses the user name or password (HTTP 407).", who=who)
        )
    return ProxyTrouble(
        fault=ProxyFault.WANTS_CREDENTIALS, text=_("{who} asks for a user name and password (HTTP 407).", who=who)
    )
