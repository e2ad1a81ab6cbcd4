"""The door of the local page: whoever comes with a good code gets a session, and may end it again.

A command gets the code over `/api/sign-in`, with the token. A link with a code lets in at once whoever opens it in a
browser, which says so (Fetch Metadata); a program that looks at links before people do, or a link on another site, gets
a page with a button, and uses nothing up. The cookie reaches no script and no other site's requests; browsers send it
to every port of this host, so its name has ours in it.
"""

import time
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from rainbow_exchange.web.forms import Crowd, fields
from rainbow_exchange.web.guard import Guard, cookie, cookie_name, demand_ours, own_path
from rainbow_exchange.web.pages import signing_in
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.refusals import Refused
from rainbow_exchange.web.sessions import CODE_LASTS, Sessions
from rainbow_exchange.words import _

log = structlog.get_logger()

SCHEMA_VERSION = 1
#: seconds between two lines that say that somebody tries codes out
_SAID_EVERY = 60.0
#: forms of whoever has not signed in that are read at a time
_FORMS = 16
_USED_UP = _("This code has let somebody in already, is older than ten minutes, or was not copied whole.")
_TOO_MANY = _("Too many codes were wrong. A good one lets in all the same.")
_OPENED = {"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none", "same-origin"}}


def sign_in_path(sessions: Sessions) -> str:
    """Make a path of the page that lets in once."""
    return f"/sign-in?code={sessions.mint()}"


class Door:
    """Serves `/sign-in` and `/sign-out`, and makes codes for those who have the token."""

    def __init__(self, sessions: Sessions, guard: Guard) -> None:
        self._sessions = sessions
        self._guard = guard
        self._said = Allowance(1, 1 / _SAID_EVERY, time.monotonic)
        self._crowd = Crowd(_FORMS)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Take these paths."""
        router.add_get("/sign-in", self.show, allow_head=False)
        router.add_post("/sign-in", self.sign_in)
        router.add_post("/sign-out", self._guard.changed(self.sign_out))

    async def mint(self, _wanted: object) -> dict[str, Any]:
        """Make a path that lets in once, for a command that has the token."""
        return {"schema_version": SCHEMA_VERSION, "path": sign_in_path(self._sessions), "seconds": int(CODE_LASTS)}

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Let in whoever opens a link with a good code, and show everybody else where to give one."""
        code = request.query.get("code", "")
        if not code:
            return await signing_in(HTTPStatus.OK)(request)
        is_opened = all(request.headers.get(name) in wanted for name, wanted in _OPENED.items())
        if not is_opened or "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
            self._demand_not_too_much(request)
            return await signing_in(HTTPStatus.OK, code=code)(request)
        return await self._let_in(request, code, "/", by_tls=request.secure)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Let in whoever gives a good code by the page's form; a whole link may be pasted."""
        demand_ours(request)
        form = await fields(request, self._crowd)
        code = form.get("code", "").strip().rpartition("code=")[2]
        # Behind a reverse proxy only the browser knows that it comes by TLS.
        by_tls = request.headers.get("Origin", "").startswith("https:")
        return await self._let_in(request, code, own_path(form.get("to", "/")), by_tls=by_tls)

    async def sign_out(self, request: web.Request, _form: object) -> web.StreamResponse:
        """End the session."""
        self._sessions.end(cookie(request))
        log.info("page_signed_out", by=request.remote)
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/sign-in"})
        for by_tls in (False, True):
            answer.del_cookie(cookie_name(request, by_tls=by_tls), path="/", secure=by_tls, httponly=True)
        return answer

    async def _let_in(self, request: web.Request, code: str, to: str, *, by_tls: bool) -> web.StreamResponse:
        session = self._sessions.redeem(code)
        if session is None:
            self._demand_not_too_much(request)
            return await signing_in(HTTPStatus.FORBIDDEN, _USED_UP)(request)
        log.info("page_signed_in", by=request.remote)
        self._sessions.end(cookie(request))  # whoever signs in again has one session, the new one
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": to})
        name = cookie_name(request, by_tls=by_tls)
        answer.set_cookie(name, session, httponly=True, samesite="Strict", secure=by_tls, path="/")
        return answer

    def _demand_not_too_much(self, request: web.Request) -> None:
        if self._sessions.too_many_refused() or not self._sessions.strangers.take():
            if self._said.take():
                log.warning("page_codes_tried_out", by=request.remote)
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY, retry_after=60)
