"""What those see who look at the same thing: rendered once for all of them, and not at all while nobody looks.

All of it together takes no more than `SHARE` of the time: what is dear to work out is worked out less often. The bridge
at twenty changes a second takes twenty times as much (`make bench`).
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from rainbow_exchange.web.view import NotFound, View

log = structlog.get_logger()

#: of all time, that working everything out may take
SHARE = 0.0015
#: renders a template
Render = Callable[[str, Mapping[str, Any]], str]


class Watch:
    """The parts of a view, by the values of path and query, in one language.

    `share` gives which part of the time it may take now.
    """

    def __init__(
        self, view: View, values: Mapping[str, str], render: Render, share: Callable[[], float] = lambda: SHARE
    ) -> None:
        self._share = share
        self._view = view
        self._values = values
        self._render = render
        #: part → how often it has changed, and what it is now
        self._parts: dict[str, tuple[int, str]] = {}
        #: what is new of the feed: after which number, up to which, and how it is shown
        self._news = (0, 0, "")
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._readers = 0
        #: which part of the time it would take if it had all that it wants
        self.demand = 0.0
        #: how often it was begun to be worked out, and how often that has ended
        self._begun = self._ended = 0
        #: for which time somebody waits, whatever it brings
        self._awaited = 0
        #: what `another` of the view said last
        self._version = 0
        #: seconds of the processor that it has taken this time
        self._took = 0.0
        #: how often anything has changed
        self.times = 0
        #: whether there is nothing to look at any more; `gone`: since it is not there, and not for a fault or a stop
        self.over = self.gone = False

    def enter(self) -> None:
        """Let one more look; the first sets it going."""
        self._readers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="web:watch")

    def coming(self) -> int:
        """Give the number of the next time that it is worked out: what has been so far may be older than a page is."""
        self._awaited = self._begun + 1
        return self._awaited

    def leave(self) -> bool:
        """Let one look no more; True for the last, with whom it ends."""
        self._readers -= 1
        if self._readers == 0 and self._task is not None:
            self._task.cancel()
        return self._readers == 0

    async def end(self) -> None:
        """Tell all who look that it is over."""
        self.over = True
        await self._tell()

    async def _tell(self) -> None:
        self.times += 1
        async with self._changed:
            self._changed.notify_all()

    async def changed(self, since: int, within: float) -> None:
        """Wait until something has changed `since` it had so often, for so many seconds at most."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: self.times != since)
        except TimeoutError:
            return

    def parts(self, seen: dict[str, int], first: int) -> Iterator[str]:
        """Give the parts that have changed since they were `seen`, and note that they are seen now.

        None before the time `first`, so that a page that was loaded just now is not taken back to what was before it.
        """
        if self._ended < first:
            return
        for part, (times, content) in self._parts.items():
            if seen.get(part) != times:
                seen[part] = times
                yield content

    def news(self, after: int) -> tuple[int, str]:
        """Give what the feed has after that number: up to which number, and how it is shown, "" for nothing."""
        since, number, content = self._news
        if self._view.feed is None or after == number:
            return after, ""
        return (number, content) if after == since else self._look(after)

    async def _run(self) -> None:
        try:
            while True:
                self._took = 0.0
                if await self._anew() or self._ended == self._awaited:
                    await self._tell()
                self.demand = self._took / self._view.every
                await self._pause(self._took / self._share())
        except NotFound:
            self.gone = True
        except Exception:
            log.exception("live_view_failed", view=self._view.path)
        await self.end()

    async def _pause(self, least: float) -> None:
        """Wait until it is time again, `least` seconds at least."""
        rest = max(0.0, self._view.every - least)
        await asyncio.sleep(least)
        if self._view.another is None:
            await asyncio.sleep(rest)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(rest):
                self._version = await self._view.another(self._version)

    async def _anew(self) -> bool:
        """Work everything out anew; return whether anything is another than before."""
        another = False
        self._begun += 1
        with self._taking():
            context = await self._view.context(self._values) if self._view.parts else {}
        for part in self._view.parts:
            times, before = self._parts.get(part, (0, ""))
            with self._taking():
                content = self._render(f"parts/{part}.html", context)
            if content != before:
                self._parts[part] = (times + 1, content)
                another = True
            await asyncio.sleep(0)
        if self._view.feed is not None:
            since = self._news[1]
            with self._taking():
                number, content = self._look(since)
            self._news = (since, number, content)
            another = another or bool(content)
        self._ended = self._begun
        return another

    @contextmanager
    def _taking(self) -> Iterator[None]:
        """Count what this thread does meanwhile; what others do while a context waits, it counts as well."""
        began = time.thread_time()
        yield
        self._took += time.thread_time() - began

    def _look(self, after: int) -> tuple[int, str]:
        feed = self._view.feed
        if feed is None:
            return after, ""
        number, found = feed.news(self._values, after)
        return number, "" if found is None else self._render(f"parts/{feed.part}.html", found)
