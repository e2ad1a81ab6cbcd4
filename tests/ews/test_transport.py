import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from rainbow_exchange.ews.auth import BasicAuth, Challenge, Flow, Leg
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, MalformedResponse
from rainbow_exchange.ews.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHALLENGE = b"HTTP/1.1 401 No\r\nWWW-Authenticate: %s\r\nContent-Length: 3\r\n\r\nno!"


class Bound:
    """A scheme of two legs that authenticates the connection, as NTLM does."""

    connection_bound = True
    blocks = False

    def __init__(self) -> None:
        self.challenges: list[Challenge] = []

    def flow(self) -> Flow:
        self.challenges.append((yield Leg(authorization=None, with_body=False)))
        self.challenges.append((yield Leg(authorization="NTLM hello", with_body=False)))
        yield Leg(authorization="NTLM proof")
        return None


@pytest.fixture
async def make() -> AsyncIterator[Any]:
    made: list[Transport] = []

    def make_one(url: str, auth: Any = None, **keywords: Any) -> Transport:
        keywords = {"ssl": None, "proxy_url": None} | keywords
        made.append(Transport(url=url, auth=auth or BasicAuth("svc", "pw"), **keywords))
        return made[-1]

    yield make_one
    for transport in made:
        await transport.close()


async def post(transport: Transport, limit: float = 5.0) -> bytes:
    async with transport.post(b"<x/>", {"A": "b"}, limit=limit) as answer:
        return await answer.read(1000)


async def say(data: bytes) -> bytes:
    return data


async def test_a_post_carries_its_length_and_the_credentials(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(OK)
    assert await post(make(wire.url)) == b"ok"
    headers = wire.requests[0].headers
    assert headers["Content-Length"] == "4"
    assert "Transfer-Encoding" not in headers
    assert headers["Authorization"] == "Basic c3ZjOnB3"
    assert headers["A"] == "b"


async def test_cookies_are_neither_kept_nor_sent(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(OK.replace(b"\r\n", b"\r\nSet-Cookie: a=b\r\n", 1))
    transport = make(wire.url)
    async with transport.post(b"", {}, limit=5) as answer:
        assert answer.headers("Set-Cookie") == ("a=b",)
    await post(transport)
    assert "Cookie" not in wire.requests[1].headers


async def test_a_refused_password_is_sent_once(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(CHALLENGE % b'Basic realm="x"')
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make(wire.url))
    assert (raised.value.status, raised.value.offered) == (401, ("Basic",))
    assert len(wire.requests) == 1


async def test_a_bound_scheme_sends_the_body_with_its_last_leg_and_then_needs_no_header(wire: Any, make: Any) -> None:
    authenticated: set[int] = set()

    async def script(request: Any) -> bytes:
        said = request.headers.get("Authorization")
        if said == "NTLM proof":
            authenticated.add(request.connection)
        if request.connection in authenticated:
            return OK
        return CHALLENGE % (b"NTLM abc" if said else b"Negotiate, NTLM")

    wire.script = script
    auth = Bound()
    transport = make(wire.url, auth)
    await post(transport)
    assert [(request.headers["Content-Length"], request.body) for request in wire.requests] == [
        ("0", ""),
        ("0", ""),
        ("4", "<x/>"),
    ]
    assert wire.connections == 1
    assert [challenge.www_authenticate for challenge in auth.challenges] == [("Negotiate, NTLM",), ("NTLM abc",)]
    await post(transport)
    assert "Authorization" not in wire.requests[3].headers
    assert wire.connections == 1

    authenticated.clear()  # the server forgets: it is asked once more, then signed in anew
    await post(transport)
    assert [request.headers.get("Authorization") for request in wire.requests[4:]] == [
        None,
        None,
        "NTLM hello",
        "NTLM proof",
    ]


async def test_a_server_that_forgets_each_time_is_signed_in_to_for_each_request(wire: Any, make: Any) -> None:
    wire.script = lambda request: say(
        OK if request.headers.get("Authorization") == "NTLM proof" else CHALLENGE % b"NTLM abc"
    )
    transport = make(wire.url, Bound())
    for _ in range(6):
        await post(transport)
    bodies = [bool(request.body) for request in wire.requests if "Authorization" not in request.headers]
    assert bodies == [False, True, False, True, False, True, False, False, False]
    assert wire.connections == 1


async def test_a_domain_controller_that_never_answers_is_named(wire: Any, make: Any) -> None:
    go = threading.Event()

    class Hanging:
        connection_bound = True
        blocks = True

        def flow(self) -> Flow:
            go.wait(30)
            yield Leg()
            return None

    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url, Hanging()), limit=30)
    go.set()
    assert (raised.value.kind, raised.value.detail) == ("kerberos", "no-domain-controller")
    assert wire.requests == []


async def test_requests_at_the_same_time_never_share_an_authenticated_connection(wire: Any, make: Any) -> None:
    users: dict[int, int] = {}

    async def script(request: Any) -> bytes:
        users[request.connection] = users.get(request.connection, 0) + 1
        if not request.body:
            return CHALLENGE % b"NTLM x"
        await asyncio.sleep(1)
        return OK

    wire.script = script
    transport = make(wire.url, Bound())
    await asyncio.gather(*(post(transport) for _ in range(3)))
    assert users == {1: 3, 2: 3, 3: 3}
    await asyncio.gather(*(post(transport) for _ in range(3)))
    assert wire.connections == 3


async def test_a_bound_connection_left_unread_is_not_used_again(wire: Any, make: Any) -> None:
    wire.script = lambda request: say(OK if request.body else CHALLENGE % b"NTLM x")

    transport = make(wire.url, Bound())
    async with transport.post(b"<x/>", {}, limit=5):
        pass
    await asyncio.sleep(0.1)
    assert wire.open == 0
    await post(transport)
    assert wire.connections == 2


async def test_a_bare_leg_that_meets_no_401_ends_with_the_status(wire: Any, make: Any) -> None:
    class OneBare:
        connection_bound = True
        blocks = False

        def flow(self) -> Flow:
            yield Leg(authorization=None, with_body=False)
            return None

    wire.script = lambda _: say(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(EwsConnectionError, match="http-503"):
        await post(make(wire.url, OneBare()))


async def test_a_server_that_never_has_enough_legs_is_left(wire: Any, make: Any) -> None:
    class Endless:
        connection_bound = True
        blocks = False

        def flow(self) -> Flow:
            while True:
                yield Leg(authorization="NTLM x")

    wire.script = lambda _: say(CHALLENGE % b"NTLM x")
    with pytest.raises(EwsAuthenticationError):
        await post(make(wire.url, Endless()))
    assert len(wire.requests) == 8


async def test_an_endless_refusal_is_not_read_to_its_end(wire: Any, make: Any) -> None:
    async def script(request: Any) -> None:
        request.writer.write(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            request.writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await request.writer.drain()

    wire.script = script
    with pytest.raises(EwsAuthenticationError):
        await post(make(wire.url))
    await asyncio.sleep(1)
    assert wire.open == 0


async def test_a_refusal_that_does_not_come_to_its_end_leaves_no_connection(wire: Any, make: Any) -> None:
    """It is half read when nobody waits for it any longer."""

    async def script(request: Any) -> None:
        request.writer.write(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 10\r\n\r\nno!")
        await asyncio.Event().wait()

    wire.script = script
    with pytest.raises(EwsConnectionError, match="timeout"):
        await post(make(wire.url), limit=0.2)
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_a_larger_answer_than_allowed_is_not_read_on(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 5000)
    with pytest.raises(MalformedResponse, match="1000"):
        await post(make(wire.url))
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_a_redirect_is_an_answer_like_any_other(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(b"HTTP/1.1 302 Found\r\nLocation: /owa\r\nContent-Length: 0\r\n\r\n")
    async with make(wire.url).post(b"", {}, limit=5) as answer:
        assert (answer.status, answer.header("Location"), answer.content_type) == (302, "/owa", "")
    assert len(wire.requests) == 1


async def test_a_head_that_does_not_come_in_time_is_a_timeout(wire: Any, make: Any) -> None:
    wire.script = lambda _: asyncio.sleep(1000)
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url), limit=7)
    assert raised.value.kind == "timeout"
    assert asyncio.get_running_loop().time() == pytest.approx(7, abs=0.5)
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_nobody_listening_is_refused(wire: Any, make: Any) -> None:
    await wire.stop()
    with pytest.raises(EwsConnectionError, match=r"refused: no connection to 127\.0\.0\.1") as raised:
        await post(make(wire.url))
    assert raised.value.kind == "refused"


async def test_an_unknown_name_is_named(make: Any) -> None:
    with pytest.raises(EwsConnectionError, match=r"exchange\.invalid") as raised:
        await post(make("https://exchange.invalid/EWS/Exchange.asmx"), limit=60)
    assert raised.value.kind == "name"


@pytest.mark.parametrize("host", ["mail..acme.test", "a" * 64 + ".acme.test"])
async def test_a_name_that_cannot_be_looked_up_is_named(make: Any, host: str) -> None:
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(f"https://{host}/EWS/Exchange.asmx"))
    assert (raised.value.kind, raised.value.detail) == ("name", f"{host}:443 is no name that can be looked up")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_cut_connection_is_closed(wire: Any, make: Any, said: bytes) -> None:
    async def script(request: Any) -> None:
        request.writer.write(said)

    wire.script = script
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url))
    assert raised.value.kind == "closed"


async def test_what_is_no_http_is_not_ews(wire: Any, make: Any) -> None:
    wire.script = lambda _: say(b"220 mail.acme.test ESMTP\r\n\r\n")
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url))
    assert raised.value.kind == "not-ews"


class Tls:
    def __init__(self) -> None:
        self.authority = trustme.CA(organization_name="Acme CA")

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


async def secured(wire: Any, context: ssl.SSLContext) -> Any:
    await wire.stop()
    wire.script = lambda request: say(OK if request.body else CHALLENGE % b"NTLM x")
    return await wire.start(context)


async def test_a_flow_is_shown_the_servers_certificate(wire: Any, make: Any) -> None:
    tls = Tls()
    await secured(wire, tls.server("127.0.0.1"))
    auth = Bound()
    assert await post(make(wire.url, auth, ssl=tls.client())) == b"ok"
    certificate = auth.challenges[0].certificate
    assert certificate is not None
    assert certificate == auth.challenges[1].certificate
    assert certificate.startswith(b"\x30\x82")


async def test_a_certificate_of_an_unknown_authority_is_named_with_its_host(wire: Any, make: Any) -> None:
    await secured(wire, Tls().server("127.0.0.1"))
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url))
    assert raised.value.kind == "tls"
    assert raised.value.detail.startswith("The certificate of 127.0.0.1 is not trusted: it was issued by “Testing CA")
    assert wire.requests == []


async def test_a_certificate_for_another_host_is_told_apart(wire: Any, make: Any) -> None:
    tls = Tls()
    await secured(wire, tls.server("mail.acme.test"))
    with pytest.raises(EwsConnectionError) as raised:
        await post(make(wire.url, ssl=tls.client()))
    assert raised.value.kind == "tls"
    said = "The certificate of 127.0.0.1 is not trusted: it is for mail.acme.test, not for 127.0.0.1."
    assert raised.value.detail == said


@asynccontextmanager
async def blurting(data: bytes) -> AsyncIterator[str]:
    """Serve `data` to whatever comes, and close."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(data)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def test_https_to_a_port_without_tls_is_a_tls_error(make: Any) -> None:
    async with blurting(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as host:
        with pytest.raises(EwsConnectionError, match="does not speak TLS at this port, but plain HTTP") as raised:
            await post(make(f"https://{host}/EWS/Exchange.asmx"))
    assert raised.value.kind == "tls"


async def test_a_proxy_that_refuses_is_named(make: Any) -> None:
    async with blurting(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as host:
        with pytest.raises(EwsConnectionError, match="asks for a user name and password") as raised:
            await post(make("https://mail.acme.test/EWS/Exchange.asmx", proxy_url=f"http://{host}"))
    assert raised.value.kind == "proxy"
