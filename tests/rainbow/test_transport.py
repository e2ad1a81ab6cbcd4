import asyncio
import gzip
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
import trustme
from aiohttp import web

from rainbow_exchange.network.proxy import proxy
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import users
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.transport import Request, Transport

MakeClient = Callable[..., Awaitable[RainbowClient]]
API = "/api/rainbow/"
LOGIN = "authentication/v1.0/login"
NOTIFY = "calendarprovider/v1.0/notify"


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


# --- answers that Rainbow does not give, but that a gateway, a proxy or a server gone wrong may: byte by byte

GRANTED = json.dumps({"token": "opaque", "loggedInUser": {"id": "5f01", "companyId": "5fc1"}}).encode()
#: bytes to write; a number is seconds to wait; None cuts the connection
Said = bytes | float | None


def http(status: str, body: bytes = b"", *headers: str, length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Foreign:
    """Says for each path what its script says next, the last again and again; `heard` is every head that came."""

    def __init__(self, **scripts: list[list[Said]]) -> None:
        self.scripts: dict[str, list[list[Said]]] = {"login": [[http("200 OK", GRANTED)]], **scripts}
        self.heard: list[str] = []
        self.sent = 0
        self.url = ""

    def paths(self, path: str) -> list[str]:
        return [head for head in self.heard if f" {path}" in head.partition("\r\n")[0]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                text = head.decode()
                self.heard.append(text)
                length = next((line for line in text.split("\r\n") if line.lower().startswith("content-length:")), ":0")
                await reader.readexactly(int(length.partition(":")[2]))
                name = text.split(" ")[1].partition("?")[0].rpartition("/")[2]
                script = self.scripts.get(name, [[http("404 Not Found")]])
                for said in script.pop(0) if len(script) > 1 else script[0]:
                    if said is None:
                        return
                    if isinstance(said, bytes):
                        writer.write(said)
                        self.sent += len(said)
                        await writer.drain()
                    else:
                        with suppress(TimeoutError):  # or until the client has had enough
                            async with asyncio.timeout(said):
                                await reader.read(1)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
def foreign(make_client: MakeClient) -> Any:
    @asynccontextmanager
    async def meet(**scripts: list[list[Said]]) -> AsyncIterator[tuple[Foreign, RainbowClient]]:
        server = Foreign(**scripts)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        numbers = itertools.count()
        async with listening:
            yield server, await make_client(url=server.url, random=lambda: next(numbers) % 36 / 36)

    return meet


async def test_notify_is_accepted_by_any_2xx_whatever_its_body(foreign: Any) -> None:
    bodies = [
        [http("204 No Content", length=False)],
        [http("202 Accepted", b"Accepted", "Content-Type: text/plain")],
        [http("200 OK", gzip.compress(b'{"status": "ok"}'), "Content-Encoding: gzip")],
        [http("200 OK", b"not gzip at all", "Content-Encoding: gzip")],
        [http("200 OK", b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=False)],
        [http("200 OK", b"", "Transfer-Encoding: chunked", length=False), 0.1, b"zz\r\nbroken", None],
        [b"HTTP/1.0 200 OK\r\n\r\nuntil the end", None],
        [http("200 OK", b"half", "X-Cut: 1").replace(b"Content-Length: 4", b"Content-Length: 400"), None],
        [http("200 OK", b"", "Content-Length: 400", length=False), 3600.0],
    ]
    async with foreign(notify=bodies) as (server, client):
        for number in range(9):
            await client.notify([f"u{number}"])
    assert len(server.paths(API + NOTIFY)) == client.counters.notified == 9


@pytest.mark.parametrize(
    "page",
    [b'{"data": [], "total": 0}', gzip.compress(b'{"data": [], "total": 0}'), b'{"data": [], "total": 0}\n\n '],
    ids=["plain", "zipped", "padded"],
)
async def test_list_may_be_zipped_chunked_or_end_with_the_connection(foreign: Any, page: bytes) -> None:
    zipped = ["Content-Encoding: gzip"] if page.startswith(b"\x1f") else []
    chunked = b"".join(
        f"{len(page[at : at + 5]):x}\r\n".encode() + page[at : at + 5] + b"\r\n" for at in range(0, len(page), 5)
    )
    answers = [
        [http("200 OK", page, *zipped)],
        [http("200 OK", chunked + b"0\r\n\r\n", "Transfer-Encoding: chunked", *zipped, length=False)],
        ["\r\n".join(["HTTP/1.0 200 OK", *zipped, "", ""]).encode() + page, None],
    ]
    async with foreign(users=answers) as (_, client):
        for _answer in answers:
            assert [user async for user in users(client)] == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirect_is_never_followed_and_nobody_else_sees_the_password(foreign: Any, status: str) -> None:
    async with foreign() as (elsewhere, _):
        location = f"Location: {elsewhere.url}{API}{LOGIN}"
        async with foreign(login=[[http(status, b"", location)]]) as (_, client):
            with pytest.raises(RainbowConnectionError, match=f"http-{status[:3]}"):
                await client.login()
        async with foreign(notify=[[http(status, b"", location)]]) as (_, client):
            with pytest.raises(RainbowConnectionError, match=f"http-{status[:3]}"):
                await client.notify(["u1"])
        assert elsewhere.heard == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"errorCode": 401, "errorMsg": "Unauthorized", "errorDetails": "wrong password"}', 401000),
        (b'{"errorCode": 401, "errorDetailsCode": 401500}', 401500),
    ],
)
@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
async def test_refused_login_is_one_attempt_also_without_a_code_or_said_with_200(
    foreign: Any, status: str, body: bytes, code: int
) -> None:
    async with foreign(login=[[http(status, body, "Content-Type: application/json")]]) as (server, client):
        running = asyncio.create_task(client.run())
        await asyncio.sleep(10_000)
        running.cancel()
        await asyncio.wait([running])
        with pytest.raises(RainbowAuthenticationError) as caught:
            await client.login()
    assert caught.value.code == code
    assert len(server.heard) == 1


async def test_connection_that_breaks_after_a_login_was_sent_is_no_second_attempt(foreign: Any) -> None:
    async with foreign(login=[[None]]) as (server, client):
        with pytest.raises(RainbowConnectionError, match="closed"):
            await client.login()
        assert len(server.heard) == 1


async def test_notify_that_was_cut_off_is_sent_once_more_under_another_id(foreign: Any) -> None:
    async with foreign(notify=[[None], [http("200 OK")]]) as (server, client):
        with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
            correlation_id = (await client.notify(["u1"]))["correlation_id"]
    ids = [
        line.partition(": ")[2]
        for head in server.paths(API + NOTIFY)
        for line in head.split("\r\n")
        if line.lower().startswith("x-rainbow-correlation-id")
    ]
    assert len(set(ids)) == 2
    assert ids[1] == correlation_id
    about = [entry for entry in logs if entry.get("call") == "notify"]
    assert [(entry["event"], entry["correlation_id"]) for entry in about] == [
        ("rainbow_request_failed", ids[0]),
        ("rainbow_request", ids[1]),
    ]


async def test_post_that_may_not_be_repeated_is_not(foreign: Any) -> None:
    async with foreign(activate=[[None]]) as (server, client):
        with pytest.raises(RainbowConnectionError, match="closed"):
            await client.call("activate", "POST", "/api/rainbow/admin/v1.0/connectors/ldaps/activate")
        assert len(server.paths("/api/rainbow/admin/v1.0/connectors/ldaps/activate")) == 1


async def test_success_that_is_a_refusal_is_one(foreign: Any) -> None:
    body = b'{"errorCode": 404, "errorMsg": "Not found", "errorDetailsCode": 404000}'
    async with foreign(notify=[[http("200 OK", body)]]) as (_, client):
        with pytest.raises(RainbowApiError) as caught:
            await client.notify(["u1"])
    assert (caught.value.status, caught.value.code) == (404, 404000)
    assert client.counters.notified == 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b'{"data": {"token": "t"}}', b'{"access_token": "t"}', b"null", b"\xff\xfe"]
)
async def test_login_without_its_token_is_said_to_be_so(foreign: Any, body: bytes) -> None:
    async with foreign(login=[[http("200 OK", body)]]) as (_, client):
        with pytest.raises(UnexpectedAnswer):
            await client.login()


async def test_hundred_megabytes_are_not_taken_in(foreign: Any) -> None:
    huge: list[Said] = [http("200 OK", b"", "Content-Length: 104857600", length=False), *[b"x" * 1_048_576] * 100]
    refused: list[Said] = [
        http("429 Too Many", b"", "Retry-After: 7", "Content-Length: 104857600", length=False),
        *[b"x" * 1_048_576] * 100,
    ]
    async with foreign(users=[huge], notify=[huge, refused]) as (server, client):
        with pytest.raises(UnexpectedAnswer, match="33554432"):
            [user async for user in users(client)]
        assert server.sent < 60_000_000
        server.sent = 0
        await client.notify(["u1"])  # accepted, however long its answer
        with pytest.raises(RateLimited, match="7 s"):
            await client.notify(["u1"])
        assert server.sent < 20_000_000


async def test_refusal_whose_body_never_comes_still_says_how_long_to_wait(foreign: Any) -> None:
    slow = http("503 Busy", b"", "Retry-After: 90", "Content-Length: 10", length=False)
    async with foreign(notify=[[slow, 3600.0]]) as (_, client):
        began = asyncio.get_running_loop().time()
        with pytest.raises(RateLimited) as caught:
            await client.notify(["u1"])
        assert caught.value.retry_after == 90
        assert asyncio.get_running_loop().time() - began < 10


async def test_what_a_server_repeats_of_our_secrets_is_not_shown(foreign: Any) -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefgh"
    body = json.dumps({"errorCode": 400, "errorMsg": f"bad header Basic Y29ubmVjdG9y and {secret}"}).encode()
    async with foreign(notify=[[http("400 Bad", body)]]) as (_, client):
        with pytest.raises(RainbowApiError) as caught:
            await client.notify(["u1"])
    assert caught.value.detail == "bad header … and …"


async def test_who_was_told_to_wait_is_not_asked_by_anybody(foreign: Any) -> None:
    """However many parts of the program want to sign in, none does before its time."""
    date = "Date: Mon, 05 Jan 2026 03:00:00 GMT"  # its clock is five hours behind ours
    busy = [http("503 Busy", b"", date, "Retry-After: Mon, 05 Jan 2026 03:02:00 GMT")]
    async with foreign(login=[busy, [http("200 OK", GRANTED)]]) as (server, client):
        for wait in (0, 60, 59):
            await asyncio.sleep(wait)
            for outcome in await asyncio.gather(*(client.signed_in() for _ in range(10)), return_exceptions=True):
                assert isinstance(outcome, RateLimited)
        assert len(server.heard) == 1
        await asyncio.sleep(2)
        assert (await client.signed_in()).user_id == "5f01"
        assert len(server.paths(API + LOGIN)) == 2


async def test_somebody_may_have_it_tried_before_its_time(foreign: Any) -> None:
    busy = [http("429 Busy", b"", "Retry-After: 99999999999999")]
    async with foreign(login=[busy, [http("200 OK", GRANTED)]]) as (_, client):
        with pytest.raises(RateLimited) as caught:
            await client.login()
        assert caught.value.retry_after == 86_400
        client.try_again()
        await client.login()


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 10.0), (0.5, 12.5), (0.99, 14.95)])
async def test_who_is_told_to_wait_without_a_time_waits_ten_seconds_and_up_to_half_as_long_again(
    cloud: Any, make_client: MakeClient, drawn: float, wait: float
) -> None:
    cloud.on(NOTIFY, lambda _: web.Response(status=429))
    client = await make_client(random=lambda: drawn)
    with pytest.raises(RateLimited) as caught:
        await client.notify(["u1"])
    assert caught.value.retry_after == pytest.approx(wait)
    with pytest.raises(RateLimited):
        await client.notify(["u1"])
    assert len(cloud.asked(NOTIFY)) == 1
