"""Both sides through a real proxy, and what the administrator reads when it does not let them through."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from rainbow_exchange.bridge.causes import Cause, exchange_cause, rainbow_cause
from rainbow_exchange.config import RainbowSettings, Settings
from rainbow_exchange.config.proxies import rainbow_proxy
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.windows_auth import NTLM, WindowsAuth
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.types import Question
from rainbow_exchange.rainbow.xmpp import XmppLink
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.network.conftest import SmallProxy

MakeProxy = Callable[..., Awaitable["SmallProxy"]]
ACCOUNT = ("joe", "pröxy:pw")
TUNNEL_REFUSED = b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"


def now() -> datetime:
    return datetime.now(UTC)


class Exchange:
    """The lab's Exchange over TLS, and the product's client of it."""

    def __init__(self, folder: Path) -> None:
        self.authority = LabAuthority(folder)
        self.lab = LabExchange(
            mailboxes=[LabMailbox(address="ada@acme.test", display_name="Ada")],
            password="pw",
            now=now,
            random=Random(1).random,
        )

    async def asked(self, proxy_url: str | None, *, auth: Any = None, trusting: bool = True, url: str = "") -> None:
        client = EwsClient(
            url=url or self.lab.url,
            auth=auth or BasicAuth("svc-rainbow", "pw"),
            ssl=client_context(self.authority.ca_file if trusting else None),
            proxy_url=proxy_url,
            now=now,
        )
        async with client:
            await client.call(ResolveNames(entry="ada"))

    async def refused(self, proxy_url: str | None, **keywords: Any) -> Cause:
        with pytest.raises(EwsConnectionError) as raised:
            await self.asked(proxy_url, **keywords)
        return exchange_cause(raised.value, keywords.get("url") or self.lab.url)


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    made = Exchange(tmp_path)
    await made.lab.start(ssl=made.authority.server_context())
    yield made
    await made.lab.stop()


@pytest.fixture
def closed_port() -> int:
    return free_port()


def target(url: str) -> str:
    return url.removeprefix("https://").partition("/")[0]


async def test_exchange_is_reached_through_a_tunnel_with_name_and_password(
    exchange: Exchange, make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(account=ACCOUNT)
    await exchange.asked(f"http://joe:pr%C3%B6xy%3Apw@127.0.0.1:{proxy.port}")
    assert proxy.asked == [f"CONNECT {target(exchange.lab.url)}"]
    # base64 of "joe:pröxy:pw" in UTF-8, as the base64 command has it
    assert proxy.given == ["Basic am9lOnByw7Z4eTpwdw=="]


async def test_ntlm_through_a_tunnel_is_bound_to_the_servers_own_certificate(
    exchange: Exchange, make_proxy: MakeProxy
) -> None:
    """The lab compares the binding with its certificate; each sign-in rides one tunnel."""
    proxy = await make_proxy()
    exchange.lab.dials.turn({"auth_schemes": ["NTLM"], "extended_protection": "require"})
    await exchange.asked(proxy.url, auth=WindowsAuth(username="svc-rainbow", password="pw", host="127.0.0.1"))
    await exchange.asked(
        proxy.url, auth=WindowsAuth(username="svc-rainbow", password="pw", host="127.0.0.1", allowed=(NTLM,))
    )
    assert proxy.asked == [f"CONNECT {target(exchange.lab.url)}"] * 2


async def test_a_certificate_behind_a_proxy_is_judged_as_one_without(exchange: Exchange, make_proxy: MakeProxy) -> None:
    proxy = await make_proxy(account=ACCOUNT)
    cause = await exchange.refused(f"http://joe:pr%C3%B6xy%3Apw@127.0.0.1:{proxy.port}", trusting=False)
    assert cause == Cause(
        "exchange-certificate",
        (
            "The certificate of 127.0.0.1 is not trusted: “Lab Issuing CA” in its chain was issued by “Lab Root CA”,"
            " which this machine does not trust."
        ),
        (
            "Put the certificate of “Lab Root CA” (PEM) into exchange.ca_file, or into this machine's store of trusted"
            " root authorities."
        ),
    )
    assert proxy.asked == [f"CONNECT {target(exchange.lab.url)}"] * 2, "the look at it goes through the proxy, too"


REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "no account",
        {"account": ACCOUNT},
        "The proxy {proxy} asks for a user name and password (HTTP 407).",
        "Check user name and password in exchange.proxy_url (as a variable, or in exchange.proxy_url_file).",
    ),
    (
        "NTLM",
        {"account": ACCOUNT, "offers": ("Negotiate", "NTLM")},
        "The proxy {proxy} asks for sign-in by Negotiate, NTLM, and this program can give it Basic only.",
        (
            "Have the proxy accept Basic from this machine, or let it through without sign-in; or run a local relay"
            " that signs in by these schemes (Px, Cntlm) and name that in exchange.proxy_url."
        ),
    ),
    (
        "403",
        {"refusal": TUNNEL_REFUSED % b"403 Forbidden"},
        "The proxy {proxy} forbids connections to {target} (HTTP 403).",
        "Have the proxy's administrators allow this destination for this machine.",
    ),
    (
        "504",
        {"refusal": TUNNEL_REFUSED % b"504 Gateway Timeout"},
        "The proxy {proxy} cannot reach {target} (HTTP 504).",
        (
            "Have the proxy's administrators look why; or list the host in NO_PROXY if this machine reaches it"
            " directly, or take exchange.proxy_url out."
        ),
    ),
    (
        "a web server",
        {"refusal": TUNNEL_REFUSED % b"405 Method Not Allowed"},
        "What answers at {proxy} does not behave as an HTTP proxy (HTTP 405).",
        "Check exchange.proxy_url (host and port), and that the proxy runs.",
    ),
]


@pytest.mark.parametrize(("name", "proxy", "text", "action"), REFUSALS, ids=[each[0] for each in REFUSALS])
async def test_a_proxy_that_refuses_is_told_from_a_server_that_does(
    exchange: Exchange, make_proxy: MakeProxy, name: str, proxy: dict[str, Any], text: str, action: str
) -> None:
    made = await make_proxy(**proxy)
    cause = await exchange.refused(made.url)
    expected = text.format(proxy=made.url.removeprefix("http://"), target=target(exchange.lab.url))
    assert cause == Cause("exchange-unreachable", expected, action), name


async def test_a_wrong_password_for_the_proxy_is_named_and_never_shown(
    exchange: Exchange, make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(account=ACCOUNT)
    structlog.reset_defaults()
    with capture_logs() as logs, pytest.raises(EwsConnectionError) as raised:
        await exchange.asked(f"http://joe:hunter2@127.0.0.1:{proxy.port}")
    cause = exchange_cause(raised.value, exchange.lab.url)
    assert cause.text == f"The proxy 127.0.0.1:{proxy.port} refuses the user name or password (HTTP 407)."
    assert len(proxy.asked) == 1
    assert "hunter2" not in f"{logs} {raised.value!r} {raised.value} {cause}"


async def test_a_closed_port_behind_the_proxy_is_told_from_a_closed_proxy(
    exchange: Exchange, make_proxy: MakeProxy, closed_port: int
) -> None:
    proxy = await make_proxy()
    url = f"https://127.0.0.1:{closed_port}/EWS/Exchange.asmx"
    cause = await exchange.refused(proxy.url, url=url)
    assert cause.text == (
        f"The proxy 127.0.0.1:{proxy.port} cannot reach 127.0.0.1:{closed_port} (HTTP 503, ERR_CONNECT_FAIL 111)."
    )
    cause = await exchange.refused(f"http://127.0.0.1:{closed_port}")
    assert cause.text.startswith(f"No connection to the proxy 127.0.0.1:{closed_port}: ")
    assert cause.action == "Check exchange.proxy_url (host and port), and that the proxy runs."
    cause = await exchange.refused("http://proxy.invalid:8080")
    assert cause.text == "The name proxy.invalid of the proxy is not known here."


async def test_a_proxy_over_tls_is_verified_before_it_gets_a_password(
    exchange: Exchange, tmp_path: Path, make_proxy: MakeProxy
) -> None:
    (tmp_path / "other").mkdir()
    proxy = await make_proxy(account=ACCOUNT, tls=LabAuthority(tmp_path / "other").server_context())
    cause = await exchange.refused(f"https://joe:pw@127.0.0.1:{proxy.port}")
    assert cause.text == (
        f"The certificate of the proxy 127.0.0.1:{proxy.port} is not trusted: unable to get local issuer certificate."
    )
    assert proxy.asked == []


async def test_a_proxy_over_tls_that_is_trusted_opens_its_tunnel(exchange: Exchange, make_proxy: MakeProxy) -> None:
    proxy = await make_proxy(account=("joe", "pw"), tls=exchange.authority.server_context())
    await exchange.asked(f"https://joe:pw@127.0.0.1:{proxy.port}")
    assert proxy.asked == [f"CONNECT {target(exchange.lab.url)}"]


async def test_without_tls_the_proxy_answers_in_the_servers_place(make_proxy: MakeProxy, tmp_path: Path) -> None:
    """Allowed on this machine only: the request itself carries the proxy's password, the server never sees it."""
    exchange, proxy = Exchange(tmp_path), await make_proxy(account=ACCOUNT)
    await exchange.lab.start()
    await exchange.asked(f"http://joe:pr%C3%B6xy%3Apw@127.0.0.1:{proxy.port}")
    assert proxy.asked == [f"POST {exchange.lab.url}"]
    cause = await exchange.refused(proxy.url)
    assert cause.text == f"The proxy 127.0.0.1:{proxy.port} asks for a user name and password (HTTP 407)."
    await exchange.lab.stop()


async def test_without_a_setting_no_variable_leads_exchange_through_a_proxy(
    exchange: Exchange, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    await exchange.asked(None)


async def nothing(_: Question) -> Answer:
    return Answer(events=())


async def test_the_variable_leads_both_ways_to_rainbow_through_the_proxy(make_proxy: MakeProxy, tmp_path: Path) -> None:
    """By a name that this machine does not know: it is the proxy that resolves it."""
    authority, users = LabAuthority(tmp_path), make_company(2, 1)
    lab = LabRainbow(users=users, now=now, random=Random(5), company_id=users[0].company_id)
    await lab.start(ssl=authority.server_context("rainbow.test"))
    where = f"rainbow.test:{lab.url.rpartition(':')[2]}"
    proxy = await make_proxy(account=("joe", "pw"), names={"rainbow.test": "127.0.0.1"})
    settings = Settings(rainbow=RainbowSettings(url=f"https://{where}"))
    chosen = rainbow_proxy(settings, Secrets(), {"HTTPS_PROXY": f"joe:pw@127.0.0.1:{proxy.port}"})
    way: dict[str, Any] = {
        "ssl": authority.client_context(),
        "proxy_url": chosen.url,
        "proxy_username": chosen.username,
        "proxy_password": chosen.password,
        "app_id": lab.app_id,
        "now": now,
        "random": lambda: 0.5,
    }
    client = RainbowClient(
        url=settings.rainbow.url,
        login=lab.login,
        password=lab.password,
        app_secret=lab.app_secret,
        company_id=lab.company_id,
        **way,
    )
    async with client:
        link = XmppLink(
            url=f"wss://{where}/websocket", account=client.signed_in, resource="node_x", answer=nothing, **way
        )
        task = asyncio.create_task(link.run())
        async with asyncio.timeout(60):
            while not (link.connected and lab.questions.link()):
                assert not link.reason.startswith(("tls", "proxy", "name")), link.reason
                await asyncio.sleep(0.02)
            assert (await lab.questions.ask("events", users[0].login_email))["outcome"] == "result"
        task.cancel()
        await asyncio.wait([task])
    await lab.stop()
    assert set(proxy.asked) == {f"CONNECT {where}"}
    assert len(proxy.asked) >= 2


async def test_rainbow_is_told_the_same_in_its_own_settings_words(make_proxy: MakeProxy) -> None:
    proxy = await make_proxy(account=ACCOUNT, offers=("NTLM",))
    url = "https://rainbow.test"
    client = RainbowClient(
        url=url,
        login="connector@acme.test",
        password="pw",
        app_id="app",
        app_secret="secret",
        company_id=None,
        proxy_url=proxy.url,
        proxy_username="joe",
        proxy_password="pw",
        now=now,
        random=lambda: 0.0,
    )
    with pytest.raises(RainbowConnectionError) as raised:
        async with client:
            await client.login()
    assert rainbow_cause(raised.value, url) == Cause(
        "rainbow-unreachable",
        f"The proxy 127.0.0.1:{proxy.port} asks for sign-in by NTLM, and this program can give it Basic only.",
        (
            "Have the proxy accept Basic from this machine, or let it through without sign-in; or run a local relay"
            " that signs in by these schemes (Px, Cntlm) and name that in rainbow.proxy_url (or HTTPS_PROXY, where that"
            " is not set)."
        ),
    )
    assert proxy.asked == ["CONNECT rainbow.test:443"]


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1 407 P\r\nX: " + b"x" * 3_000_000 + b"\r\n\r\n"])
async def test_what_does_not_speak_http_is_no_proxy(exchange: Exchange, make_proxy: MakeProxy, answer: bytes) -> None:
    proxy = await make_proxy(refusal=answer)
    cause = await exchange.refused(proxy.url)
    assert cause == Cause(
        "exchange-unreachable",
        f"What answers at 127.0.0.1:{proxy.port} does not behave as an HTTP proxy (no HTTP, or without end).",
        "Check exchange.proxy_url (host and port), and that the proxy runs.",
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_hangs_is_named(exchange: Exchange, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """It takes the connection and then says nothing: neither of TLS nor of HTTP."""
    monkeypatch.setattr("rainbow_exchange.ews.transport._CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        cause = await exchange.refused(f"{scheme}://127.0.0.1:{port}")
    assert cause == Cause(
        "exchange-unreachable",
        f"There is no answer from {target(exchange.lab.url)} through the proxy 127.0.0.1:{port} in time.",
        (
            "Check exchange.proxy_url (scheme, host and port), that the proxy runs and gets through, and the server"
            " behind it."
        ),
    )
