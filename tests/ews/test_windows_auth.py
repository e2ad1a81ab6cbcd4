"""NTLM and Negotiate over real sockets with TLS, against an acceptor that insists on the right channel binding."""

import hashlib
import ssl
import struct
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import spnego
import trustme

from rainbow_exchange.ews.auth import Challenge, Leg
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, Tried
from rainbow_exchange.ews.transport import Transport
from rainbow_exchange.ews.windows_auth import NEGOTIATE, NTLM, WindowsAuth

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PROOF = b"NTLMSSP\0\x03\0\0\0"


def refusal(*offers: str, close: bool = False) -> bytes:
    lines = [f"WWW-Authenticate: {offer}" for offer in offers] + (["Connection: close"] if close else [])
    return "\r\n".join(["HTTP/1.1 401 Unauthorized", "Content-Length: 0", *lines, "", ""]).encode()


def sent_binding(proof: bytes) -> bytes | None:
    """Read MsvAvChannelBindings out of an AUTHENTICATE message ([MS-NLMP] 2.2.1.3, 2.2.2.1, 2.2.2.7)."""
    length, _, offset = struct.unpack_from("<HHI", proof, 20)
    pairs = proof[offset : offset + length][16 + 28 :]
    while pairs:
        name, size = struct.unpack_from("<HH", pairs)
        if name == 0x000A:
            return pairs[4 : 4 + size]
        if name == 0:
            return None
        pairs = pairs[4 + size :]
    return None


def target(proof: bytes) -> str:
    """Read MsvAvTargetName, the service that the proof is meant for."""
    length, _, offset = struct.unpack_from("<HHI", proof, 20)
    pairs = proof[offset : offset + length][16 + 28 :]
    while pairs:
        name, size = struct.unpack_from("<HH", pairs)
        if name == 0x0009:
            return pairs[4 : 4 + size].decode("utf-16-le")
        pairs = pairs[4 + size :]
    return ""


class Acceptor:
    """Asks for NTLM on each connection, and refuses a proof without the binding of its own certificate."""

    def __init__(self, certificate: bytes) -> None:
        data = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
        self.expected = hashlib.md5(struct.pack("<5I", 0, 0, 0, 0, len(data)) + data).digest()  # noqa: S324 (the wire's)
        self.offers: tuple[str, ...] = ("Negotiate", "NTLM")
        self.contexts: dict[int, Any] = {}
        self.in_use: set[int] = set()
        self.proofs: list[bytes] = []
        self.bindings: list[bytes | None] = []

    async def script(self, request: Any) -> bytes:
        connection, said = request.connection, request.headers.get("Authorization")
        if connection in self.in_use and said is None:
            return OK
        if said is None:
            return refusal(*self.offers)
        scheme, _, token = said.partition(" ")
        token = b64decode(token)
        try:
            return self.judged(connection, scheme, token)
        except spnego.exceptions.SpnegoError:
            self.contexts.pop(connection)
            return refusal(*self.offers)

    def judged(self, connection: int, scheme: str, token: bytes) -> bytes:
        context = self.contexts.setdefault(connection, spnego.server(protocol="ntlm"))
        said = context.step(token)
        if token.startswith(PROOF):
            self.proofs.append(token)
            self.bindings.append(sent_binding(token))
            if self.bindings[-1] != self.expected:
                return refusal(*self.offers)
            self.in_use.add(connection)
            return OK
        return refusal(f"{scheme} {b64encode(said).decode()}")


@pytest.fixture
async def acceptor(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "users").write_text("ACME:svc:pw\n:svc@acme.test:pw\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    await wire.stop()
    wire.client = ssl.create_default_context()
    authority.configure_trust(wire.client)
    server = Acceptor(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()))
    wire.script = server.script
    await wire.start(context)
    server.wire = wire  # type: ignore[attr-defined] # for the tests' reading
    return server


@pytest.fixture
async def make(wire: Any) -> AsyncIterator[Callable[..., Transport]]:
    made: list[Transport] = []

    def make_one(username: str = "ACME\\svc", allowed: Any = (NEGOTIATE, NTLM), **more: str) -> Transport:
        password = more.get("password", "pw")
        auth = WindowsAuth(username=username, password=password, host="mail.acme.test", allowed=allowed)
        made.append(Transport(url=wire.url, auth=auth, ssl=getattr(wire, "client", None), proxy_url=None))
        return made[-1]

    yield make_one
    for transport in made:
        await transport.close()


async def post(transport: Transport) -> bytes:
    async with transport.post(b"<x/>", {}, limit=20) as answer:
        return await answer.read(1000)


@pytest.mark.parametrize("scheme", [NTLM, NEGOTIATE])
async def test_the_binding_and_the_service_go_with_the_proof(acceptor: Any, make: Any, scheme: str) -> None:
    assert await post(make(allowed=(scheme,))) == b"ok"
    assert acceptor.bindings == [acceptor.expected]
    assert target(acceptor.proofs[0]) == "HTTP/mail.acme.test"
    requests = acceptor.wire.requests
    assert [request.body for request in requests] == ["", "", "<x/>"]
    assert [request.headers.get("Authorization", "none").split()[0] for request in requests] == ["none", scheme, scheme]
    assert acceptor.wire.connections == 1


async def test_ntlm_goes_as_ntlm_where_both_are_offered(acceptor: Any, make: Any) -> None:
    await post(make())
    assert acceptor.wire.requests[1].headers["Authorization"].startswith("NTLM ")


async def test_a_principal_name_is_sent_whole(acceptor: Any, make: Any) -> None:
    assert await post(make("svc@acme.test", allowed=(NTLM,))) == b"ok"
    assert "svc@acme.test".encode("utf-16-le") in acceptor.proofs[0]


async def test_a_signed_in_connection_is_used_again_and_signed_in_anew_once_it_is_forgotten(
    acceptor: Any, make: Any
) -> None:
    transport = make()
    await post(transport)
    await post(transport)
    assert len(acceptor.wire.requests) == 4
    acceptor.in_use.clear()
    acceptor.contexts.clear()
    assert await post(transport) == b"ok"
    assert acceptor.wire.connections == 1
    assert len(acceptor.proofs) == 2


async def test_a_wrong_password_is_one_proof(acceptor: Any, make: Any) -> None:
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make(password="wrong"))
    assert raised.value.tried == Tried(scheme="NTLM", stage="proof", binding=True)
    assert raised.value.offered == ("Negotiate", "NTLM")
    assert len([one for one in acceptor.wire.requests if "Authorization" in one.headers]) == 2


@pytest.mark.parametrize("scheme", [NTLM, NEGOTIATE])
@pytest.mark.parametrize("token", ["a new challenge", "a refusal in SPNEGO", "what is no token"])
async def test_a_proof_that_is_answered_with_a_token_is_refused_and_counts(
    wire: Any, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, token: str
) -> None:
    (tmp_path / "users").write_text("ACME:svc:pw\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    proofs: list[bytes] = []
    challenge = ""

    async def script(request: Any) -> bytes:
        nonlocal challenge
        said = b64decode(request.headers.get("Authorization", "").partition(" ")[2])
        if not said:
            return refusal(scheme)
        if PROOF in said:
            proofs.append(said)
            ended = {"a new challenge": challenge, "a refusal in SPNEGO": "oQcwBaADCgEC", "what is no token": "AAAA"}
            return refusal(f"{scheme} {ended[token]}")
        challenge = b64encode(spnego.server(protocol="ntlm").step(said) or b"").decode()
        return refusal(f"{scheme} {challenge}")

    wire.script = script
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make(allowed=(scheme,), password="wrong"))
    assert raised.value.tried == Tried(scheme=scheme, stage="proof", binding=False)
    assert raised.value.counted
    assert len(proofs) == 1


async def test_another_servers_binding_is_refused_and_reported_as_sent(acceptor: Any, make: Any) -> None:
    acceptor.expected = b"\0" * 16
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make())
    assert raised.value.tried is not None
    assert raised.value.tried.binding


async def test_what_is_not_offered_is_not_tried(acceptor: Any, make: Any) -> None:
    acceptor.offers = ("Basic realm=x",)
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make())
    assert raised.value.tried == Tried(scheme="Negotiate/NTLM", stage="offer")
    assert all("Authorization" not in one.headers for one in acceptor.wire.requests)


async def test_a_server_that_does_not_go_on_with_the_handshake_is_told_apart(wire: Any, make: Any) -> None:
    async def script(_: Any) -> bytes:
        return refusal("NTLM")

    wire.script = script
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make())
    assert raised.value.tried == Tried(scheme="NTLM", stage="handshake", reason="declined")


async def test_a_handshake_that_is_cut_from_its_connection_is_told_apart(
    wire: Any, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users").write_text("ACME:svc:pw\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))

    async def script(request: Any) -> bytes | None:
        said = request.headers.get("Authorization", "").partition(" ")[2]
        if not said or PROOF in b64decode(said):
            return refusal("NTLM")
        token = spnego.server(protocol="ntlm").step(b64decode(said))
        request.writer.write(refusal(f"NTLM {b64encode(token or b'').decode()}", close=True))
        request.writer.close()
        return None

    wire.script = script
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(make())
    assert raised.value.tried == Tried(scheme="NTLM", stage="handshake", reason="closed")


async def test_a_status_that_is_no_401_is_met_by_the_request_itself(wire: Any, make: Any) -> None:
    async def script(request: Any) -> bytes:
        return OK if request.body else b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

    wire.script = script
    assert await post(make()) == b"ok"


def test_a_challenge_that_cannot_be_read_ends_it() -> None:
    flow = WindowsAuth(username="ACME\\svc", password="pw", host="mail.acme.test", allowed=(NTLM,)).flow()
    assert next(flow) == Leg(with_body=False)
    flow.send(Challenge(status=401, www_authenticate=("NTLM",)))
    with pytest.raises(StopIteration) as ended:
        flow.send(Challenge(status=401, www_authenticate=("NTLM Z2FyYmFnZQ==",)))
    assert ended.value.value.stage == "handshake"


def test_without_a_password_and_without_kerberos_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainbow_exchange.ews.kerberos.find_spec", lambda _: None)
    auth = WindowsAuth(username=None, password=None, host="mail.acme.test")
    flow = auth.flow()
    next(flow)
    with pytest.raises(EwsConnectionError, match="not-installed"):
        flow.send(Challenge(status=401, www_authenticate=("Negotiate",)))
    assert not auth.blocks
