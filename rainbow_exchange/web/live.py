"""Live updates: what changed in a view while it is open is sent to the browser, to so many at a time and no more.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). The data of a `part` is the HTML of
one element, which takes the place of the one with its id; that of `more` is one, whose children come before those of
the element with its id, and its id is the number to go on after. `gone` says that the view is there no more. Nothing is
kept for whoever reads slowly: there is one present state of each part, and of a feed what is left out is counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from rainbow_exchange.web.view import View
from rainbow_exchange.web.watch import SHARE, Render, Watch

#: streams at a time, in all and of one who has signed in
MOST, MOST_OF_ONE = 8, 4
#: seconds after which one that was refused may come again
AGAIN_AFTER = 30
#: seconds between two signs of life, and between two looks whether the browser is there and still signed in
HEARTBEAT, LOOK_EVERY = 15.0, 2.0
#: seconds that a browser may take until it has read what was sent
_WRITE_WITHIN = 10.0
#: where a form's field goes that is each reader's own; text of a page is escaped and never looks like it
FIELD = "<!--field-->"
#: of the number that a browser gives back
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: whose stream it is, what stands for FIELD, and whether he is signed in still."""

    name: str = field(repr=False)
    field: str = field(repr=False)
    signed_in: Callable[[], bool]


class Live:
    """All streams of one server, which may take `share` of the time together."""

    def __init__(self, share: float = SHARE) -> None:
        self._of_all = share
        self._watches: dict[tuple[object, ...], Watch] = {}
        self._streams: list[tuple[web.Request, str]] = []
        self._ending = False

    async def end(self, _app: web.Application | None = None) -> None:
        """Have all streams end, and let none begin: the server stops."""
        self._ending = True
        for watch in list(self._watches.values()):
            await watch.end()

    def readers(self) -> Counter[str]:
        """Count the streams of each that looks; whoever has left just now does not look any more."""
        return Counter(name for request, name in self._streams if not _has_left(request))

    async def show(
        self,
        request: web.Request,
        view: View,
        values: Mapping[str, str],
        language: str,
        *,
        render: Render,
        reader: Reader,
    ) -> web.StreamResponse:
        """Send what changes in a view, until the browser leaves or is signed in no more.

        `render` makes HTML in the `language`, alike for all.
        """
        readers = self.readers()
        if self._ending or readers.total() >= MOST or readers[reader.name] >= MOST_OF_ONE:
            # no page: nothing is worked out for whoever is refused
            return web.Response(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                headers={"Retry-After": str(AGAIN_AFTER)},
                text="too many pages are open for live updates\n",
            )
        known = {name: value for name, value in values.items() if name != "after"}
        after = _number(request.headers.get("Last-Event-ID") or values.get("after", ""))
        with self._reading(request, reader.name), self._watching(view, known, language, render) as watch:
            answer = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
            answer.force_close()
            with suppress(ConnectionResetError):  # the browser has left
                await self._send(answer, request, watch, after, reader)
            return answer

    async def _send(
        self, answer: web.StreamResponse, request: web.Request, watch: Watch, after: int, reader: Reader
    ) -> None:
        loop = asyncio.get_running_loop()
        seen: dict[str, int] = {}
        first = watch.coming()
        silent_since = float("-inf")
        await answer.prepare(request)
        while not (self._ending or watch.over or _has_left(request)) and reader.signed_in():
            times = watch.times
            events = [_event("part", content) for content in watch.parts(seen, first)]
            after, news = watch.news(after)
            if news:
                events.append(_event("more", news, number=after))
            if not events and loop.time() - silent_since >= HEARTBEAT:
                events.append(":\n\n")
            if events:
                silent_since = loop.time()
                await _write(answer, request, "".join(events).replace(FIELD, reader.field))
            await watch.changed(times, LOOK_EVERY)
        if watch.gone:
            await _write(answer, request, "event: gone\ndata:\n\n")

    def _share(self) -> float:
        """Give which part of the time each may take that wants more than the others leave."""
        return fair_share([watch.demand for watch in self._watches.values()], self._of_all)

    @contextmanager
    def _reading(self, request: web.Request, name: str) -> Iterator[None]:
        mine = (request, name)
        self._streams.append(mine)
        try:
            yield
        finally:
            self._streams = [each for each in self._streams if each is not mine]

    @contextmanager
    def _watching(self, view: View, values: Mapping[str, str], language: str, render: Render) -> Iterator[Watch]:
        key: tuple[Any, ...] = (view.path, frozenset(values.items()), language)
        watch = self._watches.get(key)
        if watch is None or watch.over:
            watch = self._watches[key] = Watch(view, values, render, self._share)
        watch.enter()
        try:
            yield watch
        finally:
            if watch.leave() and self._watches.get(key) is watch:
                del self._watches[key]


def fair_share(demands: Iterable[float], of_all: float = SHARE) -> float:
    """Give what each may have of it at most: who wants less has it, the others alike what that leaves."""
    left, wanted = of_all, sorted(demands)
    for number, demand in enumerate(wanted):
        fair = left / (len(wanted) - number)
        if demand > fair:
            return fair
        left -= demand
    return of_all


async def _write(answer: web.StreamResponse, request: web.Request, text: str) -> None:
    """Send; whoever does not read it in time is let go."""
    try:
        async with asyncio.timeout(_WRITE_WITHIN):
            await answer.write(text.encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _event(name: str, content: str, *, number: int | None = None) -> str:
    first = f"event: {name}\n" if number is None else f"event: {name}\nid: {number}\n"
    return first + "".join(f"data: {line}\n" for line in content.splitlines()) + "\n"


def _number(text: str) -> int:
    """Read a number that a browser gives back; one of another process, or none, is the beginning."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
