"""Signing in to the lab's Exchange by NTLM, Negotiate and Bearer, with a client written by hand around pyspnego."""

import asyncio
import base64
import hashlib
import random
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import spnego
from spnego.channel_bindings import GssChannelBindings

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
ZONES = (
    f'<s:Envelope xmlns:s="{SOAP}"><s:Body><m:GetServerTimeZones xmlns:m="{M}" ReturnFullTimeZoneData="false"/>'
    "</s:Body></s:Envelope>"
).encode()
PASSWORD = "lab-password"
Change = Callable[[bytes], bytes]


@dataclass
class Client:
    """One TCP connection to the lab, and a look into the lab's record."""

    lab: LabExchange
    http: aiohttp.ClientSession
    ssl: ssl.SSLContext | None

    async def send(self, authorization: str = "", body: bytes = ZONES) -> aiohttp.ClientResponse:
        headers = {"Authorization": authorization} if authorization else {}
        answer = await self.http.post(self.lab.url, data=body, headers=headers, ssl=self.ssl or False)
        await answer.read()
        return answer

    async def handshake(
        self,
        user: str = "svc-rainbow",
        *,
        password: str = PASSWORD,
        scheme: str = "NTLM",
        protocol: str = "ntlm",
        bindings: GssChannelBindings | None = None,
        change: Change = bytes,
        early: bytes = b"",
    ) -> aiohttp.ClientResponse:
        """Sign in with two requests; `change` is what happens to the server's challenge on its way."""
        context = spnego.client(
            user,
            password,
            hostname="exch01.acme.test",
            service="HTTP",
            protocol=protocol,
            channel_bindings=bindings,
            options=spnego.NegotiateOptions.use_negotiate if protocol == "negotiate" else spnego.NegotiateOptions.none,
        )
        answer = await self.send(f"{scheme} {encoded(context.step())}", early)
        if answer.status != 401:
            return answer
        [offer] = answer.headers.getall("WWW-Authenticate")
        assert offer.startswith(f"{scheme} ")
        return await self.send(f"{scheme} {encoded(context.step(change(base64.b64decode(offer.split()[1]))))}")

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.lab.attempts.read()]


def encoded(token: bytes | None) -> str:
    assert token
    return base64.b64encode(token).decode()


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Connect]:
    """Give a function that starts the lab with these dials and connects to it."""
    open_things: list[Any] = []
    authority = LabAuthority(tmp_path)

    async def connected(*, tls: bool = False, now: Callable[[], datetime] | None = None, **dials: Any) -> Client:
        lab = LabExchange(
            mailboxes=[
                LabMailbox(address="alice@acme.test", display_name="Alice Martin", upn="am@corp.test"),
                LabMailbox(address="bob@acme.test", display_name="Bob Martin"),
            ],
            password=PASSWORD,
            now=now or (lambda: datetime.now(UTC)),
            random=random.Random(5).random,
            **dials,
        )
        await lab.start(ssl=authority.server_context() if tls else None)
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        open_things.extend((session.close, lab.stop))
        return Client(lab, session, authority.client_context() if tls else None)

    yield connected
    for close in open_things:
        await close()


def bindings_of(client: Client, digest: bytes | None = None) -> GssChannelBindings:
    """Bind to the lab's certificate, which its authority signs with SHA-256, or to a digest of another."""
    host, _, port = client.lab.base.removeprefix("https://").partition(":")
    own = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
    return GssChannelBindings(application_data=b"tls-server-end-point:" + (digest or hashlib.sha256(own).digest()))


async def bound(client: Client, digest: bytes | None = None) -> GssChannelBindings:
    return await asyncio.to_thread(bindings_of, client, digest)


def with_zero_binding(challenge: bytes) -> bytes:
    """Let the client copy sixteen zero bytes from the challenge's AV pairs; without a time it sends no MIC."""
    length, _, offset = struct.unpack_from("<HHI", challenge, 40)
    pairs, rest = b"", challenge[offset : offset + length]
    while rest[:2] != b"\0\0":
        size = 4 + struct.unpack_from("<H", rest, 2)[0]
        pairs += b"" if rest[:2] == b"\x07\0" else rest[:size]
        rest = rest[size:]
    pairs += struct.pack("<HH", 10, 16) + bytes(16) + bytes(4)
    field = struct.pack("<HHI", len(pairs), len(pairs), len(challenge))
    return challenge[:40] + field + challenge[48:] + pairs


async def test_stock_exchange_offers_negotiate_and_ntlm(connect: Connect) -> None:
    client = await connect(auth_schemes=["Negotiate", "NTLM"])
    answer = await client.send()
    assert answer.status == 401
    assert answer.headers.getall("WWW-Authenticate") == ["Negotiate", "NTLM"]
    basic = await client.send("Basic " + encoded(f"svc-rainbow:{PASSWORD}".encode()))
    assert basic.status == 401
    assert client.outcomes() == ["not offered"]


async def test_basic_is_offered_with_its_realm_and_bearer_to_those_who_ask(connect: Connect) -> None:
    client = await connect(auth_schemes=["Basic", "Bearer"])
    realm = f'Basic realm="{client.lab.base.removeprefix("http://")}"'
    assert (await client.send()).headers.getall("WWW-Authenticate") == [realm]
    basic, bearer = (await client.send("Bearer")).headers.getall("WWW-Authenticate")
    assert basic == realm
    assert bearer.startswith('Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="')
    assert client.outcomes() == []


@pytest.mark.parametrize(("scheme", "protocol"), [("NTLM", "ntlm"), ("Negotiate", "ntlm"), ("Negotiate", "negotiate")])
async def test_ntlm_bare_and_wrapped(connect: Connect, scheme: str, protocol: str) -> None:
    client = await connect(auth_schemes=["Negotiate", "NTLM"])
    answer = await client.handshake(scheme=scheme, protocol=protocol)
    assert (answer.status, answer.headers["Persistent-Auth"]) == (200, "true")
    assert [each.startswith("Negotiate ") for each in answer.headers.getall("WWW-Authenticate", [])] == [True] * (
        protocol == "negotiate"
    )
    first, second = client.lab.attempts.read()
    assert (first["outcome"], first["content_length"], first["account"]) == ("challenged", 0, "")
    assert (second["outcome"], second["scheme"], second["account"]) == ("accepted", scheme, "svc-rainbow")
    assert (second["service"], second["binding"], second["content_length"]) == (
        "HTTP/exch01.acme.test", "no TLS", len(ZONES)
    )  # fmt: skip
    assert first["connection"] == second["connection"]
    assert PASSWORD not in str(client.lab.attempts.read())


async def test_the_connection_stays_authenticated_and_no_other_does(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"])
    await client.handshake()
    later = await client.send()
    assert (later.status, "Persistent-Auth" in later.headers) == (200, False)
    async with aiohttp.ClientSession() as other, other.post(client.lab.url, data=ZONES) as answer:
        assert answer.status == 401
    first, second, third, other_one = client.lab.record.read()
    assert first["connection"] == second["connection"] == third["connection"] != other_one["connection"]
    assert (third["account"], other_one["account"]) == ("svc-rainbow", "")


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("ACME\\svc-rainbow", "svc-rainbow"),
        ("acme.test\\svc-rainbow", "svc-rainbow"),
        ("svc-rainbow@acme.test", "svc-rainbow"),
        ("SVC-Rainbow", "svc-rainbow"),
        ("ACME\\alice", "alice@acme.test"),
        ("am@corp.test", "alice@acme.test"),
        ("bob@acme.test", "bob@acme.test"),
    ],
)
async def test_names_of_accounts(connect: Connect, user: str, account: str) -> None:
    client = await connect(auth_schemes=["NTLM"])
    assert (await client.handshake(user)).status == 200
    assert client.lab.record.read()[-1]["account"] == account


@pytest.mark.parametrize("user", ["OTHER\\svc-rainbow", "svc-rainbow@other.test", "nobody", "x:y"])
async def test_unknown_accounts(connect: Connect, user: str) -> None:
    client = await connect(auth_schemes=["NTLM"])
    assert (await client.handshake(user)).status == 401
    assert client.outcomes() == ["challenged", "unknown account"]
    assert client.lab.attempts.read(outcome="unknown account")[0]["account"] == user


async def test_a_wrong_password_is_refused_with_the_offers(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"])
    answer = await client.handshake(password="wrong")
    assert (answer.status, answer.headers.getall("WWW-Authenticate")) == (401, ["NTLM"])
    assert client.outcomes() == ["challenged", "wrong password"]
    assert (await client.send()).status == 401


async def test_accounts_lock_after_so_many_wrong_passwords_in_a_row(connect: Connect) -> None:
    client = await connect(auth_schemes=["Basic", "NTLM"], lock_out_after=2)
    wrong = "Basic " + encoded(b"svc-rainbow:wrong")
    assert (await client.send(wrong)).status == 401
    assert (await client.handshake()).status == 200
    assert (await client.send(wrong)).status == 401
    assert (await client.handshake(password="wrong")).status == 401
    assert (await client.handshake()).status == 401
    assert client.outcomes() == [
        "wrong password", "challenged", "accepted", "wrong password", "challenged", "wrong password", "challenged",
        "locked",
    ]  # fmt: skip
    assert client.lab.dials.locked_accounts == ["svc-rainbow"]
    assert (await client.handshake("alice@acme.test")).status == 200


async def test_expired_and_further_accounts(connect: Connect) -> None:
    client = await connect(
        auth_schemes=["NTLM"],
        expired_accounts=["svc-rainbow"],
        service_accounts=["svc-second"],
        passwords={"svc-second": "another"},
    )
    assert (await client.handshake()).status == 401
    assert (await client.handshake("svc-second")).status == 401
    assert (await client.handshake("ACME\\svc-second", password="another")).status == 200
    assert client.outcomes()[1::2] == ["expired", "wrong password", "accepted"]


LET_IN = {
    ("none", "right"): True, ("none", "wrong"): True, ("none", "zero"): True, ("none", "absent"): True,
    ("allow", "right"): True, ("allow", "wrong"): False, ("allow", "zero"): False, ("allow", "absent"): True,
    ("require", "right"): True, ("require", "wrong"): False, ("require", "zero"): False, ("require", "absent"): False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("level", "sent", "scheme", "protocol"),
    [
        (level, sent, scheme, protocol)
        for level, sent in LET_IN
        for scheme, protocol in (("NTLM", "ntlm"), ("Negotiate", "ntlm"), ("Negotiate", "negotiate"))
        if (sent, protocol) != ("zero", "negotiate")  # `with_zero_binding` knows bare NTLM only
    ],
)
async def test_extended_protection(connect: Connect, level: str, sent: str, scheme: str, protocol: str) -> None:
    client = await connect(tls=True, auth_schemes=["Negotiate", "NTLM"], extended_protection=level)
    bindings = {"right": await bound(client), "wrong": await bound(client, bytes(32))}.get(sent)
    change = with_zero_binding if sent == "zero" else bytes
    answer = await client.handshake(scheme=scheme, protocol=protocol, bindings=bindings, change=change)
    attempt = client.lab.attempts.read()[-1]
    assert (answer.status == 200, attempt["binding"]) == (LET_IN[level, sent], sent)
    assert attempt["outcome"] == ("accepted" if LET_IN[level, sent] else "bad binding")


async def test_what_is_bound_is_the_certificate_of_this_server(connect: Connect) -> None:
    """The binding of one server is worth nothing at another, as behind a balancer that ends TLS."""
    one = await connect(tls=True, auth_schemes=["NTLM"], extended_protection="require")
    other = await connect(tls=True, auth_schemes=["NTLM"], extended_protection="require")
    assert (await other.handshake(bindings=await bound(one))).status == 401
    assert other.outcomes()[-1] == "bad binding"
    assert other.lab.dials.locked_accounts == []


@pytest.mark.parametrize(("level", "status"), [("none", 200), ("allow", 200), ("require", 401)])
async def test_extended_protection_without_tls(connect: Connect, level: str, status: int) -> None:
    client = await connect(auth_schemes=["NTLM"], extended_protection=level)
    assert (await client.handshake()).status == status
    assert client.lab.attempts.read()[-1]["binding"] == "no TLS"


async def test_early_bodies_are_recorded_and_can_be_refused(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"])
    assert (await client.handshake(early=ZONES)).status == 200
    assert client.lab.attempts.read(outcome="challenged")[0]["content_length"] == len(ZONES)
    client.lab.dials.turn({"refuse_early_bodies": True})
    assert (await client.handshake(early=ZONES)).status == 413
    assert client.outcomes()[-1] == "early body"
    assert (await client.handshake()).status == 200


async def test_authenticated_connections_are_recycled(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"], authenticated_requests=2)
    assert (await client.handshake()).status == 200
    assert [(await client.send()).status for _ in range(2)] == [200, 401]
    assert (await client.handshake()).status == 200
    async with client.http.delete(f"{client.lab.base}/lab/connections") as answer:
        assert await answer.json() == {"forgotten": 1}
    assert (await client.send()).status == 401


async def test_balancing_per_request_breaks_handshakes(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"], balanced_per_request=True)
    assert (await client.handshake()).status == 401
    assert client.outcomes() == ["challenged", "no handshake"]


@pytest.mark.parametrize(
    "written", ["NTLM", "NTLM !!!", "NTLM AAAA", "Negotiate YIIB", "Basic /w==", "NTLM TlRMTVNTUAABAAAA"]
)
async def test_what_is_no_token_is_refused(connect: Connect, written: str) -> None:
    client = await connect(auth_schemes=["Negotiate", "NTLM", "Basic"])
    assert (await client.send(written)).status == 401
    assert client.outcomes() == ["malformed"]


async def test_a_proxy_in_front_may_name_the_account(connect: Connect) -> None:
    client = await connect(auth_schemes=["Negotiate"], trusted_user_header="X-Remote-User")
    for name, status in {"svc-rainbow@ACME.TEST": 200, "ACME\\svc-rainbow": 200, "": 401, "nobody": 401}.items():
        async with client.http.post(client.lab.url, data=ZONES, headers={"X-Remote-User": name}) as answer:
            assert (name, answer.status) == (name, status)
    client.lab.dials.turn({"trusted_user_header": ""})
    async with client.http.post(client.lab.url, data=ZONES, headers={"X-Remote-User": "svc-rainbow"}) as answer:
        assert answer.status == 401


async def ask_for_token(client: Client, **form: str) -> tuple[int, Any]:
    async with client.http.post(client.lab.token_url, data=form) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_bearer_tokens_are_given_and_expire(connect: Connect) -> None:
    moment = [datetime(2026, 1, 5, 9, 0, tzinfo=UTC)]
    client = await connect(now=lambda: moment[0], auth_schemes=["Bearer"], oauth_token_seconds=600)
    right = {"grant_type": "client_credentials", "client_id": "lab-connector", "client_secret": "lab-secret"}
    status, given = await ask_for_token(client, **right)
    assert (status, given["token_type"], given["expires_in"]) == (200, "bearer", 600)
    assert (await client.send(f"Bearer {given['access_token']}")).status == 200
    assert client.lab.record.read()[-1]["account"] == "svc-rainbow"
    assert (await client.send(f"Bearer {given['access_token']}x")).status == 401
    moment[0] += timedelta(seconds=600)
    assert (await client.send(f"Bearer {given['access_token']}")).status == 401
    given = (await ask_for_token(client, **right))[1]
    async with client.http.delete(f"{client.lab.base}/lab/tokens") as answer:
        assert await answer.json() == {"forgotten": 2}
    assert (await client.send(f"Bearer {given['access_token']}")).status == 401
    assert [each["outcome"] for each in client.lab.attempts.read() if each["scheme"] == "Bearer"] == [
        "accepted", "bad token", "bad token", "bad token"
    ]  # fmt: skip


async def test_wrong_requests_for_tokens(connect: Connect) -> None:
    client = await connect(auth_schemes=["Bearer"])
    right = {"grant_type": "client_credentials", "client_id": "lab-connector", "client_secret": "lab-secret"}
    for change, error in (
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ):
        status, said = await ask_for_token(client, **right | change)
        assert (status, said["error"]) == (400, error)
    headers = {"Authorization": "Basic " + encoded(b"lab-connector:wrong")}
    async with client.http.post(client.lab.token_url, data={"grant_type": "client_credentials"}, headers=headers) as no:
        assert (no.status, (await no.json())["error"]) == (401, "invalid_client")
    assert client.outcomes() == ["wrong password", "unknown account", "malformed", "malformed", "wrong password"]
    client.lab.dials.turn({"token_status": 503})
    async with client.http.post(client.lab.token_url, data=right) as down:
        assert down.status == 503


async def test_the_record_is_read_over_the_labs_wire(connect: Connect) -> None:
    client = await connect(auth_schemes=["NTLM"])
    await client.handshake("ACME\\alice", password="wrong")
    await client.handshake("ACME\\bob")
    address = f"{client.lab.base}/lab/attempts"
    async with client.http.get(address, params={"account": "ACME\\alice"}) as answer:
        [found] = await answer.json()
    assert (found["number"], found["scheme"], found["outcome"]) == (2, "NTLM", "wrong password")
    async with client.http.get(address, params={"since": "2", "outcome": "accepted"}) as answer:
        assert [each["number"] for each in await answer.json()] == [4]
    async with client.http.delete(address) as answer:
        assert answer.status == 200
    assert client.outcomes() == []


@pytest.mark.parametrize("dials", [{"auth_schemes": ["Digest"]}, {"extended_protection": "maybe"}])
async def test_positions_that_no_server_has(connect: Connect, dials: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(dials))):
        await connect(**dials)
