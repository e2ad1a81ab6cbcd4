"""One connection to a web server of ours.

aiohttp's own may wait for ever with its first head, and repeats in its answer what it read where that is no HTTP.
"""

import asyncio

from aiohttp import hdrs, web

#: seconds for a request's head on a new connection
HEAD_LIMIT = 10.0


def bare(status: int, **headers: str) -> web.Response:
    """Give an answer that says nothing but its status."""
    return web.Response(status=status, headers={hdrs.SERVER: "rainbow-exchange", **headers})


class Caller(web.RequestHandler):
    """Ends where no first head comes in time; what is none is answered by a status alone."""

    __slots__ = ("_waited_for",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._waited_for = asyncio.get_running_loop().call_later(HEAD_LIMIT, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no more."""
        self._waited_for.cancel()
        super().connection_lost(exc)

    def has_asked(self) -> None:
        """Note that its first head has come."""
        self._waited_for.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what cannot be served."""
        if status == web.HTTPInternalServerError.status_code:
            return super().handle_error(request, status, exc, message)  # a bug of ours, which it logs
        if request.writer.output_size > 0:
            raise ConnectionError
        answer = bare(status)
        answer.force_close()
        return answer
