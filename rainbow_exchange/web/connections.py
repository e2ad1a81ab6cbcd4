"""How many may be connected to the local page: the process needs its file descriptors for Exchange and Rainbow.

Anybody on this machine can connect and say nothing. So whoever has been there longest without asking anything is let go
when there are too many; a command or a browser asks at once.
"""

import asyncio
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from rainbow_exchange.network.caller import Caller

_KEEPALIVE_SECONDS = 15.0
#: for what still comes of a body that was refused, so that the browser reads why
_LINGERING_SECONDS = 1.0


class Connections:
    """Those of one server, `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asking: set[object] = set()

    def asking(self) -> Middleware:
        """Give what notes who is being answered, and may not be let go."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            cast("Caller", request.protocol).has_asked()
            self._asking.add(request.protocol)
            try:
                return await handler(request)
            finally:
                self._asking.discard(request.protocol)

        return note

    def accept(self, server: web.Server) -> Caller:
        """Take one more; where that is one too many, let another go."""
        there = server.connections
        if len(there) >= self._most:
            idle = (each for each in there if each.connected and each not in self._asking)
            if (longest := next(idle, None)) is not None:
                _let_go(longest)
        return Caller(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to have none
            auto_decompress=False,
        )


def _let_go(longest: web.RequestHandler) -> None:
    transport = longest.transport
    longest.force_close()
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()  # it does not read what it was answered, and would be there for as long
