"""A server that goes away leaves no connection behind, though a peer never answers the end of its TLS."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from rainbow_exchange.lab.listening import close, listen
from rainbow_exchange.lab.tls import LabAuthority


async def test_a_peer_that_never_says_goodbye_is_cut(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    runner, url = await listen(web.Application(), "127.0.0.1", 0, ssl=authority.server_context(), shutdown_timeout=0.1)
    assert url.startswith("https://127.0.0.1:")
    address = ("127.0.0.1", int(url.rpartition(":")[2]))

    def connect() -> ssl.SSLSocket:
        return authority.client_context().wrap_socket(socket.create_connection(address), server_hostname="127.0.0.1")

    with await asyncio.to_thread(connect):
        assert runner.server is not None
        (connection,) = runner.server.connections
        assert connection.transport is not None
        open_socket = connection.transport.get_extra_info("socket")
        await close(runner)
        await asyncio.sleep(0)
        assert open_socket.fileno() == -1


async def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await listen(web.Application(), "127.0.0.1", taken.getsockname()[1], ssl=None, shutdown_timeout=0.1)
