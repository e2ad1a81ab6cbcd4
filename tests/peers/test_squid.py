"""Rainbow through a proxy that demands Basic: squid, whose access.log is the proof of what went through it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.serve import mailboxes_of
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.proxy import ProxyFault, ProxyTrouble
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.types import Question
from rainbow_exchange.rainbow.xmpp import XmppLink

pytestmark = pytest.mark.peer

PATIENCE = 60.0
RIGHT = "prxpw"
HELPERS = {
    "basic": "/usr/lib/squid/basic_ncsa_auth",
    "negotiate": "/usr/lib/squid/negotiate_kerberos_auth",
    "ntlm": "/usr/lib/squid/ntlm_fake_auth",
}
SETTINGS = """
http_port 127.0.0.1:{port}
pid_filename {here}/squid.pid
{user}
coredump_dir {here}
cache deny all
cache_mem 8 MB
access_log stdio:{here}/access.log
cache_log {here}/cache.log
cache_store_log none
netdb_filename none
pinger_enable off
visible_hostname localhost
dns_nameservers 127.0.0.1
shutdown_lifetime 0 seconds
auth_param {scheme} program {helper}
auth_param {scheme} children 2 startup=1 idle=1
acl authed proxy_auth REQUIRED
acl loop dst 127.0.0.0/8
http_access deny !authed
http_access allow loop
http_access deny all
http_upgrade_request_protocols websocket allow all
"""


@dataclass(frozen=True, kw_only=True)
class Squid:
    """Where it is; `prx` with password `prxpw` may use it, for this machine only."""

    here: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def passed(self) -> list[tuple[str, str, str, str]]:
        """Give what went through: squid's word for it, method, target, user. A tunnel appears when it has ended."""
        lines = (line.split() for line in (self.here / "access.log").read_text().splitlines())
        return [(line[3], line[5], line[6], line[7]) for line in lines if line[5] != "NONE"]


class Passed:
    """What goes through from here on."""

    def __init__(self, squid: Squid) -> None:
        self._squid = squid
        self._before = len(squid.passed())

    async def first(self, count: int, target: str = "") -> list[tuple[str, str, str, str]]:
        """Give all of it to this target once there is so much."""
        async with asyncio.timeout(PATIENCE):
            while len(found := self._to(target)) < count:  # noqa: ASYNC110  (squid writes a file)
                await asyncio.sleep(0.02)
        return found

    def _to(self, target: str) -> list[tuple[str, str, str, str]]:
        return [one for one in self._squid.passed()[self._before :] if one[2].startswith(target)]


@contextmanager
def running(installed: Any, scheme: str) -> Iterator[Squid]:
    """Run a squid that demands this scheme, or skip where it is not installed."""
    installed.need("squid apache2-utils", "squid", "htpasswd", *HELPERS.values())
    with installed.folder() as here:
        made = Squid(here=here, port=installed.free_port())
        as_root = installed.as_root()
        settings = SETTINGS.format(
            here=here,
            port=made.port,
            user="cache_effective_user proxy\ncache_effective_group proxy" if as_root else "",
            scheme=scheme,
            helper=f"{HELPERS[scheme]} {here / 'passwords'}" if scheme == "basic" else HELPERS[scheme],
        )
        (here / "squid.conf").write_text(settings)
        installed.run("htpasswd", "-bc", str(here / "passwords"), "prx", RIGHT)
        if as_root:
            installed.run("chown", "-R", "proxy:", str(here))
        options = ("-f", here / "squid.conf", "-N", "-n", f"peer{made.port}")
        with installed.running("squid", *options, port=made.port, out=here / "out", in_order=False):
            yield made


@pytest.fixture(scope="session")
def squid(installed: Any) -> Iterator[Squid]:
    with running(installed, "basic") as made:
        yield made


@pytest.fixture
def passed(squid: Squid) -> Passed:
    return Passed(squid)


@dataclass(frozen=True, kw_only=True)
class Rainbow:
    """The lab's Rainbow and the product's two ways to it."""

    lab: LabRainbow
    client: Callable[..., RainbowClient]
    link: Callable[..., XmppLink]


async def nothing(_: Question) -> Answer:
    return Answer(events=())


@pytest.fixture(params=["https", "http"])
async def rainbow(request: pytest.FixtureRequest, tmp_path: Path, squid: Squid) -> AsyncIterator[Rainbow]:
    """Run the lab's Rainbow with TLS as Rainbow has it, and without."""
    authority = LabAuthority(tmp_path)
    tls = authority.client_context() if request.param == "https" else None
    users = make_company(3, 1)
    lab = LabRainbow(
        users=users, now=lambda: datetime.now(UTC), random=random.Random(5), company_id=users[0].company_id
    )
    await lab.start(ssl=authority.server_context() if tls else None)

    def client(password: str | None, proxy: Squid = squid) -> RainbowClient:
        return RainbowClient(
            url=lab.url,
            login=lab.login,
            password=lab.password,
            app_id=lab.app_id,
            app_secret=lab.app_secret,
            company_id=lab.company_id,
            ssl=tls,
            proxy_url=proxy.url,
            proxy_username="prx" if password else None,
            proxy_password=password,
            now=lambda: datetime.now(UTC),
            random=random.random,
        )

    def link(of: RainbowClient, password: str | None) -> XmppLink:
        return XmppLink(
            url=f"ws{lab.url.removeprefix('http')}/websocket",
            account=of.signed_in,
            resource="node_x",
            answer=nothing,
            app_id=lab.app_id,
            ssl=tls,
            proxy_url=squid.url,
            proxy_username="prx" if password else None,
            proxy_password=password,
            now=lambda: datetime.now(UTC),
            random=random.random,
        )

    async with AsyncExitStack() as stack:
        stack.push_async_callback(lab.stop)
        yield Rainbow(lab=lab, client=client, link=link)


async def test_rest_and_websocket_go_through(rainbow: Rainbow, passed: Passed) -> None:
    """Both by CONNECT where Rainbow has TLS, each with the proxy's credentials."""
    where = rainbow.lab.url.partition("//")[2]
    async with rainbow.client(RIGHT) as client:
        account = await client.signed_in()
    assert account.jid
    rest = await passed.first(1)
    async with rainbow.client(RIGHT) as client:
        link = rainbow.link(client, RIGHT)
        task = asyncio.create_task(link.run())
        async with asyncio.timeout(PATIENCE):
            while not rainbow.lab.record.presences:  # noqa: ASYNC110  (the lab keeps a list)
                await asyncio.sleep(0.02)
            asked = await rainbow.lab.questions.ask("events", "somebody@acme.test")
        task.cancel()
        await asyncio.wait([task])
    assert asked["outcome"] == "result"
    if rainbow.lab.url.startswith("https"):
        both = await passed.first(3)
        assert rest == [("TCP_TUNNEL/200", "CONNECT", where, "prx")]
        assert both == [("TCP_TUNNEL/200", "CONNECT", where, "prx")] * 3
    else:
        [websocket] = await passed.first(1, f"http://{where}/websocket")
        assert (websocket[1], websocket[3]) == ("GET", "prx")
        assert {(one[1], one[3]) for one in await passed.first(3)} == {("GET", "prx")}


@pytest.mark.parametrize("rainbow", ["https"], indirect=True)
@pytest.mark.parametrize(
    ("password", "fault", "text"),
    [
        ("wrong", ProxyFault.REFUSES_CREDENTIALS, "The proxy {} refuses the user name or password (HTTP 407)."),
        (None, ProxyFault.WANTS_CREDENTIALS, "The proxy {} asks for a user name and password (HTTP 407)."),
    ],
)
async def test_a_refusal_is_the_proxys(
    rainbow: Rainbow, squid: Squid, passed: Passed, password: str | None, fault: ProxyFault, text: str
) -> None:
    async with rainbow.client(password) as client:
        error = await refusal(client)
    assert isinstance(error.why, ProxyTrouble)
    assert (error.kind, error.why.fault, error.why.text) == (
        "proxy", fault, text.format(squid.url.removeprefix("http://"))
    )  # fmt: skip
    assert {one[0] for one in await passed.first(1)} == {"TCP_DENIED/407"}
    assert not rainbow.lab.record.requests


@pytest.mark.parametrize("rainbow", ["https"], indirect=True)
@pytest.mark.parametrize(("scheme", "named"), [("ntlm", "NTLM"), ("negotiate", "Negotiate")])
async def test_a_proxy_that_demands_another_scheme_is_named(
    rainbow: Rainbow, installed: Any, scheme: str, named: str
) -> None:
    with running(installed, scheme) as other:
        async with rainbow.client(RIGHT, other) as client:
            error = await refusal(client)
    where = other.url.removeprefix("http://")
    assert isinstance(error.why, ProxyTrouble)
    assert (error.why.fault, error.why.text) == (
        ProxyFault.OTHER_SCHEME,
        f"The proxy {where} asks for sign-in by {named}, and this program can give it Basic only.",
    )


@pytest.mark.parametrize("rainbow", ["https"], indirect=True)
async def test_the_websocket_is_refused_by_name(rainbow: Rainbow, squid: Squid) -> None:
    """REST goes through with the right password, the WebSocket with a wrong one does not."""
    async with rainbow.client(RIGHT) as client:
        link = rainbow.link(client, "wrong")
        task = asyncio.create_task(link.run())
        async with asyncio.timeout(PATIENCE):
            while "407" not in link.reason:  # noqa: ASYNC110  (a plain attribute)
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
    assert link.reason.endswith(
        f"The proxy {squid.url.removeprefix('http://')} refuses the user name or password (HTTP 407)."
    )
    assert not rainbow.lab.record.xmpp_logins


@pytest.mark.parametrize("rainbow", ["https"], indirect=True)
async def test_the_installed_command_goes_through(
    rainbow: Rainbow, squid: Squid, passed: Passed, installed: Any, tmp_path: Path
) -> None:
    """With Rainbow's authority in the system's store (OpenSSL's SSL_CERT_FILE), and Exchange reached directly."""
    exchange = LabExchange(
        mailboxes=mailboxes_of(make_company(3, 1)),
        password="lab-password",
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
    )
    await exchange.start()
    settings = {
        "EXCHANGE__URL": exchange.url,
        "EXCHANGE__USERNAME": "svc-rainbow",
        "EXCHANGE__PASSWORD": "lab-password",
        "RAINBOW__URL": rainbow.lab.url,
        "RAINBOW__LOGIN": rainbow.lab.login,
        "RAINBOW__PASSWORD": rainbow.lab.password,
        "RAINBOW__APP_ID": rainbow.lab.app_id,
        "RAINBOW__APP_SECRET": rainbow.lab.app_secret,
        "RAINBOW__PROXY_URL": squid.url,
        "RAINBOW__PROXY_USERNAME": "prx",
        "RAINBOW__PROXY_PASSWORD": RIGHT,
    }
    authority = str(tmp_path / "lab-ca.pem")
    async with installed.connector(tmp_path, settings, SSL_CERT_FILE=authority) as connector:
        await connector.healthy(streamed=3)
        told = connector.said()
    await exchange.stop()
    tunnel = ("TCP_TUNNEL/200", "CONNECT", rainbow.lab.url.removeprefix("https://"), "prx")
    assert set(await passed.first(2)) == {tunnel}
    assert rainbow.lab.record.xmpp_logins
    assert RIGHT not in told


async def test_exchange_through_a_proxy_keeps_its_channel_binding(squid: Squid, passed: Passed, tmp_path: Path) -> None:
    """The tunnel ends at Exchange, whose certificate is what NTLM is bound to; each connection is a tunnel."""
    authority = LabAuthority(tmp_path)
    exchange = LabExchange(
        mailboxes=mailboxes_of(make_company(1, 1)),
        password="lab-password",
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
        auth_schemes=["Negotiate", "NTLM"],
        extended_protection="require",
    )
    await exchange.start(ssl=authority.server_context())
    async with EwsClient(
        url=exchange.url,
        auth=AutoAuth(username="ACME\\svc-rainbow", password="lab-password", host="127.0.0.1"),
        ssl=client_context(authority.ca_file),
        proxy_url=squid.url.replace("//", f"//prx:{RIGHT}@"),
        now=lambda: datetime.now(UTC),
    ) as client:
        for _ in range(3):
            assert await client.call(ResolveNames(entry=next(iter(exchange.directory.by_address))))
    [challenged, accepted] = exchange.attempts.read()
    await exchange.stop()
    assert (challenged["connection"], accepted["outcome"]) == (accepted["connection"], "accepted")
    assert accepted["binding"] == "right"
    tunnel = ("TCP_TUNNEL/200", "CONNECT", exchange.url.removeprefix("https://").partition("/")[0], "prx")
    assert await passed.first(1) == [tunnel]


async def refusal(client: RainbowClient) -> RainbowConnectionError:
    with pytest.raises(RainbowConnectionError) as raised:
        await client.signed_in()
    assert RIGHT not in str(raised.value)
    return raised.value
