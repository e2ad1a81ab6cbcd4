"""Forms as they come: fields of bounded number and length, read within bounded time; no files."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from rainbow_exchange.web.refusals import Refused
from rainbow_exchange.words import _

MAX_FIELDS = 100
_SECONDS = 10.0
_KIND = "application/x-www-form-urlencoded"


class Crowd:
    """Those who send a form and are not known: so `most` at a time, and for the next the one longest at it is let go.

    Otherwise whoever sends slowly would take the places of all who ask.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limits: dict[asyncio.Timeout, None] = {}

    @contextmanager
    def among(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Be one of them."""
        if len(self._limits) >= self._most:
            longest = next(iter(self._limits))
            del self._limits[longest]
            if not longest.expired():
                longest.reschedule(0)
        self._limits[limit] = None
        try:
            yield
        finally:
            self._limits.pop(limit, None)


async def fields(request: web.Request, crowd: Crowd | None = None) -> Mapping[str, str]:
    """Read the fields of a form; of several of one name the last counts. Raises Refused."""
    if request.content_type != _KIND or request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _("This is no form of the page."))
    try:
        async with asyncio.timeout(_SECONDS) as limit:
            with crowd.among(limit) if crowd else nullcontext():
                body = await request.read()
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, _("The form did not come to its end in time.")) from None
    except ConnectionResetError as error:  # whoever sent it has gone, and aiohttp would log that as an error of ours
        raise web.HTTPBadRequest from error
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:  # of which is UnicodeDecodeError
        raise Refused(HTTPStatus.BAD_REQUEST, _("The form cannot be read, or has too many fields.")) from None
    return dict(pairs)
