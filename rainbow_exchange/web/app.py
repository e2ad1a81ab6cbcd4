"""The local page's addresses and its server. It is handed callables and plain values, and knows nobody's loops.

Open: `/healthz`, `/readyz`, `/metrics`, `/api/nonce`; none holds personal data. With the token: `/api/status`, and by
POST whatever `calls` has. For browsers that have signed in: the pages.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from rainbow_exchange.json_text import read_json
from rainbow_exchange.web import listening, refusals, runtime, security
from rainbow_exchange.web.calls import MAX_BODY_BYTES, Call
from rainbow_exchange.web.connections import Connections
from rainbow_exchange.web.door import Door
from rainbow_exchange.web.guard import Guard
from rainbow_exchange.web.pages import Pages, refused, signing_in
from rainbow_exchange.web.seldom import Seldom
from rainbow_exchange.web.sessions import Sessions
from rainbow_exchange.web.tls import Tls
from rainbow_exchange.web.view import Change, Download, View

_MAX_REQUESTS = 64
_MAX_CONNECTIONS = 128
_SHUTDOWN_SECONDS = 1.0


def make_app(
    *,
    status: Callable[[], Mapping[str, Any]],
    ready: Callable[[], bool],
    metrics: Callable[[], bytes],
    calls: Mapping[str, Call],
    token: str,
    nonce: str,
    sessions: Sessions | None = None,
    views: Sequence[View] = (),
    changes: Sequence[Change] = (),
    files: Sequence[Download] = (),
) -> web.Application:
    """Build the application.

    `status` gives the JSON of `docs/reference/status.md`, `metrics` Prometheus' text. `calls`: name → what does the
    work of a POST to `/api/<name>`. `sessions` know who has signed in; what they may see and do is in the others.
    """
    sessions = sessions or Sessions()
    guard = Guard(sessions, signing_in())
    door = Door(sessions, guard)
    pages = Pages(guard, views, changes, files)

    clocks = {"spent": time.perf_counter, "clock": lambda: asyncio.get_running_loop().time()}
    readiness, numbers = Seldom(ready, **clocks), Seldom(metrics, **clocks)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        is_ready = readiness.get()
        return web.Response(text="ready\n" if is_ready else "not ready\n", status=200 if is_ready else 503)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=numbers.get(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def prove(request: web.Request) -> web.Response:
        challenge = request.query.get("challenge", "")
        if not runtime.is_challenge(challenge):
            raise web.HTTPBadRequest(text="challenge: 16 to 64 bytes in hexadecimal\n")
        return web.json_response({"proof": runtime.proof(nonce, challenge)})

    async def show_status(_request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(status(), ensure_ascii=False), content_type="application/json")

    with_token = security.with_token(token)
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[
            refusals.shown(refused, sessions.strangers),
            security.known_hosts_only,
            security.at_most(_MAX_REQUESTS),
        ],
    )
    app.on_response_prepare.append(security.add_headers)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/api/nonce", prove)
    app.router.add_get("/api/status", with_token(show_status))
    door.add_to(app.router)
    pages.add_to(app.router)
    app.on_shutdown.append(pages.live.end)
    for name, work in {**calls, "sign-in": door.mint}.items():
        app.router.add_post(f"/api/{name}", with_token(_posted(work)))
    return app


def _posted(work: Call) -> Handler:
    """Serve what does something by the JSON that comes, and gives JSON; ValueError: that was not understood."""

    async def handle(request: web.Request) -> web.Response:
        try:
            answer = await work(read_json(await request.read()))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"not understood: {error}\n") from error
        except ConnectionResetError as error:  # whoever asked has gone, and aiohttp would log that as an error of ours
            raise web.HTTPBadRequest from error
        # In ASCII: an answer may repeat what was asked, and JSON can ask for what is no Unicode text.
        return web.Response(text=json.dumps(answer), content_type="application/json")

    return handle


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a served page is reached: `page` by browsers, `host` and `port` by commands on this machine."""

    page: str
    host: str
    port: int


#: of an application that is served
ADDRESSES = web.AppKey("addresses", Addresses)


@contextlib.asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, tls: Tls | None = None, names: Sequence[str] = ()
) -> AsyncIterator[int]:
    """Serve `app` while the context is open; yields the real port, a free one when `port` is taken (or 0).

    `names`: by which browsers may call it besides `host` and what the certificate is for. Raises UserError when `host`
    is no address of this machine.
    """
    async with contextlib.AsyncExitStack() as stack:
        listener = listening.listen(host, port)
        stack.callback(listener.close)
        bound = listener.getsockname()[1]
        commands = listener
        if tls is not None:
            commands = listening.listen("127.0.0.1", 0)
            stack.callback(commands.close)
            app.middlewares.insert(0, security.commands_apart)
        called = (*names, *tls.names, host) if tls else (host, *names)
        app[security.HOSTS] = frozenset(called)
        app[ADDRESSES] = Addresses(
            f"{'https' if tls else 'http'}://{runtime.host_in_url(called[0])}:{bound}",
            "127.0.0.1" if tls else host,
            commands.getsockname()[1],
        )
        connections = Connections(_MAX_CONNECTIONS)
        app.middlewares.insert(0, connections.asking())
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        if (server := runner.server) is None:
            raise RuntimeError("the runner is not set up")
        await stack.enter_async_context(listening.accepting(commands, server, connections))
        if tls is not None:
            await stack.enter_async_context(listening.accepting_by_tls(listener, server, connections, tls))
        yield bound
