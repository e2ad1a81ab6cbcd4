"""What is open is kept up to date, for so many and no more, and nobody who reads slowly holds anybody else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from rainbow_exchange.web import live as module
from rainbow_exchange.web.app import serve
from rainbow_exchange.web.live import FIELD, Live, Reader, fair_share
from rainbow_exchange.web.security import HOSTS
from rainbow_exchange.web.view import Feed, NotFound, View
from tests.house import until


class Page:
    """A server with one view, whose part and feed a test sets; `?who=` says which session it is."""

    def __init__(self) -> None:
        self.content = "one"
        self.feed: list[str] = []
        self.contexts = self.rendered = 0
        self.signed_in = True
        self.takes = 0.0
        self.fault: Exception | None = None
        self.live = Live(share=1.0)  # a pause of the collector of garbage is no reason to be worked out less often
        self.view = View(
            path="/{name}",
            template="",
            context=self.context,
            parts=("part",),
            feed=Feed(part="list", news=self.news),
            every=0.05,
        )

    async def context(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        self.contexts += 1
        began = time.thread_time()
        while time.thread_time() - began < self.takes:
            pass
        if self.fault:
            raise self.fault
        return {"content": f"{values['name']}: {self.content}"}

    def news(self, _values: Mapping[str, str], after: int) -> tuple[int, Mapping[str, Any] | None]:
        return len(self.feed), {"content": ",".join(self.feed[after:])} if len(self.feed) > after else None

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        self.rendered += 1
        return f'<p id="{template}">\n{context["content"]} {FIELD}</p>'

    async def show(self, request: web.Request) -> web.StreamResponse:
        who = request.query.get("who", "ada")
        values = {"name": request.match_info["name"]} | {
            name: value for name, value in request.query.items() if name != "who"
        }
        reader = Reader(who, f"field of {who}", lambda: self.signed_in)
        return await self.live.show(request, self.view, values, "en", render=self.render, reader=reader)

    def app(self) -> web.Application:
        app = web.Application()
        app[HOSTS] = frozenset()
        app.router.add_get("/{name}", self.show)
        app.on_shutdown.append(self.live.end)
        return app


Stream = Callable[..., Any]


@pytest.fixture
async def page() -> Page:
    return Page()


@pytest.fixture
async def browser(page: Page) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        serve(page.app(), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as client,
    ):
        yield client


async def sign(stream: aiohttp.ClientResponse) -> str:
    """Read the next event, or sign of life."""
    async with asyncio.timeout(60):
        return (await stream.content.readuntil(b"\n\n")).decode().removesuffix("\n\n")


async def event(stream: aiohttp.ClientResponse) -> str:
    """Read the next event."""
    while (said := await sign(stream)) == ":":
        pass
    return said


async def ended(stream: aiohttp.ClientResponse) -> None:
    async with asyncio.timeout(60):
        await stream.content.read()


def part(content: str, who: str = "ada") -> str:
    return f'event: part\ndata: <p id="parts/part.html">\ndata: {content} field of {who}</p>'


def more(content: str, number: int, who: str = "ada") -> str:
    return f'event: more\nid: {number}\ndata: <p id="parts/list.html">\ndata: {content} field of {who}</p>'


async def test_whoever_comes_later_is_sent_nothing_older_than_the_page(
    page: Page, browser: aiohttp.ClientSession
) -> None:
    page.view = replace(page.view, every=1.0)
    async with browser.get("/x") as first:
        assert await event(first) == part("x: one")
        page.content = "two"  # what a page shows that is loaded now
        async with browser.get("/x") as second:
            assert await event(second) == part("x: two")


async def test_what_changes_is_sent_and_nothing_else(page: Page, browser: aiohttp.ClientSession) -> None:
    async with browser.get("/x") as stream:
        assert (stream.status, stream.content_type) == (200, "text/event-stream")
        assert await sign(stream) == ":"
        assert await event(stream) == part("x: one")
        rounds = page.contexts
        await until(lambda: page.contexts >= rounds + 3, within=60, step=0.01)
        page.content = "two"
        assert await event(stream) == part("x: two")


async def test_it_is_worked_out_once_for_all_who_look_and_not_at_all_while_nobody_does(
    page: Page, browser: aiohttp.ClientSession
) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(browser.get("/x", params={"who": who})) for who in ("ada", "bob")]
        for who, stream in zip(("ada", "bob"), streams, strict=True):
            assert await event(stream) == part("x: one", who)
        page.content = "two"
        before = page.rendered
        assert [await event(stream) for stream in streams] == [part("x: two", "ada"), part("x: two", "bob")]
        assert page.rendered - before <= page.contexts
        assert len(page.live._watches) == 1
        async with browser.get("/y") as other:
            assert await event(other) == part("y: two")
            assert len(page.live._watches) == 2
    await until(lambda: not page.live._watches, within=60, step=0.02)
    rounds = page.contexts
    await asyncio.sleep(0.2)
    assert page.contexts == rounds
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "web:watch"]


@pytest.mark.parametrize(
    ("demands", "share"),
    [
        ([], 0.0015),
        ([0.9], 0.0015),
        ([0.0003, 0.0003, 0.0003], 0.0015),
        ([0.9, 0.9], 0.00075),
        ([0.9, 0.0003, 0.9], 0.0006),
        ([0.0003, 0.0005, 0.9], 0.0007),
    ],
)
def test_whoever_wants_little_has_it_and_the_others_share_the_rest(demands: list[float], share: float) -> None:
    assert fair_share(demands) == pytest.approx(share)


async def test_a_view_that_is_dear_is_worked_out_less_often(page: Page, browser: aiohttp.ClientSession) -> None:
    page.live, page.takes = Live(), 0.03
    async with browser.get("/x") as stream:
        assert "event: part" in await event(stream)
        rounds = page.contexts
        await asyncio.sleep(0.7)
        assert page.contexts == rounds  # one and a half milliseconds each second at most: not before 20 s


async def test_a_feed_goes_on_where_the_browser_was(page: Page, browser: aiohttp.ClientSession) -> None:
    page.feed = ["a", "b"]
    async with browser.get("/x", params={"after": "1"}) as stream:
        assert more("b", 2) in [await event(stream) for _ in range(2)]
        page.feed += ["c", "d"]
        assert await event(stream) == more("c,d", 4)
    page.feed += ["e"]
    async with browser.get("/x", headers={"Last-Event-ID": "4"}) as stream:
        assert more("e", 5) in [await event(stream) for _ in range(2)]
    async with browser.get("/x", params={"after": "99"}) as stream:  # of the process before
        assert await event(stream) == part("x: one")
        page.feed += ["f"]
        assert await event(stream) == more("f", 6)
    for nonsense in ("", "-1", "x", "9" * 50):
        async with browser.get("/x", params={"after": nonsense}) as stream:
            assert more("a,b,c,d,e,f", 6) in [await event(stream) for _ in range(2)]


async def test_more_than_four_of_one_and_eight_in_all_are_refused(browser: aiohttp.ClientSession) -> None:
    async with AsyncExitStack() as stack:
        for who in ("ada", "bob"):
            for number in range(5):
                stream = await stack.enter_async_context(browser.get("/x", params={"who": who}))
                assert stream.status == (200 if number < 4 else 503)
        assert stream.headers["Retry-After"] == "30"
        refused = await stack.enter_async_context(browser.get("/x", params={"who": "eve"}))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    for _ in range(10):  # whoever reloads a page in a hurry is not refused for the streams that have just been left
        async with browser.get("/x") as stream:
            assert stream.status == 200


def waits(page: Page, who: str) -> bool:
    """Whether somebody has not read all that was written for him."""
    transports = [request.transport for request, name in page.live._streams if name == who]
    return any(each is not None and each.get_write_buffer_size() for each in transports)


async def test_a_browser_that_reads_nothing_holds_nobody_and_is_let_go(
    page: Page, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_WITHIN", 1.0)
    page.content = "x" * 8_000_000
    url = browser._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport that reads
    writer.write(b"GET /x?who=eve HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(lambda: waits(page, "eve"), within=60, step=0.01)
    monkeypatch.setattr(module, "_WRITE_WITHIN", 100.0)
    async with browser.get("/y") as stream:
        async with asyncio.timeout(60):
            await stream.content.readexactly(8_000_000)
    page.content = "small"
    async with browser.get("/z") as stream:
        assert await event(stream) == part("z: small")
        await until(lambda: not page.live.readers()["eve"], within=60, step=0.02)
    writer.close()
    del reader


async def test_it_gives_signs_of_life(browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.0)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.05)
    async with browser.get("/x") as stream:
        assert [await sign(stream) for _ in range(4)] == [":", part("x: one"), ":", ":"]


async def test_it_ends_with_the_session(
    page: Page, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.05)
    async with browser.get("/x") as stream:
        await event(stream)
        page.signed_in = False
        await ended(stream)


async def test_streams_that_are_open_do_not_hold_up_a_stop(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainbow_exchange.web.app._SHUTDOWN_SECONDS", 100.0)  # then the server would cut them
    async with AsyncExitStack() as server, AsyncExitStack() as clients:
        port = await server.enter_async_context(serve(page.app(), "127.0.0.1", 0))
        client = await clients.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        streams = [await clients.enter_async_context(client.get("/x")) for _ in range(4)]
        for stream in streams:
            await event(stream)
        async with asyncio.timeout(60):
            await server.aclose()
        for stream in streams:
            await ended(stream)
    assert not page.live._watches


@pytest.mark.parametrize(
    ("fault", "said", "logged"),
    [(NotFound(), "event: gone\ndata:\n\n", []), (ValueError("x"), "", ["live_view_failed"])],
)
async def test_a_view_that_is_gone_or_faulty_ends_its_streams(
    page: Page, browser: aiohttp.ClientSession, fault: Exception, said: str, logged: list[str]
) -> None:
    async with browser.get("/x") as stream:
        assert await event(stream) == part("x: one")
        with capture_logs() as lines:
            page.fault = fault
            async with asyncio.timeout(60):
                assert (await stream.content.read()).decode() == said
    assert [line["event"] for line in lines if line["log_level"] == "error"] == logged
    page.fault = None
    async with browser.get("/x") as stream:
        assert await event(stream) == part("x: one")


async def test_a_view_that_says_when_it_is_another_is_worked_out_then(
    page: Page, browser: aiohttp.ClientSession
) -> None:
    turned = asyncio.Event()

    async def another(_version: int) -> int:
        await turned.wait()
        turned.clear()
        return 1

    page.view = replace(page.view, every=60.0, another=another)
    async with browser.get("/ada") as stream:
        assert await event(stream) == part("ada: one")
        contexts = page.contexts
        await asyncio.sleep(0.2)
        assert page.contexts == contexts
        page.content = "two"
        turned.set()
        assert await event(stream) == part("ada: two")
