"""exchangelib as a control: Kerberos by a ticket cache and NTLM at the same Apache."""

import asyncio
import importlib.util
from typing import Any

import exchangelib  # type: ignore[import-untyped]  # it ships no types
import pytest

pytestmark = pytest.mark.peer

PASSWORD = "lab-password"


def bob(url: str, kind: str, credentials: Any) -> str:
    """Let exchangelib ask for Bob; give his address."""
    configuration = exchangelib.Configuration(
        service_endpoint=url,
        credentials=credentials,
        auth_type=kind,
        version=exchangelib.Version(exchangelib.version.EXCHANGE_2016),
        retry_policy=exchangelib.FailFast(),
        max_connections=1,
    )
    account = exchangelib.Account(
        "bob@acme.test", config=configuration, autodiscover=False, access_type=exchangelib.IMPERSONATION
    )
    try:
        found = account.protocol.resolve_names(["bob@acme.test"])
    finally:
        account.protocol.close()
        exchangelib.close_connections()
    return str(found[0].email_address)


@pytest.mark.skipif(
    importlib.util.find_spec("requests_gssapi") is None, reason="no requests-gssapi (pip install --group peers)"
)
async def test_kerberos(front: Any, exchange: Any, member: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRB5CCNAME", await asyncio.to_thread(member.ticket_cache, "exchangelib"))
    assert await asyncio.to_thread(bob, front.url("kerberos"), exchangelib.GSSAPI, None) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"


async def test_ntlm(front: Any, exchange: Any) -> None:
    credentials = exchangelib.Credentials("ACME\\svc-rainbow", PASSWORD)
    assert await asyncio.to_thread(bob, front.url("ntlm"), exchangelib.NTLM, credentials) == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
