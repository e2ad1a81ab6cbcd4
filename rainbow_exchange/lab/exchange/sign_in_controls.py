"""The part of the lab's own wire that concerns signing in: who tried, and forgetting who succeeded."""

from aiohttp import web

from rainbow_exchange.lab.exchange.attempts import Attempts
from rainbow_exchange.lab.exchange.controls import plainly
from rainbow_exchange.lab.exchange.sign_in import SignIn
from rainbow_exchange.lab.exchange.tokens import Tokens


class SignInControls:
    """The handlers of /lab/attempts, /lab/connections and /lab/tokens."""

    def __init__(self, *, sign_in: SignIn, tokens: Tokens, attempts: Attempts) -> None:
        self._sign_in = sign_in
        self._tokens = tokens
        self._attempts = attempts

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for method, path, work in (
            ("GET", "/lab/attempts", self._shown),
            ("DELETE", "/lab/attempts", self._cleared),
            ("DELETE", "/lab/connections", self._recycled),
            ("DELETE", "/lab/tokens", self._forgotten),
        ):
            app.router.add_route(method, path, plainly(work))

    async def _shown(self, http: web.Request) -> web.Response:
        asked = http.query
        found = self._attempts.read(
            since=int(asked.get("since", "0")), account=asked.get("account", ""), outcome=asked.get("outcome", "")
        )
        return web.json_response(found)

    async def _cleared(self, _: web.Request) -> web.Response:
        self._attempts.clear()
        return web.json_response({})

    async def _recycled(self, _: web.Request) -> web.Response:
        return web.json_response({"forgotten": self._sign_in.forget()})

    async def _forgotten(self, _: web.Request) -> web.Response:
        return web.json_response({"forgotten": self._tokens.forget()})
