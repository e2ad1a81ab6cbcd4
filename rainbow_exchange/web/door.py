"""The door of the local page: whoever comes with a good code gets a session, whoever has one sees the status.

A command gets the code over `/api/sign-in`, with the token. The cookie reaches no script and no other site's requests;
browsers send it to every port of this host, so its name has ours in it.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from rainbow_exchange.web.pages import sign_in_page, status_page
from rainbow_exchange.web.sessions import CODE_LASTS, Sessions

SCHEMA_VERSION = 1
_USED_UP = "This link has let somebody in already, or is older than ten minutes."


def sign_in_path(sessions: Sessions) -> str:
    """Make a path of the page that lets in once."""
    return f"/sign-in?code={sessions.mint()}"


class Door:
    """Serves `/` and `/sign-in` to those whom `sessions` know."""

    def __init__(self, sessions: Sessions, status: Callable[[], Mapping[str, Any]]) -> None:
        self._sessions = sessions
        self._status = status

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Take these paths."""
        router.add_get("/", self.show, allow_head=False)
        router.add_get("/sign-in", self.sign_in, allow_head=False)

    async def mint(self, _wanted: object) -> dict[str, Any]:
        """Make a path that lets in once, for a command that has the token."""
        return {"schema_version": SCHEMA_VERSION, "path": sign_in_path(self._sessions), "seconds": int(CODE_LASTS)}

    async def show(self, request: web.Request) -> web.Response:
        """Show the status, or how to sign in."""
        if not self._sessions.knows(request.cookies.get(_cookie(request), "")):
            return _page(sign_in_page(), HTTPStatus.UNAUTHORIZED)
        return _page(status_page(self._status()))

    async def sign_in(self, request: web.Request) -> web.Response:
        """Let in whoever has a good code, and lead on to the page, so that the code stands in no address there."""
        if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
            return _page(sign_in_page(), HTTPStatus.SERVICE_UNAVAILABLE)  # a browser's guess must not use it up
        session = self._sessions.redeem(request.query.get("code", ""))
        if session is None:
            crowded = self._sessions.too_many_refused()
            return _page(sign_in_page(_USED_UP), HTTPStatus.TOO_MANY_REQUESTS if crowded else HTTPStatus.FORBIDDEN)
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        answer.set_cookie(_cookie(request), session, httponly=True, samesite="Strict", path="/")
        return answer


def _cookie(request: web.Request) -> str:
    """Name the cookie after the port that is listened on: another connector on this machine has another one."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return f"rainbow-exchange-{name[1]}" if name else "rainbow-exchange"


def _page(content: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return web.Response(body=content, status=status, content_type="text/html", charset="utf-8", headers=headers)
