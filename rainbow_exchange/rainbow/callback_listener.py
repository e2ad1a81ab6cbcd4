"""A web server of its own for Rainbow's callbacks, made for an address that anybody on the internet may know.

Nothing of a request is repeated in an answer. Requests are bounded in size, in the time that they take to arrive, and
connections in number.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from aiohttp import hdrs, web

from rainbow_exchange.network.caller import Caller, bare

#: Takes a whole body; returns the status of the answer. Must not block or raise.
Taker = Callable[[bytes], int]
#: Tells who takes what is sent to a path (as it stands in the request, without a query); None for nobody.
Find = Callable[[str], Taker | None]

#: seconds for a request's body, and between two requests
BODY_LIMIT = 10.0
IDLE_LIMIT = 75.0
MAX_CONNECTIONS = 256
_MAX_LINE = 2048
_MAX_HEADER = 4096
_LINGER = 1.0
_CLOSE_LIMIT = 1.0
_RETRY_AFTER = "10"
_CHUNK = 16_384
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


class CallbackListener:
    """Listens on `host` and `port` once started; bodies of at most `max_body` bytes go to whom `find` names."""

    def __init__(self, *, host: str, port: int, find: Find, max_body: int) -> None:
        self._host = host
        self._port = port
        self._find = find
        self._max_body = max_body
        self._manager: web.Server | None = None
        self._server: asyncio.Server | None = None
        #: requests by status of their answer that reached nobody
        self.refused: dict[int, int] = {}

    @property
    def port(self) -> int:
        """The port that it listens on; the one that it was told while it does not."""
        sockets = self._server.sockets if self._server is not None else ()
        return int(sockets[0].getsockname()[1]) if sockets else self._port

    async def start(self) -> None:
        """Listen, if it does not yet. Raises OSError where the port cannot be had."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._manager = manager = web.Server(self._serve)
        self._server = await loop.create_server(
            lambda: _protocol(manager, loop), self._host, self._port, start_serving=False
        )
        await self._server.start_serving()  # cancelled here, it is there to be closed

    async def stop(self) -> None:
        """Listen no more; requests under way have a second."""
        if self._server is not None and self._manager is not None:
            self._server.close()
            self._manager.pre_shutdown()
            await self._manager.shutdown(_CLOSE_LIMIT)
            self._server = self._manager = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        cast("Caller", request.protocol).has_asked()
        try:
            taker = self._taker(request)
            return _answer(taker(await self._body(request)))
        except _Refused as refused:
            self.refused[refused.status] = self.refused.get(refused.status, 0) + 1
            answer = _answer(refused.status, **refused.headers)
            answer.force_close()  # its body was not read
            return answer

    def _taker(self, request: web.BaseRequest) -> Taker:
        """Who takes this request, as far as its head tells."""
        taker = self._find(request.rel_url.raw_path)
        if taker is None:
            raise _Refused(web.HTTPNotFound.status_code)
        if request.method != hdrs.METH_POST:
            raise _Refused(web.HTTPMethodNotAllowed.status_code, Allow=hdrs.METH_POST)
        if "json" not in request.content_type or request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
            raise _Refused(web.HTTPUnsupportedMediaType.status_code)
        if (request.content_length or 0) > self._max_body:
            raise _Refused(web.HTTPRequestEntityTooLarge.status_code)
        return taker

    async def _body(self, request: web.BaseRequest) -> bytes:
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(_GO_ON)  # whoever waits for it need not send its body before (RFC 9110, 10.1.1)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_LIMIT):
                async for chunk in request.content.iter_chunked(_CHUNK):
                    body += chunk
                    if len(body) > self._max_body:
                        raise _Refused(web.HTTPRequestEntityTooLarge.status_code)
        except TimeoutError:
            raise _Refused(web.HTTPRequestTimeout.status_code) from None
        except ConnectionError:  # whoever asked has gone, and aiohttp would log that as an error of ours
            raise _Refused(web.HTTPBadRequest.status_code) from None
        return bytes(body)


def _answer(status: int, **headers: str) -> web.Response:
    if status == web.HTTPServiceUnavailable.status_code:
        headers["Retry-After"] = _RETRY_AFTER
    return bare(status, **headers)


class _Full(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


def _protocol(manager: web.Server, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
    if len(manager.connections) >= MAX_CONNECTIONS:
        return _Full()
    return Caller(
        manager,
        loop=loop,
        keepalive_timeout=IDLE_LIMIT,
        access_log=None,  # type: ignore[arg-type]  # aiohttp's way to have none
        max_line_size=_MAX_LINE,
        max_field_size=_MAX_HEADER,
        lingering_time=_LINGER,
        auto_decompress=False,
    )
