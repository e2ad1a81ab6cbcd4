"""Each certificate that a server is found with, and what the administrator reads: text and next step, literally."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from rainbow_exchange.bridge.causes import Cause, exchange_cause, rainbow_cause
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import Kind, LabAuthority
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from tests.verdicts import EXPECTED, day, now


async def asked(url: str, trusted: Path | None) -> None:
    auth = BasicAuth("svc-rainbow", "pw")
    async with EwsClient(url=url, auth=auth, ssl=client_context(trusted), now=now) as client:
        await client.call(ResolveNames(entry="ada"))


async def exchange_says(url: str, trusted: Path | None = None) -> Cause:
    with pytest.raises(EwsConnectionError) as raised:
        await asked(url, trusted)
    return exchange_cause(raised.value, url)


async def rainbow_says(url: str) -> Cause:
    client = RainbowClient(
        url=url,
        login="connector@acme.test",
        password="pw",
        app_id="app",
        app_secret="secret",
        company_id=None,
        ssl=client_context(),
        now=now,
        random=lambda: 0.0,
    )
    with pytest.raises(RainbowConnectionError) as raised:
        async with client:
            await client.login()
    return rainbow_cause(raised.value, url)


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Run the lab's Exchange with this certificate; give its address."""
    mailbox = LabMailbox(address="ada@acme.test", display_name="Ada")
    lab = LabExchange(mailboxes=[mailbox], password="pw", now=now, random=Random(1).random)
    await lab.start(ssl=context)
    try:
        yield lab.url
    finally:
        await lab.stop()


@pytest.fixture
def authority(tmp_path: Path) -> LabAuthority:
    return LabAuthority(tmp_path)


async def test_what_the_ca_file_vouches_for_is_trusted(authority: LabAuthority) -> None:
    async with serving(authority.server_context()) as url:
        await asked(url, authority.ca_file)


@pytest.mark.parametrize(("kind", "trusting", "text", "action"), EXPECTED, ids=[each[0] for each in EXPECTED])
async def test_what_is_wrong_is_named_with_the_next_step(
    authority: LabAuthority, kind: Kind, trusting: bool, text: str, action: str
) -> None:
    async with serving(authority.server_context(kind=kind)) as url:
        cause = await exchange_says(url, authority.ca_file if trusting else None)
    assert (cause.id, cause.text, cause.action) == ("exchange-certificate", text, action)


async def test_a_certificate_from_tomorrow_is_told_with_this_machines_clock(authority: LabAuthority) -> None:
    async with serving(authority.server_context(kind="not-yet-valid")) as url:
        cause = await exchange_says(url, authority.ca_file)
    begins = f"it is not valid before {day(days=3, hours=12)}, in 3 days; this machine's clock says {day()} "
    assert f"The certificate of 127.0.0.1 is not trusted: {begins}" in cause.text
    assert cause.action == "Check this machine's clock; if it is right, the certificate was put to use too early."


async def test_the_missing_intermediate_can_be_given_in_the_ca_file(authority: LabAuthority, tmp_path: Path) -> None:
    file = tmp_path / "issuing.pem"
    file.write_bytes(authority.issuing_pem)
    async with serving(authority.server_context(kind="no-intermediate")) as url:
        await asked(url, file)


async def test_a_self_signed_certificate_can_be_given_itself(authority: LabAuthority, tmp_path: Path) -> None:
    async with serving(authority.server_context(kind="self-signed")) as url:
        host, _, port = url.removeprefix("https://").partition("/")[0].partition(":")
        file = tmp_path / "server.pem"
        file.write_text(await asyncio.to_thread(ssl.get_server_certificate, (host, int(port))))
        await asked(url, file)


async def test_everything_that_can_be_seen_is_told_at_once(authority: LabAuthority) -> None:
    async with serving(authority.server_context("mail.lab.test", kind="expired")) as url:
        cause = await exchange_says(url)
    assert cause.text == (
        "The certificate of 127.0.0.1 is not trusted: “Lab Issuing CA” in its chain was issued by “Lab Root CA”, which"
        f" this machine does not trust; besides, it expired on {day(days=-10, hours=-12)}, 10 days ago; besides, it is"
        " for mail.lab.test, not for 127.0.0.1."
    )


async def test_an_issuer_that_has_changed_is_told_with_the_one_before(authority: LabAuthority) -> None:
    """As on the morning after a proxy began to inspect."""
    mailbox = LabMailbox(address="ada@acme.test", display_name="Ada")
    lab = LabExchange(mailboxes=[mailbox], password="pw", now=now, random=Random(1).random)
    await lab.start(ssl=authority.server_context())
    auth, port = BasicAuth("svc-rainbow", "pw"), int(lab.base.rpartition(":")[2])
    async with EwsClient(url=lab.url, auth=auth, ssl=client_context(authority.ca_file), now=now) as client:
        await client.call(ResolveNames(entry="ada"))
        await lab.stop()
        await lab.start(port=port, ssl=authority.server_context(kind="unknown-ca"))
        with pytest.raises(EwsConnectionError) as raised:
            await client.call(ResolveNames(entry="ada"))
    await lab.stop()
    assert exchange_cause(raised.value, lab.url).text == (
        "The certificate of 127.0.0.1 is not trusted: “Other Issuing CA” in its chain was issued by “Other Root CA”,"
        " which this machine does not trust. Before, it was one issued by “Lab Issuing CA”."
    )


async def test_requests_that_fail_together_are_all_explained_by_one_look(authority: LabAuthority) -> None:
    async with serving(authority.server_context(kind="expired")) as url:
        auth = BasicAuth("svc-rainbow", "pw")
        async with EwsClient(url=url, auth=auth, ssl=client_context(authority.ca_file), now=now) as client:
            calls = (client.call(ResolveNames(entry=name)) for name in ("ada", "bob", "cleo", "dan"))
            raised = await asyncio.gather(*calls, return_exceptions=True)
    texts = {exchange_cause(error, url).text for error in raised if isinstance(error, EwsConnectionError)}
    assert len(raised) == 4
    assert texts == {
        f"The certificate of 127.0.0.1 is not trusted: it expired on {day(days=-10, hours=-12)}, 10 days ago."
    }


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """Say this to whoever comes; give host and port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_port_without_tls_is_called_so() -> None:
    async with saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as address:
        cause = await exchange_says(f"https://{address}/EWS/Exchange.asmx")
    assert cause.text == "127.0.0.1 does not speak TLS at this port, but plain HTTP."
    assert cause.action.startswith("Check the port in exchange.url: 443 is usual for https.")


async def test_what_speaks_something_else_is_told_by_the_handshakes_own_word() -> None:
    async with saying(b"220 mail.acme.test ESMTP\r\n") as address:
        cause = await exchange_says(f"https://{address}/EWS/Exchange.asmx")
    assert cause.text.startswith("No secure connection with 127.0.0.1: ")
    assert cause.id == "exchange-certificate"


@pytest.mark.parametrize(
    ("kind", "text", "action"),
    [
        (
            "unknown-ca",
            (
                "The certificate of 127.0.0.1 is not trusted: “Other Issuing CA” in its chain was issued by “Other Root"
                " CA”, which this machine does not trust."
            ),
            (
                "127.0.0.1 has a certificate of a public authority. A proxy or firewall on the way seems to open"
                " the connection: have it leave 127.0.0.1 alone, or put the certificate of “Other Root CA” into"
                " this machine's store of trusted root authorities."
            ),
        ),
        (
            "intercepted",
            (
                "The certificate of 127.0.0.1 is not trusted: “Zscaler Intermediate Root CA (lab.test)” in its"
                " chain was issued by “Zscaler Root CA”, which this machine does not trust. This looks like an"
                " intercepting proxy: Zscaler."
            ),
            (
                "127.0.0.1 has a certificate of a public authority. Zscaler on the way seems to open the"
                " connection: have it leave 127.0.0.1 alone, or put the certificate of “Zscaler Root CA” into"
                " this machine's store of trusted root authorities."
            ),
        ),
        (
            "old-tls",
            "No secure connection with 127.0.0.1: it speaks TLS 1.0 at most, and at least TLS 1.2 is needed.",
            "Switch TLS 1.2 on at the server, or have what stands in front of it offer TLS 1.2.",
        ),
    ],
)
async def test_the_same_is_told_of_rainbow(authority: LabAuthority, kind: Kind, text: str, action: str) -> None:
    async with serving(authority.server_context(kind=kind)) as url:
        cause = await rainbow_says(url.removesuffix("/EWS/Exchange.asmx"))
    assert (cause.id, cause.text, cause.action) == ("rainbow-unreachable", text, action)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the system's store is no file there")
async def test_the_systems_store_counts_besides_the_file(
    authority: LabAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store of this system is moved to a file; a CA file of another authority takes nothing from it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    (tmp_path / "other").mkdir()
    other = LabAuthority(tmp_path / "other")
    async with serving(authority.server_context()) as url:
        await asked(url, None)
        await asked(url, other.ca_file)
    async with serving(other.server_context()) as url:
        await asked(url, other.ca_file)
        assert (await exchange_says(url)).id == "exchange-certificate"
