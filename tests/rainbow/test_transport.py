import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from aiohttp import web

from rainbow_exchange.network.proxy import proxy
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RainbowError, UnexpectedAnswer
from rainbow_exchange.rainbow.transport import Request, Transport

MakeClient = Callable[..., Awaitable[RainbowClient]]
LOGIN = "authentication/v1.0/login"


async def refused_with(client: RainbowClient) -> RainbowError:
    with pytest.raises(RainbowError) as caught:
        await client.login()
    return caught.value


async def test_nobody_listening_is_refused(make_client: MakeClient, unused_tcp_port: int) -> None:
    error = await refused_with(await make_client(url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "refused"


async def test_silence_is_a_timeout(cloud: Any, make_client: MakeClient) -> None:
    async def never(_: Any) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    cloud.on(LOGIN, never)
    error = await refused_with(await make_client())
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "timeout"
    assert asyncio.get_running_loop().time() == pytest.approx(30, abs=1)


async def test_answer_that_drips_is_a_timeout(make_client: MakeClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
        for _ in range(40):
            writer.write(b" ")
            await asyncio.sleep(1)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refused_with(await make_client(url=f"http://127.0.0.1:{port}"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "timeout"


async def test_answer_without_end_is_cut_off(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: web.Response(body=b"[" + b"1," * 5000, content_type="application/json"))
    error = await refused_with(await make_client(max_answer_bytes=9000))
    assert isinstance(error, UnexpectedAnswer)


async def test_redirect_is_not_followed(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: web.Response(status=302, headers={"Location": f"{cloud.url}/elsewhere"}))
    error = await refused_with(await make_client())
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "http-302"
    assert len(cloud.requests) == 1


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n", b""])
async def test_server_that_breaks_off_or_speaks_no_http_is_a_lost_connection(
    make_client: MakeClient, said: bytes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refused_with(await make_client(url=f"http://127.0.0.1:{port}"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "closed"


async def test_certificate_that_is_not_trusted_is_named(make_client: MakeClient) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refused_with(await make_client(url=f"https://127.0.0.1:{port}"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "tls"


async def test_proxy_is_asked_with_its_credentials(make_client: MakeClient) -> None:
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        proxied = {"proxy_url": f"http://127.0.0.1:{port}", "proxy_username": "joe", "proxy_password": "pw"}
        error = await refused_with(await make_client(url="https://rainbow.test", **proxied))
    assert asked[0].startswith(b"CONNECT rainbow.test:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic am9lOnB3\r\n" in asked[0]
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "proxy"


async def test_proxy_that_is_not_there_is_named(make_client: MakeClient, unused_tcp_port: int) -> None:
    error = await refused_with(await make_client(proxy_url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "proxy"


def test_secrets_of_a_request_are_not_shown() -> None:
    assert "secret" not in repr(Request("n", "GET", "/", headers={"Authorization": "secret"}, body="secret"))


async def test_unknown_name_is_told_apart(make_client: MakeClient) -> None:
    error = await refused_with(await make_client(url="https://rainbow.invalid"))
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == "name"


async def test_transport_works_only_while_it_is_entered() -> None:
    transport = Transport(
        url="http://127.0.0.1:9",
        headers={},
        ssl=None,
        proxy=proxy(None, None, None),
        now=lambda: datetime(2026, 1, 5, tzinfo=UTC),
        random=lambda: 0.0,
        timeout=1,
        max_bytes=1,
    )
    with pytest.raises(RuntimeError):
        await transport.send(Request("n", "GET", "/"))
    await transport.__aexit__(None, None, None)
