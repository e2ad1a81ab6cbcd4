"""Another certificate while the lab's Exchange runs: new connections see it, and sign-ins are bound to it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.windows_auth import NTLM, WindowsAuth
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority


@pytest.fixture
def authority(tmp_path: Path) -> LabAuthority:
    return LabAuthority(tmp_path)


@pytest.fixture
async def lab(authority: LabAuthority) -> AsyncIterator[LabExchange]:
    made = LabExchange(
        mailboxes=[LabMailbox(address="ada@acme.test", display_name="Ada")],
        password="pw",
        now=lambda: datetime.now(UTC),
        random=lambda: 0.5,
        auth_schemes=["NTLM"],
        extended_protection="require",
    )
    context = authority.server_context()
    await made.start(ssl=context, renew=partial(authority.renew, context))
    yield made
    await made.stop()


async def asked(lab: LabExchange, authority: LabAuthority) -> datetime:
    """Sign in bound to the certificate; return when that ends."""
    auth = WindowsAuth(username="svc-rainbow", password="pw", host="127.0.0.1", allowed=(NTLM,))
    context = authority.client_context()
    async with EwsClient(url=lab.url, auth=auth, ssl=context, now=lambda: datetime.now(UTC)) as client:
        await client.call(ResolveNames(entry="ada"))
        assert client.certificate is not None
        return x509.load_der_x509_certificate(client.certificate).not_valid_after_utc


async def put(lab: LabExchange, authority: LabAuthority, kind: str) -> int:
    async with aiohttp.ClientSession() as http:
        answer = await http.put(f"{lab.base}/lab/certificate", json={"kind": kind}, ssl=authority.client_context())
        return answer.status


async def test_new_connections_see_it_and_sign_ins_are_bound_to_it(lab: LabExchange, authority: LabAuthority) -> None:
    before = await asked(lab, authority)
    assert await put(lab, authority, "expires-soon") == 200
    after = await asked(lab, authority)
    assert (before - after).days == pytest.approx(359, abs=1)


async def test_a_connection_stays_bound_to_the_certificate_that_it_began_with(
    lab: LabExchange, authority: LabAuthority
) -> None:
    auth = WindowsAuth(username="svc-rainbow", password="pw", host="127.0.0.1", allowed=(NTLM,))
    context = authority.client_context()
    async with EwsClient(url=lab.url, auth=auth, ssl=context, now=lambda: datetime.now(UTC)) as client:
        await client.call(ResolveNames(entry="ada"))
        assert await put(lab, authority, "expires-soon") == 200
        async with aiohttp.ClientSession() as http, http.delete(f"{lab.base}/lab/connections", ssl=context) as answer:
            assert answer.status == 200
        await client.call(ResolveNames(entry="ada"))
    signed_in = [each for each in lab.attempts.read() if each["outcome"] == "accepted"]
    assert [each["binding"] for each in signed_in] == ["right", "right"]
    assert len({each["connection"] for each in signed_in}) == 1, "the same TLS connection"


async def test_what_cannot_be_is_refused(lab: LabExchange, authority: LabAuthority) -> None:
    assert await put(lab, authority, "old-tls") == 400
    await asked(lab, authority)
