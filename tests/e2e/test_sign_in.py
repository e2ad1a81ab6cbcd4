"""The product's client signs in to the lab's Exchange as it is installed: Negotiate and NTLM, Extended Protection."""

import asyncio
import random
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.bridge.causes import exchange_cause
from rainbow_exchange.config import ExchangeSettings
from rainbow_exchange.config.accounts import accounts
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews import windows_auth
from rainbow_exchange.ews.auth import Authenticator
from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, Tried
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.tokens import TokenSource
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context, unverified_context

PASSWORD = "lab-password"
STOCK: dict[str, Any] = {
    "auth_schemes": ["Negotiate", "NTLM"],
    "extended_protection": "require",
    "refuse_early_bodies": True,
}
OPENSSL = shutil.which("openssl")


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """The lab and the product's client of it."""

    lab: LabExchange
    client: EwsClient

    async def asks(self, times: int = 1) -> None:
        """Send so many requests at once, each to be answered."""
        answers = await asyncio.gather(*(self.client.call(ResolveNames(entry="alice")) for _ in range(times)))
        assert {each.primary_address for [each] in answers} == {"alice@acme.test"}

    async def refused(self) -> EwsAuthenticationError:
        with pytest.raises(EwsAuthenticationError) as raised:
            await self.client.call(ResolveNames(entry="alice"))
        return raised.value

    def shown(self) -> str:
        """What status says of a sign-in that is refused, and what to do."""
        refusal = self.client.refused
        assert refusal is not None
        retried = self.client.seconds_to_next_try() is not None
        cause = exchange_cause(refusal, "https://mail.acme.test/EWS/Exchange.asmx", retried=retried)
        return f"{cause.id}: {cause.text} {cause.action}"

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.lab.attempts.read()]


Meet = Callable[..., Awaitable[Meeting]]


def account(username: str = "ACME\\svc-rainbow", password: str = PASSWORD) -> Authenticator:
    return AutoAuth(username=username, password=password, host="localhost")


@pytest.fixture
async def meet(tmp_path: Path) -> AsyncIterator[Meet]:
    """Give a function that starts a lab with the certificate of a company's authority, and a client that trusts it."""
    async with AsyncExitStack() as stack:

        async def made(
            auth: Authenticator | None = None,
            *,
            tls: ssl.SSLContext | None = None,
            ca: Path | None = None,
            **dials: Any,
        ) -> Meeting:
            authority = LabAuthority(tmp_path)
            lab = LabExchange(
                mailboxes=[LabMailbox(address="alice@acme.test", display_name="Alice Martin", right="reviewer")],
                password=PASSWORD,
                now=lambda: datetime.now(UTC),
                random=random.Random(5).random,
                **(STOCK | dials),
            )
            await lab.start(ssl=tls or authority.server_context())
            stack.push_async_callback(lab.stop)
            client = EwsClient(
                url=lab.url.replace("127.0.0.1", "localhost"),
                auth=auth or account(),
                ssl=client_context(ca or authority.ca_file),
                now=lambda: datetime.now(UTC),
            )
            return Meeting(lab=lab, client=await stack.enter_async_context(client))

        yield made


@pytest.mark.parametrize("schemes", [["Negotiate", "NTLM"], ["NTLM"], ["Negotiate"], ["Negotiate", "NTLM", "Basic"]])
@pytest.mark.parametrize("username", ["ACME\\svc-rainbow", "svc-rainbow@acme.test", "svc-rainbow"])
async def test_the_strongest_scheme_with_the_right_binding(meet: Meet, schemes: list[str], username: str) -> None:
    meeting = await meet(account(username), auth_schemes=schemes)
    await meeting.asks()
    first, second = meeting.lab.attempts.read()
    assert (first["outcome"], first["content_length"]) == ("challenged", 0)
    assert (second["outcome"], second["binding"], second["service"]) == ("accepted", "right", "HTTP/localhost")
    assert second["scheme"] in ("NTLM", "Negotiate")
    assert second["account"] == username


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (apt-get install openssl)")
@pytest.mark.parametrize(
    "made",
    [
        "rsa:2048 -sha1",
        "rsa:2048 -sha256",
        "ec -pkeyopt ec_paramgen_curve:P-384 -sha384",
        "rsa:2048 -sha384 -sigopt rsa_padding_mode:pss",
    ],
)
async def test_certificates_of_every_kind_are_bound_to(meet: Meet, tmp_path: Path, made: str) -> None:
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    assert OPENSSL is not None
    command = [
        OPENSSL,
        "req",
        "-x509",
        "-nodes",
        *named,
        "-keyout",
        str(key),
        "-out",
        str(pem),
        "-newkey",
        *made.split(),
    ]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    meeting = await meet(tls=tls, ca=pem)
    await meeting.asks()
    assert meeting.lab.attempts.read()[-1]["binding"] == "right"


async def test_each_connection_is_signed_in_once_and_bodies_come_after_the_first_leg(meet: Meet) -> None:
    meeting = await meet(delay_seconds=0.1)
    await meeting.asks(4)
    await meeting.asks(4)
    accepted = meeting.lab.attempts.read(outcome="accepted")
    assert len({each["connection"] for each in accepted}) == len(accepted) == 4
    unsigned = [each for each in meeting.lab.record.read() if each["code"] == "401"]
    # for each connection: what is on offer, the handshake
    assert [each["content_length"] for each in unsigned] == [0] * 8
    assert meeting.lab.record.counts["ResolveNames"] == 8
    requests = [each["connection"] for each in meeting.lab.record.read(operation="ResolveNames")]
    assert set(requests) == {each["connection"] for each in accepted}


@pytest.mark.parametrize(("schemes", "scheme"), [(["Negotiate", "NTLM"], "Negotiate"), (["NTLM"], "NTLM")])
async def test_where_the_system_makes_the_tokens_they_are_passed_on_as_they_come(
    meet: Meet, monkeypatch: pytest.MonkeyPatch, schemes: list[str], scheme: str
) -> None:
    """As on Windows, but with the library's own SPNEGO around NTLM."""
    monkeypatch.setattr(windows_auth, "BY_SYSTEM", True)
    meeting = await meet(auth_schemes=schemes)
    await meeting.asks()
    first, second = meeting.lab.attempts.read()
    assert (first["outcome"], first["scheme"], first["content_length"]) == ("challenged", scheme, 0)
    assert (second["outcome"], second["binding"], second["service"]) == ("accepted", "right", "HTTP/localhost")

    wrong = await meet(account(password="wrong"), auth_schemes=schemes)
    error = await wrong.refused()
    assert error.tried == Tried(scheme=scheme, stage="proof", binding=True)
    assert wrong.outcomes() == ["challenged", "wrong password"]


async def test_a_stream_is_signed_in_as_well(meet: Meet) -> None:
    meeting = await meet()
    subscribed = await meeting.client.call(Subscribe(mailbox_address="alice@acme.test"))
    wanted = GetStreamingEvents(subscription_ids=(subscribed.subscription_id,), connection_timeout_minutes=1)
    async with asyncio.timeout(20), meeting.client.stream(wanted) as messages:
        assert (await anext(messages)).error is None
        await meeting.asks(2)
    [stream] = meeting.lab.record.read(operation="GetStreamingEvents")
    meanwhile = meeting.lab.record.read(operation="ResolveNames")
    assert stream["connection"] not in {each["connection"] for each in meanwhile}
    assert set(meeting.outcomes()) == {"challenged", "accepted"}


async def test_recycled_connections_are_signed_in_anew_once(meet: Meet) -> None:
    meeting = await meet(authenticated_requests=2)
    for _ in range(5):
        await meeting.asks()
    assert meeting.outcomes() == ["challenged", "accepted"] * 3


async def test_a_wrong_password_is_one_attempt(meet: Meet) -> None:
    meeting = await meet(account(password="wrong"), lock_out_after=2)
    error = await meeting.refused()
    assert error.tried == Tried(scheme="NTLM", stage="proof", binding=True)
    for _ in range(5):
        await meeting.refused()
    assert meeting.outcomes() == ["challenged", "wrong password"]
    assert meeting.lab.dials.locked_accounts == []
    shown = meeting.shown()
    assert "exchange-authentication: Exchange at mail.acme.test refuses the user name or password by NTLM" in shown
    assert "not tried again, not even after a restart, until one of them changes" in shown


@pytest.mark.parametrize("dial", ["locked_accounts", "expired_accounts"])
async def test_a_barred_account_is_one_attempt(meet: Meet, dial: str) -> None:
    meeting = await meet(**{dial: ["svc-rainbow"]})
    for _ in range(3):
        await meeting.refused()
    assert meeting.outcomes() == ["challenged", dial.partition("_")[0]]
    assert "whether the account is locked or disabled or its password has expired" in meeting.shown()


async def test_per_request_balancing_ends_in_a_refusal_not_in_a_loop(meet: Meet) -> None:
    meeting = await meet(balanced_per_request=True)
    await meeting.refused()
    assert meeting.outcomes() == ["challenged", "no handshake"]
    assert "a load balancer may spread the requests of one connection over several servers" in meeting.shown()


async def test_no_password_goes_where_nothing_known_is_offered(meet: Meet) -> None:
    meeting = await meet(auth_schemes=["Bearer"])
    error = await meeting.refused()
    assert error.tried == Tried(scheme="auto", stage="offer")
    assert meeting.outcomes() == []


async def test_behind_a_balancer_that_ends_tls_the_binding_is_of_another_certificate(
    meet: Meet, tmp_path: Path
) -> None:
    """The client binds to what it sees, the balancer's certificate, which is not that of Exchange."""
    meeting = await meet()
    authority = LabAuthority(tmp_path)
    port = int(meeting.lab.base.rpartition(":")[2])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def balance(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port, ssl=unverified_context())
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))
        await asyncio.gather(writer.wait_closed(), inner_writer.wait_closed())
        ended.set()

    ended = asyncio.Event()
    balancer = await asyncio.start_server(balance, "127.0.0.1", ssl=authority.server_context())
    async with (
        balancer,
        EwsClient(
            url=f"https://localhost:{balancer.sockets[0].getsockname()[1]}/EWS/Exchange.asmx",
            auth=account(),
            ssl=client_context(authority.ca_file),
            now=lambda: datetime.now(UTC),
        ) as client,
    ):
        behind = Meeting(lab=meeting.lab, client=client)
        error = await behind.refused()
        assert "suspect Extended Protection" in behind.shown()
        assert "as where a load balancer or proxy in front of it ends TLS" in behind.shown()
        await client.__aexit__(None)
        async with asyncio.timeout(60):
            await ended.wait()
    assert error.tried == Tried(scheme="NTLM", stage="proof", binding=True)
    assert meeting.outcomes() == ["challenged", "bad binding"]
    assert meeting.lab.attempts.read()[-1]["binding"] == "wrong"


def token_login(meeting: Meeting, ca_file: Path, secret: str) -> Login:
    """Sign in by tokens from the lab's endpoint."""
    tokens = TokenSource(
        url=meeting.lab.token_url.replace("127.0.0.1", "localhost"),
        client_id="lab-connector",
        client_secret=secret,
        more={"resource": "https://localhost/"},
        ssl=client_context(ca_file),
    )
    return Login(auth=AutoAuth(username=None, password=None, host="localhost", tokens=True), tokens=tokens)


@asynccontextmanager
async def bearing(meeting: Meeting, ca_file: Path, secret: str) -> AsyncIterator[Meeting]:
    async with EwsClient(
        url=meeting.lab.url.replace("127.0.0.1", "localhost"),
        auth=[token_login(meeting, ca_file, secret)],
        ssl=client_context(ca_file),
        now=lambda: datetime.now(UTC),
    ) as client:
        yield Meeting(lab=meeting.lab, client=client)


def schemes(meeting: Meeting) -> list[tuple[str, str]]:
    return [(each["scheme"], each["outcome"]) for each in meeting.lab.attempts.read()]


async def test_a_bearer_token_serves_many_requests_and_is_fetched_anew_once_refused(meet: Meet, tmp_path: Path) -> None:
    meeting = await meet(auth_schemes=["Negotiate", "NTLM", "Bearer"])
    async with bearing(meeting, tmp_path / "lab-ca.pem", "lab-secret") as bearer:
        await bearer.asks()
        await bearer.asks(3)
        assert schemes(meeting) == [("token", "accepted"), *[("Bearer", "accepted")] * 4]
        assert meeting.lab.record.read()[-1]["account"] == "svc-rainbow"
        async with aiohttp.ClientSession() as http:
            await http.delete(f"{meeting.lab.base}/lab/tokens", ssl=False)
        meeting.lab.attempts.clear()
        await bearer.asks()
    assert schemes(meeting) == [("Bearer", "bad token"), ("token", "accepted"), ("Bearer", "accepted")]


async def test_a_bearer_token_is_renewed_before_it_ends(meet: Meet, tmp_path: Path) -> None:
    meeting = await meet(auth_schemes=["Bearer"], oauth_token_seconds=4)
    async with bearing(meeting, tmp_path / "lab-ca.pem", "lab-secret") as bearer:
        for _ in range(6):
            await bearer.asks()
            await asyncio.sleep(1.1)
    assert {outcome for _, outcome in schemes(meeting)} == {"accepted"}
    assert [scheme for scheme, _ in schemes(meeting)].count("token") >= 3


async def test_a_wrong_client_secret_is_one_attempt(meet: Meet, tmp_path: Path) -> None:
    meeting = await meet(auth_schemes=["Bearer"])
    async with bearing(meeting, tmp_path / "lab-ca.pem", "wrong") as bearer:
        error = await bearer.refused()
        assert error.tried == Tried(scheme="Bearer", stage="token", reason="invalid_client")
        for _ in range(3):
            await bearer.refused()
    assert schemes(meeting) == [("token", "wrong password")]
    assert meeting.lab.record.counts["ResolveNames"] == 0


async def test_a_token_endpoint_that_is_down_is_no_refusal(meet: Meet, tmp_path: Path) -> None:
    meeting = await meet(auth_schemes=["Bearer"], token_status=503)
    async with bearing(meeting, tmp_path / "lab-ca.pem", "lab-secret") as bearer:
        with pytest.raises(EwsConnectionError) as raised:
            await bearer.client.call(ResolveNames(entry="alice"))
        assert raised.value.kind == "token"
        meeting.lab.dials.turn({"token_status": 0})
        with pytest.raises(EwsConnectionError, match="it answered 503"):
            await bearer.asks()  # the endpoint is left alone for a while
        bearer.client.try_again()
        await bearer.asks()


async def test_client_id_and_secret_without_a_token_endpoint_are_user_and_password(meet: Meet) -> None:
    """Rainbow's administration calls them "client id and client secret of the Exchange administrator"."""
    settings = ExchangeSettings(url="https://localhost/EWS/Exchange.asmx", client_id="ACME\\svc-rainbow")
    [found] = accounts(settings, Secrets(exchange_client_secret=PASSWORD))
    assert (found.kind, found.name) == ("password", "ACME\\svc-rainbow (client id, taken as user name)")
    meeting = await meet(account(found.username or "", found.password or ""))
    await meeting.asks()
    assert meeting.outcomes() == ["challenged", "accepted"]
