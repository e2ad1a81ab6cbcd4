"""Connections that die without a word, as when a firewall forgets them or a machine has slept: neither end hears more.

The server's end is let go of while its socket is kept: nothing is sent, and what comes is taken and never read.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import socket


def bury(runner: web.AppRunner | None) -> Callable[[], None]:
    """Have every connection to a server die; what is returned ends the sockets, too, so that the client is told."""
    kept: list[socket.socket] = []
    for each in tuple(runner.server.connections) if runner and runner.server else ():
        transport = each.transport
        link = transport.get_extra_info("socket") if transport is not None else None
        if transport is not None and link is not None:
            kept.append(link.dup())
            transport.abort()

    def end() -> None:
        for link in kept:
            link.close()

    return end
