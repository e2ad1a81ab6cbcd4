"""The product signs in by Kerberos and by NTLM at an Apache (mod_auth_gssapi) in front of the lab's Exchange."""

import asyncio
import importlib.util
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, Tried
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.windows_auth import WindowsAuth
from rainbow_exchange.lab.exchange.calendar import details_from

PASSWORD = "lab-password"
Make = Callable[..., EwsClient]

pytestmark = pytest.mark.peer
needs_gssapi = pytest.mark.skipif(
    importlib.util.find_spec("gssapi") is None, reason="no gssapi (pip install 'rainbow-exchange[kerberos]')"
)


@pytest.fixture
async def make(front: Any, exchange: Any) -> AsyncIterator[Make]:  # noqa: ARG001  (the lab must run)
    """Give a function that makes a client of one of Apache's sites."""
    made: list[EwsClient] = []

    def client(site: str, auth: Any) -> EwsClient:
        trust = ssl.create_default_context(cafile=front.ca_file)
        made.append(EwsClient(url=front.url(site), auth=auth, ssl=trust, now=lambda: datetime.now(UTC)))
        return made[-1]

    yield client
    for each in made:
        await each.__aexit__(None)


def nobody(**given: Any) -> WindowsAuth:
    """Sign in as whoever a ticket or a keytab says."""
    return WindowsAuth(username=None, password=None, host="localhost", **given)


async def resolved(client: EwsClient) -> str:
    """Ask for Bob, and give his address."""
    [found] = await client.call(ResolveNames(entry="bob"))
    return found.primary_address


@needs_gssapi
@pytest.mark.parametrize("site", ["kerberos", "both"])
async def test_a_ticket_cache_needs_no_password(
    make: Make, exchange: Any, answers: Any, member: Any, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    monkeypatch.setenv("KRB5CCNAME", await asyncio.to_thread(member.ticket_cache, f"cache-{site}"))
    assert await resolved(make(site, nobody())) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    assert (await answers.first(2))[-1] == (site, "svc-rainbow@ACME.TEST", "200")


@needs_gssapi
async def test_a_keytab_needs_no_password(
    make: Make, exchange: Any, answers: Any, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(member.keytab))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{member.here / 'from-keytab'}")
    assert await resolved(make("kerberos", nobody())) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    assert (await answers.first(2))[-1] == ("kerberos", "svc-rainbow@ACME.TEST", "200")


@needs_gssapi
@pytest.mark.usefixtures("member")
async def test_a_password_gets_a_ticket(make: Make, exchange: Any, answers: Any) -> None:
    auth = AutoAuth(username="svc-rainbow@acme.test", password=PASSWORD, host="localhost")
    assert await resolved(make("both", auth)) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    assert (await answers.first(2))[-1] == ("both", "svc-rainbow@ACME.TEST", "200")


@needs_gssapi
async def test_a_password_is_shown_to_the_domain_controller_once_for_all_connections(
    make: Make, exchange: Any, member: Any
) -> None:
    client = make("kerberos", AutoAuth(username="svc-rainbow@acme.test", password=PASSWORD, host="localhost"))
    before = member.log().count("AS_REQ")
    await resolved(client)
    first = member.log().count("AS_REQ")
    assert first > before
    await asyncio.gather(*(resolved(client) for _ in range(4)))
    assert member.log().count("AS_REQ") == first
    assert len(exchange.record.read()) == 5


@needs_gssapi
async def test_a_stream_over_kerberos(make: Make, exchange: Any, member: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5CCNAME", await asyncio.to_thread(member.ticket_cache, "cache-stream"))
    client = make("kerberos", nobody())
    subscription = await client.call(Subscribe(mailbox_address="bob@acme.test"))
    wanted = GetStreamingEvents(subscription_ids=(subscription.subscription_id,), connection_timeout_minutes=1)
    async with asyncio.timeout(20), client.stream(wanted) as messages:
        first = await anext(messages)
        assert first.error is None
        noon = {"start": "2026-03-02T12:00:00Z", "end": "2026-03-02T13:00:00Z"}
        exchange.directory.by_address["bob@acme.test"].calendar.create(details_from(noon))
        later = await anext(messages)
    assert later.notifications


@needs_gssapi
async def test_a_wrong_password_is_one_attempt_at_the_domain_controller(
    make: Make, exchange: Any, answers: Any, member: Any
) -> None:
    """Not one by Kerberos and another by NTLM."""
    before = member.log().count("PREAUTH_FAILED")
    client = make("both", AutoAuth(username="svc-rainbow@acme.test", password="wrong", host="localhost"))
    with pytest.raises(EwsAuthenticationError) as raised:
        await resolved(client)
    assert raised.value.tried == Tried(scheme="Negotiate", stage="kerberos", reason="wrong-password")
    for _ in range(3):
        with pytest.raises(EwsAuthenticationError):
            await resolved(client)
    assert member.log().count("PREAUTH_FAILED") == before + 1
    assert await answers.first(1) == [("both", "-", "401")]
    assert exchange.record.read() == []


@needs_gssapi
@pytest.mark.usefixtures("member")
@pytest.mark.parametrize(
    ("username", "reason"),
    [
        ("svc-locked@acme.test", "locked"),
        ("svc-expired@acme.test", "password-expired"),
        ("svc-rainbow@acme.test", "wrong-password"),
    ],
)
async def test_what_the_domain_controller_says_is_named(
    make: Make, exchange: Any, answers: Any, username: str, reason: str
) -> None:
    password = "wrong" if reason == "wrong-password" else PASSWORD
    with pytest.raises(EwsAuthenticationError) as raised:
        await resolved(make("both", AutoAuth(username=username, password=password, host="localhost")))
    assert raised.value.tried == Tried(scheme="Negotiate", stage="kerberos", reason=reason)
    assert await answers.first(1) == [("both", "-", "401")]
    assert exchange.record.read() == []


@needs_gssapi
async def test_a_server_that_wants_a_ticket_for_each_request(
    make: Make, exchange: Any, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site "kerberos" forgets who a connection was; the next request on it is signed in anew."""
    monkeypatch.setenv("KRB5CCNAME", await asyncio.to_thread(member.ticket_cache, "cache-each"))
    client = make("kerberos", nobody())
    for _ in range(3):
        assert await resolved(client) == "bob@acme.test"
    assert len(exchange.record.read()) == 3


@needs_gssapi
@pytest.mark.usefixtures("member")
async def test_without_a_ticket_the_reason_is_named(make: Make, exchange: Any) -> None:
    with pytest.raises(EwsConnectionError) as raised:
        await resolved(make("kerberos", nobody()))
    assert (raised.value.kind, raised.value.detail) == ("kerberos", "no-ticket")
    assert exchange.record.read() == []


@needs_gssapi
async def test_a_ticket_for_a_name_that_the_realm_does_not_know(
    make: Make, member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5CCNAME", await asyncio.to_thread(member.ticket_cache, "cache-name"))
    other = WindowsAuth(username=None, password=None, host="mail.acme.test")
    with pytest.raises(EwsConnectionError) as raised:
        await resolved(make("kerberos", other))
    assert (raised.value.kind, raised.value.detail) == ("kerberos", "unknown-service")


@pytest.mark.parametrize("site", ["ntlm", "both"])
@pytest.mark.parametrize("allowed", [("NTLM",), ("Negotiate", "NTLM")])
async def test_ntlm(make: Make, exchange: Any, answers: Any, site: str, allowed: tuple[str, ...]) -> None:
    auth = WindowsAuth(username="ACME\\svc-rainbow", password=PASSWORD, host="localhost", allowed=allowed)
    client = make(site, auth)
    assert await resolved(client) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    # what is on offer, the handshake, the request
    assert [status for _, _, status in await answers.first(3)] == ["401", "401", "200"]
    assert (await answers.first(3))[-1] == (site, "ACME\\\\svc-rainbow", "200")
    assert await resolved(client) == "bob@acme.test"
    assert len(await answers.first(4)) == 4  # the connection stays signed in


async def test_a_wrong_password_is_one_attempt_by_ntlm(make: Make, exchange: Any, answers: Any) -> None:
    client = make("ntlm", AutoAuth(username="ACME\\svc-rainbow", password="wrong", host="localhost"))
    with pytest.raises(EwsAuthenticationError) as raised:
        await resolved(client)
    assert raised.value.tried == Tried(scheme="NTLM", stage="proof")
    for _ in range(3):
        with pytest.raises(EwsAuthenticationError):
            await resolved(client)
    # what is on offer, the handshake, its refusal: once
    assert [status for _, _, status in await answers.first(3)] == ["401", "401", "401"]
    assert exchange.record.read() == []
