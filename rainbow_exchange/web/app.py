"""The local page's addresses and its server. It is handed callables and plain values, and knows nobody's loops.

Open: `/healthz`, `/readyz`, `/metrics`, `/api/nonce`; none holds personal data. With the token: `/api/status`, and by
POST whatever `calls` has. For browsers that have signed in: `/`.
"""

import asyncio
import contextlib
import errno
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from rainbow_exchange.ending import whole
from rainbow_exchange.errors import UserError
from rainbow_exchange.json_text import read_json
from rainbow_exchange.web import runtime, security
from rainbow_exchange.web.calls import MAX_BODY_BYTES, Call
from rainbow_exchange.web.connections import Connections
from rainbow_exchange.web.door import Door
from rainbow_exchange.web.sessions import Sessions

_MAX_REQUESTS = 64
_MAX_CONNECTIONS = 128
_KEEPALIVE_SECONDS = 15.0
_SHUTDOWN_SECONDS = 1.0
#: what Windows says instead of EADDRINUSE when another program holds the port exclusively
_WSAEACCES = 10013


def make_app(
    *,
    status: Callable[[], Mapping[str, Any]],
    ready: Callable[[], bool],
    metrics: Callable[[], bytes],
    calls: Mapping[str, Call],
    token: str,
    nonce: str,
    sessions: Sessions | None = None,
) -> web.Application:
    """Build the application.

    `status` gives the JSON of `docs/reference/status.md`, `metrics` Prometheus' text. `calls`: name → what does the
    work of a POST to `/api/<name>`. `sessions` know who has signed in.
    """
    door = Door(sessions or Sessions(), status)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        is_ready = ready()
        return web.Response(text="ready\n" if is_ready else "not ready\n", status=200 if is_ready else 503)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def prove(request: web.Request) -> web.Response:
        challenge = request.query.get("challenge", "")
        if not runtime.is_challenge(challenge):
            raise web.HTTPBadRequest(text="challenge: 16 to 64 bytes in hexadecimal\n")
        return web.json_response({"proof": runtime.proof(nonce, challenge)})

    async def show_status(_request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(status(), ensure_ascii=False), content_type="application/json")

    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[security.known_hosts_only(), security.at_most(_MAX_REQUESTS)],
    )
    app.on_response_prepare.append(security.add_headers)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/api/nonce", prove)
    app.router.add_get("/api/status", security.with_token(token, show_status))
    door.add_to(app.router)
    for name, work in {**calls, "sign-in": door.mint}.items():
        app.router.add_post(f"/api/{name}", security.with_token(token, _posted(work)))
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


@contextlib.asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the context is open; yields the real port, a free one when `port` is taken (or 0).

    Raises UserError when `host` is no address of this machine.
    """
    listener = _listen(host, port)
    connections = Connections(_MAX_CONNECTIONS)
    app.middlewares.insert(0, connections.asking())
    opened: list[asyncio.Server] = []
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    try:
        await runner.setup()
        await whole(_open(runner, connections, listener, opened))
        yield listener.getsockname()[1]
    finally:
        for each in opened:
            each.close()
        await runner.cleanup()
        listener.close()


async def _open(
    runner: web.AppRunner, connections: Connections, listener: socket.socket, opened: list[asyncio.Server]
) -> None:
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    loop = asyncio.get_running_loop()
    opened.append(await loop.create_server(lambda: connections.accept(server), sock=listener, backlog=_MAX_REQUESTS))


def _listen(host: str, port: int) -> socket.socket:
    try:
        return _bind(host, port)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, _WSAEACCES} or port == 0:
            raise _unusable(host, error) from error
    structlog.get_logger().warning("web_port_taken", host=host, port=port, consequence="a free port is used instead")
    try:
        return _bind(host, 0)
    except OSError as error:
        raise _unusable(host, error) from error


def _unusable(host: str, error: OSError) -> UserError:
    return UserError([f"web.host {host} cannot be listened on ({error.strerror}); write 127.0.0.1."])


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # Otherwise another program could bind the same port besides us and take our callers.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(0)
        listener.bind(address)
        # Listening here and not later: only now Linux says that the port is taken.
        listener.listen(_MAX_REQUESTS)
    except OSError:
        listener.close()
        raise
    return listener
