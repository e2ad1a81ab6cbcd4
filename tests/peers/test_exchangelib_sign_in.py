"""exchangelib as a control: where it can sign in to the lab's Exchange, the product can, with the same account."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import exchangelib  # type: ignore[import-untyped]  # it ships no types
import pytest
from exchangelib.protocol import BaseProtocol  # type: ignore[import-untyped]  # same

from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context

pytestmark = pytest.mark.peer

PASSWORD = "lab-password"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run a loop in a thread of its own, since exchangelib blocks."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, name="lab")
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(60)
    made.close()


@contextlib.contextmanager
def lab(loop: asyncio.AbstractEventLoop, authority: LabAuthority, *, tls: bool, **dials: Any) -> Iterator[LabExchange]:
    made = LabExchange(
        mailboxes=[LabMailbox(address="alice@acme.test", display_name="Alice Martin", right="reviewer")],
        password=PASSWORD,
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
        **dials,
    )
    context = authority.server_context() if tls else None
    asyncio.run_coroutine_threadsafe(made.start(ssl=context), loop).result(60)
    yield made
    asyncio.run_coroutine_threadsafe(gone(made), loop).result(60)


async def gone(made: LabExchange) -> None:
    """Stop the lab once it has seen that its clients are gone: its loop is closed right after."""
    assert made._runner is not None
    assert made._runner.server is not None
    while made._runner.server.connections:  # noqa: ASYNC110  (a plain list)
        await asyncio.sleep(0.01)
    await made.stop()


def exchangelib_can(
    url: str, username: str, password: str, auth_type: str, authority: LabAuthority, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Let exchangelib ask for Alice."""

    class Trusting(BaseProtocol.HTTP_ADAPTER_CLS):  # type: ignore[misc]  # a class without types
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002  (its form)
            super().cert_verify(conn=conn, url=url, verify=str(authority.ca_file), cert=cert)

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", Trusting)
    configuration = exchangelib.Configuration(
        service_endpoint=url,
        credentials=exchangelib.Credentials(username, password),
        auth_type=auth_type,
        version=exchangelib.Version(exchangelib.version.EXCHANGE_2016),
        retry_policy=exchangelib.FailFast(),
        max_connections=1,
    )
    account = exchangelib.Account(
        "alice@acme.test", config=configuration, autodiscover=False, access_type=exchangelib.IMPERSONATION
    )
    try:
        found = account.protocol.resolve_names(["alice@acme.test"])
    except exchangelib.errors.UnauthorizedError:
        return False
    finally:
        account.protocol.close()
        exchangelib.close_connections()
    return bool(found[0].email_address == "alice@acme.test")


async def we_can(url: str, username: str, password: str, authority: LabAuthority) -> bool:
    """Let the product ask for Alice."""
    auth = AutoAuth(username=username, password=password, host="localhost")
    async with EwsClient(
        url=url, auth=auth, ssl=client_context(authority.ca_file), now=lambda: datetime.now(UTC)
    ) as client:
        try:
            [found] = await client.call(ResolveNames(entry="alice@acme.test"))
        except EwsAuthenticationError:
            return False
    return found.primary_address == "alice@acme.test"


@pytest.mark.parametrize("username", ["ACME\\svc-rainbow", "svc-rainbow@acme.test", "svc-rainbow"])
@pytest.mark.parametrize(
    ("scheme", "tls", "level"),
    [
        ("Basic", False, "none"),
        ("Basic", True, "none"),
        ("NTLM", False, "none"),
        ("NTLM", True, "none"),
        ("NTLM", True, "allow"),
        ("NTLM", True, "require"),
    ],
)
def test_what_it_can_do_we_can(
    loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    username: str,
    scheme: str,
    tls: bool,
    level: str,
) -> None:
    authority = LabAuthority(tmp_path)
    with lab(loop, authority, tls=tls, auth_schemes=[scheme], extended_protection=level) as made:
        url = made.url.replace("127.0.0.1", "localhost")
        kind = exchangelib.BASIC if scheme == "Basic" else exchangelib.NTLM
        assert exchangelib_can(url, username, PASSWORD, kind, authority, monkeypatch)
        theirs = made.attempts.read()[-1]
        made.attempts.clear()
        assert asyncio.run(we_can(url, username, PASSWORD, authority))
        ours = made.attempts.read()[-1]
    for field in ("scheme", "account", "outcome", "binding"):
        assert (field, ours[field]) == (field, theirs[field])


@pytest.mark.parametrize("scheme", ["Basic", "NTLM"])
def test_what_is_refused_to_it_is_refused_to_us(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    authority = LabAuthority(tmp_path)
    with lab(loop, authority, tls=True, auth_schemes=[scheme]) as made:
        url = made.url.replace("127.0.0.1", "localhost")
        kind = exchangelib.BASIC if scheme == "Basic" else exchangelib.NTLM
        assert not exchangelib_can(url, "svc-rainbow", "wrong", kind, authority, monkeypatch)
        theirs = made.attempts.read(outcome="wrong password")
        made.attempts.clear()
        assert not asyncio.run(we_can(url, "svc-rainbow", "wrong", authority))
        assert len(made.attempts.read(outcome="wrong password")) == 1
        assert theirs
