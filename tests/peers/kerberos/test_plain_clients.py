"""The set-up itself, with pyspnego and aiohttp alone: what the product is to be measured by works without it."""

import asyncio
import base64
import importlib.util
import ssl
from typing import Any

import aiohttp
import pytest
import spnego

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
ZONES = (
    f'<s:Envelope xmlns:s="{SOAP}"><s:Body><m:GetServerTimeZones xmlns:m="{M}" ReturnFullTimeZoneData="false"/>'
    "</s:Body></s:Envelope>"
).encode()
PASSWORD = "lab-password"

pytestmark = pytest.mark.peer
needs_gssapi = pytest.mark.skipif(
    importlib.util.find_spec("gssapi") is None, reason="no gssapi (pip install 'rainbow-exchange[kerberos]')"
)


async def sign_in(front: Any, site: str, scheme: str, context: Any) -> int:
    """Sign in on one connection, the body with the last leg; give the last status."""
    trust = ssl.create_default_context(cafile=front.ca_file)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        token = await asyncio.to_thread(context.step)
        while True:
            authorization = f"{scheme} {base64.b64encode(token).decode()}"
            async with session.post(
                front.url(site), data=ZONES, headers={"Authorization": authorization}, ssl=trust
            ) as answer:
                await answer.read()
                offers = answer.headers.getall("WWW-Authenticate", [])
                challenge = next((each.partition(" ")[2] for each in offers if each.startswith(f"{scheme} ")), "")
            if answer.status != 401 or not challenge:
                return answer.status
            token = await asyncio.to_thread(context.step, base64.b64decode(challenge))


async def test_what_each_site_offers(front: Any, exchange: Any) -> None:
    async with aiohttp.ClientSession() as session:
        for site, offered in {"kerberos": ["Negotiate"], "ntlm": ["Negotiate", "NTLM"]}.items():
            async with session.post(front.url(site), data=ZONES) as answer:
                assert (answer.status, answer.headers.getall("WWW-Authenticate")) == (401, offered)
    assert exchange.record.read() == []


@needs_gssapi
async def test_kerberos(front: Any, exchange: Any, answers: Any, member: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = await asyncio.to_thread(member.ticket_cache, "plain")
    monkeypatch.setenv("KRB5CCNAME", cache)
    context = spnego.client(hostname="localhost", service="HTTP", protocol="kerberos")
    assert await sign_in(front, "kerberos", "Negotiate", context) == 200
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    assert (await answers.first(1))[-1] == ("kerberos", "svc-rainbow@ACME.TEST", "200")


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
async def test_ntlm(front: Any, exchange: Any, scheme: str) -> None:
    context = spnego.client("ACME\\svc-rainbow", PASSWORD, hostname="localhost", service="HTTP", protocol="ntlm")
    assert await sign_in(front, "ntlm", scheme, context) == 200
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"
    wrong = spnego.client("ACME\\svc-rainbow", "wrong", hostname="localhost", service="HTTP", protocol="ntlm")
    assert await sign_in(front, "ntlm", scheme, wrong) == 401


async def test_ntlm_over_tls(front: Any, exchange: Any) -> None:
    context = spnego.client("ACME\\alice", PASSWORD, hostname="localhost", service="HTTP", protocol="ntlm")
    assert await sign_in(front, "both", "NTLM", context) == 200
    assert exchange.record.read()[-1]["account"] == "alice@acme.test"
