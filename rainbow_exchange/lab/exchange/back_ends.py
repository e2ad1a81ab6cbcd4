"""The mailbox servers behind the front end: where each mailbox lies, and on which a request lands (ews.md §0.6, §3)."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web

from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.mailbox import Directory, Mailbox

_COOKIE = "X-BackEndOverrideCookie"


class BackEnds:
    """One server at first. A fail-over gives its mailboxes to another, a move one of them."""

    def __init__(self, *, name: str, directory: Directory, dials: Dials, now: Callable[[], datetime]) -> None:
        self.name = name
        self._directory = directory
        self._dials = dials
        self._now = now
        self._homes: dict[str, str] = {}
        self._moving: dict[str, datetime] = {}
        self._gone: dict[str, datetime] = {}

    def home(self, mailbox: Mailbox) -> str:
        """Give the name of the server that a mailbox lies on."""
        return self._homes.get(mailbox.address, self.name)

    def move(self, mailbox: Mailbox, server: str, *, takes: float) -> None:
        """Have a mailbox moved to another server; it is closed to everybody for the seconds that this takes."""
        self._homes[mailbox.address] = server
        self._moving[mailbox.address] = self._now() + timedelta(seconds=takes)

    def fail_over(self, server: str, *, refuses: float) -> None:
        """Let another server take over; whoever is led to the old one by its cookie gets 503 for so many seconds."""
        self._gone[self.name] = self._now() + timedelta(seconds=refuses)
        self._gone.pop(server, None)
        self.name = server

    def check_moving(self, mailbox: Mailbox) -> None:
        """Refuse while a mailbox is being moved."""
        until = self._moving.get(mailbox.address)
        if until is None:
            return
        if self._now() < until:
            raise Refused("ErrorMailboxMoveInProgress")
        del self._moving[mailbox.address]

    def landing(self, http: web.Request) -> str | None:
        """Say which server a request is led to: that of its cookie, else the anchor's; None where that one is gone."""
        bound = http.cookies.get(_COOKIE, "").partition("~")[0]
        if _is_affine(http) and bound and not self._dials.affinity_cookies_ignored:
            gone_until = self._gone.get(bound)
            if gone_until is None:
                return bound
            if self._now() < gone_until:
                return None
        anchor = self._directory.by_proxy.get(http.headers.get("X-AnchorMailbox", "").lower())
        return self.home(anchor) if anchor else self.name

    def headers(self, http: web.Request, request_id: str, server: str) -> dict[str, str]:
        """Give the headers by which an answer tells where it came from, and what it calls the request."""
        short = server.partition(".")[0].upper()
        headers = {
            "Cache-Control": "private",
            "Server": "Microsoft-IIS/10.0",
            "request-id": request_id,
            "X-CalculatedBETarget": server,
            "X-DiagInfo": short,
            "X-BEServer": short,
            "X-FEServer": short,
            "X-AspNet-Version": "4.0.30319",
            "X-Powered-By": "ASP.NET",
        }
        asked = http.headers.get("return-client-request-id", "").lower() == "true"
        if asked and "client-request-id" in http.headers:
            headers["client-request-id"] = http.headers["client-request-id"]
        return headers


def set_cookies(http: web.Request, response: web.StreamResponse, server: str) -> None:
    """Set the cookies of a first answer; the one that binds to a back end only where affinity is asked for."""
    secure = "; secure" if http.secure else ""
    if "exchangecookie" not in http.cookies:
        response.headers.add("Set-Cookie", f"exchangecookie={uuid.uuid4().hex}; path=/; HttpOnly")
    if _is_affine(http) and _COOKIE not in http.cookies:
        value = f"{server}~1942062522"
        response.headers.add("Set-Cookie", f"{_COOKIE}={value}; path=/{secure}; HttpOnly")


def _is_affine(http: web.Request) -> bool:
    return http.headers.get("X-PreferServerAffinity", "").lower() == "true"
