"""Who may see and change something on the local page: whoever has signed in, and only by a form of the page itself.

Of a request it is the browser that says where it began: `Origin` (RFC 6454) and Fetch Metadata's `Sec-Fetch-Site`
(https://www.w3.org/TR/fetch-metadata/). A page's script cannot forge either.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import Markup

from rainbow_exchange.web import csrf
from rainbow_exchange.web.forms import fields
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.refusals import Refused
from rainbow_exchange.web.sessions import Session, Sessions
from rainbow_exchange.words import _

#: gets the request of somebody who has signed in, and the fields of the form
Work = Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]
FIELD = "csrf"
_TOO_MUCH = _("Too much is asked at once. Try again in a moment.")
#: a path of the page: what a browser takes for the address of another host begins otherwise, or is full of tabs
_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


class Guard:
    """Knows who has signed in; `sign_in` answers whoever has not."""

    def __init__(self, sessions: Sessions, sign_in: Handler) -> None:
        self._sessions = sessions
        self._sign_in = sign_in

    def seen(self, handler: Handler) -> Handler:
        """Let whoever has signed in see something."""

        async def check(request: web.Request) -> web.StreamResponse:
            if self._signed_in(request) is None:
                return await self._sign_in(request)
            return await handler(request)

        return check

    def changed(self, work: Work) -> Handler:
        """Let whoever has signed in change something, by a form of ours."""

        async def check(request: web.Request) -> web.StreamResponse:
            demand_ours(request)
            session = self._signed_in(request)
            if session is None:
                return await self._sign_in(request)
            _take(session.changes)
            form = dict(await fields(request))
            if not csrf.matches(form.pop(FIELD, ""), csrf.token(cookie(request))):
                raise Refused(
                    HTTPStatus.FORBIDDEN, _("This form is too old, or not of this page. Load the page again.")
                )
            return await work(request, form)

        return check

    def knows(self, request: web.Request) -> bool:
        """Whether whoever asked this is signed in still; whoever looks on is not idle."""
        return self._sessions.knows(cookie(request))

    @staticmethod
    def field(request: web.Request) -> Callable[[], Markup]:
        """Give what gives the field that a form must have, the same all over one answer."""
        value = csrf.masked(csrf.token(cookie(request)))
        field = Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, value)
        return lambda: field

    def _signed_in(self, request: web.Request) -> Session | None:
        session = self._sessions.find(cookie(request))
        _take(self._sessions.strangers if session is None else session.looks)
        return session


class Anybody:
    """Lets anybody on this machine see and change something; only by a form of ours, and not too often."""

    def __init__(self, looks: Allowance, changes: Allowance) -> None:
        self._looks = looks
        self._changes = changes

    def seen(self, handler: Handler) -> Handler:
        """Let anybody see something."""

        async def check(request: web.Request) -> web.StreamResponse:
            _take(self._looks)
            return await handler(request)

        return check

    def changed(self, work: Work) -> Handler:
        """Let anybody change something, by a form of ours."""

        async def check(request: web.Request) -> web.StreamResponse:
            demand_ours(request)
            _take(self._changes)
            return await work(request, await fields(request))

        return check

    @staticmethod
    def knows(_request: web.Request) -> bool:
        """Nobody has signed in, so nobody is signed out."""
        return True

    @staticmethod
    def field(_request: web.Request) -> Callable[[], Markup]:
        """Give what gives no field: the browser says itself whose form it is."""
        return Markup


def _take(allowance: Allowance) -> None:
    if not allowance.take():
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MUCH, retry_after=5)


def demand_ours(request: web.Request) -> None:
    """Refuse what was not sent by a page of ours. Raises Refused.

    "null", which a browser sends for a sandboxed or local page or after a redirect from elsewhere, is none of ours.
    """
    origin, host = ",".join(request.headers.getall("Origin", ())), request.headers.get("Host", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        parts = urlsplit("")
    schemes = {"https"} if request.secure else {"http", "https"}  # a reverse proxy may have taken TLS off
    is_ours = parts.scheme in schemes and origin.lower() == f"{parts.scheme}://{host}".lower()
    if not is_ours or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise Refused(HTTPStatus.FORBIDDEN, _("This form is of another site. Nothing was done."))


def own_path(text: str) -> str:
    """Give a path of the page to go on to, "/" where this is none."""
    return text if _PATH.fullmatch(text) else "/"


def cookie_name(request: web.Request, *, by_tls: bool) -> str:
    """Name the cookie after the port that is listened on: another connector on this machine has another one.

    A browser takes one that begins with `__Host-` by TLS alone, and from no other host (RFC 6265bis, section 4.1.3.2).
    """
    name = request.transport.get_extra_info("sockname") if request.transport else None
    plain = f"rainbow-exchange-{name[1]}" if name else "rainbow-exchange"
    return f"__Host-{plain}" if by_tls else plain


def cookie(request: web.Request) -> str:
    """Give what the browser has of us."""
    found = request.cookies.get(cookie_name(request, by_tls=True), "")
    return found or ("" if request.secure else request.cookies.get(cookie_name(request, by_tls=False), ""))


def page(content: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Give a page as it is sent: compressed, since it has all that it needs in it."""
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    answer = web.Response(text=content, status=status, content_type="text/html", headers=headers)
    answer.enable_compression()
    return answer
