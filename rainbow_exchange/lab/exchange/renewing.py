"""Another certificate while the lab's Exchange runs, over the lab's own wire below /lab/."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from rainbow_exchange.lab.exchange.controls import plainly


class Renewing:
    """The handler: `show` takes the kind of certificate for new connections, `bind` lets sign-ins be bound to it."""

    def __init__(self, *, show: Callable[[str], None], bind: Callable[[], Awaitable[None]]) -> None:
        self._show = show
        self._bind = bind

    def add_to(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_put("/lab/certificate", plainly(self._shown))

    async def _shown(self, http: web.Request) -> web.Response:
        wanted = await http.json()
        self._show(str(wanted.get("kind")))
        await self._bind()
        return web.json_response({})
