import asyncio
from http import HTTPStatus

import aiohttp
import pytest
from aiohttp import web

from rainbow_exchange.web import app, security


async def test_requests_beyond_the_bound_are_refused_politely() -> None:
    go_on, waiting = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_request: web.Request) -> web.Response:
        waiting.release()
        await go_on.wait()
        return web.Response(text="done")

    page = web.Application(middlewares=[security.at_most(2)])
    page.router.add_get("/", slow)
    async with app.serve(page, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:

        async def get() -> int:
            async with client.get(f"http://127.0.0.1:{port}/") as answer:
                return answer.status

        async with asyncio.TaskGroup() as tasks:
            first = [tasks.create_task(get()) for _ in range(2)]
            for _ in first:
                await waiting.acquire()
            async with client.get(f"http://127.0.0.1:{port}/") as answer:
                assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
                assert answer.headers["Retry-After"] == "1"
            go_on.set()
        assert [task.result() for task in first] == [200, 200]
        assert await get() == HTTPStatus.OK


@pytest.mark.parametrize(("host", "status"), [("rainbow.acme.test:3001", 200), ("RAINBOW.acme.test.", 200), ("x", 421)])
async def test_a_name_of_ones_own_can_be_allowed(host: str, status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    page = web.Application(middlewares=[security.known_hosts_only])
    page.router.add_get("/", answer)
    async with (
        app.serve(page, "127.0.0.1", 0, names=["rainbow.acme.test"]) as port,
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/", headers={"Host": host}) as got,
    ):
        assert got.status == status
