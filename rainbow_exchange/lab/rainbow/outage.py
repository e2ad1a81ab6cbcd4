"""How the lab's Rainbow is out of reach: it resets connections, is silent, or breaks off in the middle of one call."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.dial_values import check_choice
from rainbow_exchange.lab.rainbow.dials import BreakWhen, Dials

PARTS = ("rest", "link")
HOWS = ("", "reset", "silent")
#: what `break_path` names on the link: the resource is about to be bound, a question was sent, an answer has come
ON_THE_LINK = ("xmpp:bind", "xmpp:question", "xmpp:answer")

Handler = Callable[[web.Request], Any]


class Unreachable(Exception):
    """What was asked for is to be met with a reset."""


def _nothing() -> None:
    pass


class Outage:
    """What is away, `rest` and `link` each by itself.

    A part that is silent takes connections, requests and frames, goes on with them once it is back, and says nothing in
    the meantime, as a process does that is held. `cut` is to break the links there are. `on_break` is called for each
    call that is broken off by the dials.
    """

    def __init__(self, dials: Dials) -> None:
        self._dials = dials
        self._how = dict.fromkeys(PARTS, "")
        self._turned = asyncio.Event()
        self.cut: Callable[[], object] = _nothing
        self.on_break: Callable[[], object] = _nothing

    def set(self, away: Mapping[str, Any]) -> None:
        """Say how each part is away ("": it is there). Raise BadDial."""
        for part, how in away.items():
            check_choice("away", part, PARTS)
            check_choice(part, str(how), HOWS)
        self._how |= away
        if self._how["link"] == "reset":
            self.cut()
        self._turned.set()
        self._turned = asyncio.Event()

    def as_json(self) -> dict[str, str]:
        """How each part is away."""
        return dict(self._how)

    async def passed(self, part: str) -> None:
        """Return once a part is there. Raise Unreachable while it resets."""
        while self._how[part] == "silent":
            await self._turned.wait()
        if self._how[part] == "reset":
            raise Unreachable

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
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # goes nowhere
        return answer

    def _break(self, path: str, when: BreakWhen) -> None:
        if self.breaks(path, when):
            raise Unreachable

    @staticmethod
    async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        return answer
