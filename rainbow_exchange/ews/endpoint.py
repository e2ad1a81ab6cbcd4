"""The EWS endpoint as HTTP sees it: what its URL may be, what heads a request, what an answer without SOAP means."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import uuid4

from rainbow_exchange import __version__
from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.types import ConnectingSid
from rainbow_exchange.network.address import names_host
from rainbow_exchange.network.shown import shown
from rainbow_exchange.words import _

USER_AGENT = f"rainbow-exchange/{__version__}"
_USUAL = _("the address of EWS is usually https://<server>/EWS/Exchange.asmx")
#: nobody is sent away for longer than a day, whatever the header says
_MOST_SECONDS = 86_400.0
#: where a redirect leads that has taken EWS for a page: Outlook on the web, and AD FS
_SIGN_IN_PAGES = frozenset({"/owa", "/owa/auth/logon.aspx", "/ecp", "/adfs/ls"})
_QUEUED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def check_url(url: str) -> None:
    """Raise UserError unless credentials may be sent to `url`: https, or http on this very machine."""
    parts = urlsplit(url) if names_host(url) else None
    if parts is None or parts.scheme not in ("http", "https"):
        raise UserError([_("{url!r} is no http(s) URL with the name of a server; {usual}", url=url, usual=_USUAL)])
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise UserError(
            [_("the URL of EWS holds a user name or password; set exchange.username and exchange.password")]
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise UserError(
            [_("the URL of EWS on {host} is http://, which shows the password to the network; use https", host=host)]
        )


def request_headers(impersonate: ConnectingSid | None, anchor: str | None, affinity: Affinity | None) -> dict[str, str]:
    """Return the headers of one request; `affinity` goes before `anchor`, that before who is impersonated."""
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "Accept": "text/xml",
        "User-Agent": USER_AGENT,
        "client-request-id": str(uuid4()),
        "return-client-request-id": "true",
    }
    if anchor is None and impersonate is not None and impersonate.kind == "PrimarySmtpAddress":
        anchor = impersonate.value
    if affinity is not None:
        headers |= affinity.headers()
    elif anchor is not None:
        headers["X-AnchorMailbox"] = anchor
    return headers


def not_ews(host: str) -> EwsConnectionError:
    """Build the error for a page where an envelope was due."""
    return EwsConnectionError("not-ews", _("{host} answered with a web page; {usual}", host=host, usual=_USUAL))


def refusal(
    status: int, header: Callable[[str], str | None], *, host: str, now: Callable[[], datetime]
) -> EwsConnectionError:
    """Build the error for a status that came without a SOAP fault."""
    answered = f"{status} {_phrase(status)}".rstrip()
    detail = _("{host} answered {answered}", host=host, answered=answered)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        target = _led_to(header("Location") or "")
        detail = _("{answered}, to {target}: not followed; {usual}", answered=detail, target=target, usual=_USUAL)
    elif status == HTTPStatus.NOT_FOUND:
        detail = _("{answered}; {usual}", answered=detail, usual=_USUAL)
    retry_after = _seconds(header("Retry-After"), now) if status in _QUEUED else None
    return EwsConnectionError(f"http-{status}", detail, retry_after=retry_after)


def _led_to(location: str) -> str:
    """Say where a redirect leads: the server, and of paths those of sign-in pages, since others may tell anything."""
    if not location:
        return _("nowhere")
    try:
        parts = urlsplit(location)
        server = f"{parts.scheme}://{parts.hostname}" if parts.hostname else ""
    except ValueError:
        return _("what is no address")
    path = parts.path if parts.path.lower().rstrip("/") in _SIGN_IN_PAGES else ""
    return shown(f"{server}{path}") or _("another path")


def is_web_page(data: bytes) -> bool:
    """Whether these first bytes are HTML's."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith((b"<!doctype", b"<html"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _seconds(retry_after: str | None, now: Callable[[], datetime]) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110 §10.2.3); None where it is neither."""
    if retry_after is None:
        return None
    value = retry_after.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _MOST_SECONDS)
    try:
        return min(max((parsedate_to_datetime(value) - now()).total_seconds(), 0.0), _MOST_SECONDS)
    except (ValueError, TypeError, OverflowError):
        return None
