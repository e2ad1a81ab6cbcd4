"""What stands between the lab's Exchange and its clients: a network that fails, a web server that answers instead."""

import asyncio
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.listening import reset
from rainbow_exchange.lab.outage import Outage, Unreachable

#: the one part of the outage
EWS = "ews"


class Reach:
    """Lets requests and answers through as far as they get; the lab's own wire is always there."""

    def __init__(self, outage: Outage, dials: Dials) -> None:
        self._outage = outage
        self._dials = dials

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Meet a request as the outage and the dials say."""
        if request.path.startswith("/lab/"):
            return await handler(request)
        try:
            await self._outage.passed(EWS)
            answer = await handler(request)
            if not answer.prepared:  # a stream has gone its way
                await self._outage.passed(EWS)
        except (Unreachable, ConnectionResetError):  # the latter: whoever asked has gone
            reset(request.transport)
            return web.Response()  # goes nowhere
        if self._dials.cut_answers == "broken" and isinstance(answer, web.Response):
            return await _broken(request, answer)
        return answer


async def _broken(http: web.Request, whole: web.Response) -> web.StreamResponse:
    """Announce all of an answer, send half of it, and break the connection."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    head = whole.headers.copy()
    head["Content-Length"] = str(max(len(body), 1))
    half = web.StreamResponse(status=whole.status, headers=head)
    await half.prepare(http)
    await half.write(body[: len(body) // 2])
    await asyncio.sleep(0)
    reset(http.transport)
    return half


def page_of(status: int, words: str = "") -> web.Response:
    """Build the page by which a web server, or a balancer, refuses in the place of the server behind it."""
    known = status in set(HTTPStatus)
    title = f"{status} {HTTPStatus(status).phrase if known else 'Refused'}"
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{words}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html")
