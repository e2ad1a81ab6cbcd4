"""Kerberos is bound to the server's certificate: MIT's own acceptor compares what the product sends.

It lets in a client that sends no binding at all, but none that sends another than its own. So two servers prove it: one
that binds to its certificate lets the product in, one that binds to something else does not.
"""

import asyncio
import base64
import hashlib
import importlib.util
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import spnego
from aiohttp import web
from spnego.channel_bindings import GssChannelBindings

from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.windows_auth import WindowsAuth
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        importlib.util.find_spec("gssapi") is None, reason="no gssapi (pip install 'rainbow-exchange[kerberos]')"
    ),
]

Bound = Callable[[bytes | None], Awaitable[EwsClient]]


@pytest.fixture
async def bound(exchange: Any, member: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Bound]:
    """Give a function that runs a server with TLS in front of the lab, which binds to a digest, and a client of it."""
    monkeypatch.setenv("KRB5_KTNAME", str(member.here / "http.keytab"))
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(member.keytab))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    authority = LabAuthority(tmp_path)
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(aiohttp.ClientSession())

        async def made(digest: bytes | None) -> EwsClient:
            bindings = GssChannelBindings(application_data=b"tls-server-end-point:")

            async def answer(request: web.Request) -> web.Response:
                body = await request.read()
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if scheme != "Negotiate":
                    return web.Response(status=401, headers={"WWW-Authenticate": "Negotiate"})
                context = spnego.server(
                    hostname="localhost", service="HTTP", protocol="kerberos", channel_bindings=bindings
                )
                try:
                    context.step(base64.b64decode(token))
                except Exception:  # noqa: BLE001  (a binding that differs comes as AttributeError)
                    return web.Response(status=401, headers={"WWW-Authenticate": "Negotiate"})
                headers = {"X-Remote-User": str(context.client_principal)}
                async with behind.post(exchange.url, data=body, headers=headers) as from_lab:
                    return web.Response(body=await from_lab.read(), content_type="text/xml")

            app = web.Application()
            app.router.add_post("/EWS/Exchange.asmx", answer)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context()).start()
            port = runner.addresses[0][1]
            own = ssl.PEM_cert_to_DER_cert(await _certificate(port))
            bindings.application_data = b"tls-server-end-point:" + (digest or hashlib.sha256(own).digest())
            client = EwsClient(
                url=f"https://localhost:{port}/EWS/Exchange.asmx",
                auth=WindowsAuth(username=None, password=None, host="localhost"),
                ssl=client_context(authority.ca_file),
                now=lambda: datetime.now(UTC),
            )
            return await stack.enter_async_context(client)

        yield made


async def _certificate(port: int) -> str:
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


async def test_a_server_bound_to_its_own_certificate_lets_us_in(bound: Bound, exchange: Any) -> None:
    client = await bound(None)
    [found] = await client.call(ResolveNames(entry="bob"))
    assert found.primary_address == "bob@acme.test"
    assert exchange.record.read()[-1]["account"] == "svc-rainbow"


async def test_a_server_bound_to_another_does_not(bound: Bound, exchange: Any) -> None:
    client = await bound(bytes(32))
    with pytest.raises(EwsAuthenticationError) as raised:
        await client.call(ResolveNames(entry="bob"))
    assert raised.value.tried is not None
    assert raised.value.tried.binding
    assert exchange.record.read() == []
