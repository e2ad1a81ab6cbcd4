"""How the lab's servers begin to listen, and how they go away."""

import asyncio
import socket
import ssl as ssl_module
import struct
import sys
from contextlib import suppress

from aiohttp import web

#: seconds in which a peer may take what is still to be sent before it is cut off
GOODBYE = 0.5
#: struct linger: on, for no time at all
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


async def listen(
    app: web.Application,
    host: str,
    port: int,
    *,
    ssl: ssl_module.SSLContext | None,
    shutdown_timeout: float,
    handler_cancellation: bool = False,
) -> tuple[web.AppRunner, str]:
    """Serve `app`; return what serves it, and its base URL. Port 0 takes a free one. Raise OSError when it is taken."""
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=handler_cancellation, shutdown_timeout=shutdown_timeout
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=ssl).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, f"http{'s' if ssl else ''}://{host}:{runner.addresses[0][1]}"


async def close(runner: web.AppRunner) -> None:
    """Stop serving; afterwards no connection is left, whatever the peers do."""
    transports = [each.transport for each in runner.server.connections if each.transport] if runner.server else []
    await runner.cleanup()
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE):
            while any(map(_unsent, transports)):  # noqa: ASYNC110  (no event)
                await asyncio.sleep(0.01)
    for transport in transports:
        with suppress(AttributeError):  # of TLS that has let go of its connection
            transport.abort()
    await asyncio.sleep(0)  # so that they are


def reset(transport: asyncio.Transport | None) -> None:
    """End a connection as a crash does: the peer gets RST. What was written before and has not left is lost."""
    if transport is None:
        return  # it has ended by itself
    if (link := transport.get_extra_info("socket")) is not None:
        with suppress(OSError, ValueError):  # it is closed, which uvloop says by the latter
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    with suppress(AttributeError):  # of TLS that has let go of its connection
        transport.abort()


def _unsent(transport: asyncio.Transport) -> bool:
    """Whether anything waits to be sent; nothing does where TLS has let go of its connection, and of its protocol."""
    try:
        return transport.get_write_buffer_size() > 0
    except AttributeError:
        return False
