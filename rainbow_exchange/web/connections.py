"""How many may be connected to the local page: the process needs its file descriptors for Exchange and Rainbow.

Anybody on this machine can connect and say nothing. So whoever has been there longest without asking anything is let go
when there are too many; a command or a browser asks at once.
"""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler


class Connections:
    """Those of one server, `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asking: set[object] = set()

    def asking(self) -> Middleware:
        """Give what notes who is being answered, and may not be let go."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._asking.add(request.protocol)
            try:
                return await handler(request)
            finally:
                self._asking.discard(request.protocol)

        return note

    def accept(self, server: web.Server) -> RequestHandler:
        """Take one more; where that is one too many, let another go."""
        there = server.connections
        if len(there) >= self._most:
            idle = (each for each in there if each.connected and each not in self._asking)
            if (longest := next(idle, None)) is not None:
                longest.force_close()
        return server()
