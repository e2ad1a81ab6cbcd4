"""Who may connect to the local page, and how: the sockets it listens on, and TLS where it is served so.

With TLS commands on this machine have a listener of their own, on loopback and without it, since they know the daemon
by its proof (`runtime`) and not by a certificate.
"""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from rainbow_exchange.ending import whole
from rainbow_exchange.errors import UserError
from rainbow_exchange.web.connections import Connections
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.tls import Tls

BACKLOG = 64
#: handshakes at a time, and seconds for one
_HANDSHAKES, _HANDSHAKE_SECONDS = 32, 5.0
#: at once, and then by the second: each takes a millisecond or two of the bridge's time
_HANDSHAKE_RATE = (120, 20.0)
#: seconds after which it is tried again where no connection could be taken: too many files are open
_AGAIN_SECONDS = 1.0
#: what Windows says instead of EADDRINUSE when another program holds the port exclusively
_WSAEACCES = 10013


def listen(host: str, port: int) -> socket.socket:
    """Listen there, or on a free port when `port` is taken. Raises UserError when `host` is not this machine's."""
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


@contextlib.asynccontextmanager
async def accepting(listener: socket.socket, server: web.Server, connections: Connections) -> AsyncIterator[None]:
    """Take who connects while the context is open."""
    opened: list[asyncio.Server] = []
    try:
        await whole(_open(listener, server, connections, opened))
        yield
    finally:
        for each in opened:
            each.close()
        listener.close()


async def _open(
    listener: socket.socket, server: web.Server, connections: Connections, opened: list[asyncio.Server]
) -> None:
    loop = asyncio.get_running_loop()
    opened.append(await loop.create_server(lambda: connections.accept(server), sock=listener, backlog=BACKLOG))


@contextlib.asynccontextmanager
async def accepting_by_tls(
    listener: socket.socket, server: web.Server, connections: Connections, tls: Tls
) -> AsyncIterator[None]:
    """Take who connects and shakes hands in time, while the context is open."""
    loop = asyncio.get_running_loop()
    shaking: dict[asyncio.Task[None], None] = {}
    allowance = Allowance(*_HANDSHAKE_RATE, loop.time)

    async def shake(taken: socket.socket) -> None:
        with contextlib.suppress(OSError):  # ssl.SSLError and TimeoutError are such: whoever came speaks otherwise
            await loop.connect_accepted_socket(
                lambda: connections.accept(server),
                taken,
                ssl=tls.context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )

    async def take() -> None:
        while True:
            try:
                taken, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            if not allowance.take():
                await asyncio.sleep(1 / _HANDSHAKE_RATE[1])  # those who come meanwhile wait in the backlog
            if len(shaking) >= _HANDSHAKES:
                next(iter(shaking)).cancel()
            tls.renew()
            task = loop.create_task(shake(taken), name="web-handshake")
            shaking[task] = None
            task.add_done_callback(lambda done: shaking.pop(done, None))
            await asyncio.sleep(0)  # so that it has begun, and closes what it was given, before it can be cancelled

    taking = loop.create_task(take(), name="web-accept")
    try:
        yield
    finally:
        taking.cancel()
        await asyncio.wait([taking])
        for each in (ending := list(shaking)):
            each.cancel()
        if ending:
            await asyncio.wait(ending)
        listener.close()
        if not taking.cancelled():
            taking.result()


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
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
