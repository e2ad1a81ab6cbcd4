"""What is answered to whoever is not let in, is lost or wants too much: a small page for browsers, a line for others.

Nothing of what came is repeated.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.words import _

#: shows a page to whoever asked: the status, and a sentence
Show = Callable[[web.Request, HTTPStatus, str], Awaitable[web.Response]]

_SENTENCES: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: _("The request cannot be understood."),
        HTTPStatus.FORBIDDEN: _("That is not allowed from here."),
        HTTPStatus.NOT_FOUND: _("There is nothing at this address. It may have been there, and be over."),
        HTTPStatus.METHOD_NOT_ALLOWED: _("This address is not for that. Begin at the overview."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _("That is more than the page takes at once. Nothing was done."),
        HTTPStatus.MISDIRECTED_REQUEST: _(
            "The page is not known by this name. Open it as localhost, or as rainbow-exchange web-url prints it; a name"
            " of your own goes into the setting web.allowed_hosts."
        ),
        HTTPStatus.SERVICE_UNAVAILABLE: _("Too much is asked at once. Try again in a moment."),
    }
)


class Refused(RainbowExchangeError):
    """It is not done, and the sentence says why; `retry_after` seconds may help."""

    def __init__(self, status: HTTPStatus, text: str, *, retry_after: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}


def shown(show: Show, allowance: Allowance) -> Middleware:
    """Give what says each refusal as the one who asked can read it; pages are made while `allowance` lasts."""

    @web.middleware
    async def say(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            status, text, headers = refused.status, refused.text, refused.headers
            if not (_is_browser(request) and allowance.take()):
                return web.Response(status=status, text=f"{text}\n", headers=headers)
        except web.HTTPException as error:
            sentence = _SENTENCES.get(error.status)
            if sentence is None or not (_is_browser(request) and allowance.take()):
                raise
            kept = ("Retry-After", "Allow")
            status, text = HTTPStatus(error.status), sentence
            headers = {name: error.headers[name] for name in kept if name in error.headers}
        answer = await show(request, status, text)
        answer.headers.update(headers)
        return answer

    return say


def _is_browser(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/")
