"""How the lab's Rainbow is out of reach: it resets connections, is silent, or breaks off in the middle of one call."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.listening import reset
from rainbow_exchange.lab.outage import Outage, Unreachable
from rainbow_exchange.lab.rainbow.dials import BreakWhen, Dials

PARTS = ("rest", "link")
#: what `break_path` names on the link: the resource is about to be bound, a question was sent, an answer has come
ON_THE_LINK = ("xmpp:bind", "xmpp:question", "xmpp:answer")

Handler = Callable[[web.Request], Any]


def _nothing() -> None:
    pass


class RainbowOutage(Outage):
    """What is away, `rest` and `link` each by itself; `on_break` is called for each call broken off by the dials."""

    def __init__(self, dials: Dials) -> None:
        super().__init__(PARTS)
        self._dials = dials
        self.on_break: Callable[[], object] = _nothing

    def breaks(self, path: str, when: BreakWhen = "after") -> bool:
        """Whether this call is to be broken off now, once it was handled or before."""
        dials = self._dials
        if not (dials.break_next and dials.break_path in path and dials.break_when == when):
            return False
        dials.break_next -= 1
        self.on_break()
        return True

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let calls of Rainbow's through as far as they get; the lab's own wire is always there."""
        if request.path != "/websocket" and not request.path.startswith("/api/"):
            return await self._handled(request, handler)
        part = "link" if request.path == "/websocket" else "rest"
        try:
            await self.passed(part)
            self._break(request.path, "before")
            answer = await self._handled(request, handler)
            if part == "rest":
                await asyncio.sleep(self._dials.rest_late_seconds)
                self._break(request.path, "after")
                await self.passed(part)
        except (Unreachable, ConnectionResetError):  # the latter: whoever asked has gone
            reset(request.transport)
            return web.Response()  # goes nowhere
        return answer

    def _break(self, path: str, when: BreakWhen) -> None:
        if self.breaks(path, when):
            raise Unreachable

    @staticmethod
    async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        return answer
