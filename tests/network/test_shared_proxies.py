"""A wrong password for a proxy is one attempt: for both sides together, across restarts, until something changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.causes import Cause, exchange_cause, rainbow_cause
from rainbow_exchange.config import ExchangeSettings, RainbowSettings, Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.state.store import Store

if TYPE_CHECKING:
    from tests.network.conftest import SmallProxy

MakeProxy = Callable[..., Awaitable["SmallProxy"]]
URL = "https://rainbow.test"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[tuple[LabExchange, LabAuthority]]:
    authority = LabAuthority(tmp_path)
    lab = LabExchange(
        mailboxes=[LabMailbox(address="ada@acme.test", display_name="Ada")],
        password="pw",
        now=now,
        random=Random(1).random,
    )
    await lab.start(ssl=authority.server_context())
    yield lab, authority
    await lab.stop()


class Run:
    """Both sides as one process has them, through one proxy."""

    def __init__(
        self,
        store: Store,
        lab: tuple[LabExchange, LabAuthority],
        proxy_url: str,
        at: Callable[[], datetime] = now,
    ) -> None:
        self.lab, authority = lab
        settings = Settings(exchange=ExchangeSettings(proxy_url=proxy_url), rainbow=RainbowSettings(url=URL))
        secrets = Secrets(exchange_proxy_url=proxy_url, rainbow_proxy_url=proxy_url)
        self.proxies = Proxies(settings, secrets, store=store, now=at)
        self.exchange = EwsClient(
            url=self.lab.url,
            auth=BasicAuth("svc-rainbow", "pw"),
            ssl=client_context(authority.ca_file),
            proxy_url=self.proxies.to_exchange(self.lab.url),
            now=now,
        )
        self.rainbow = RainbowClient(
            url=URL,
            login="connector@acme.test",
            password="pw",
            app_id="app",
            app_secret="secret",
            company_id=None,
            proxy_url=self.proxies.to_rainbow(),
            now=now,
            random=lambda: 0.0,
        )

    async def ask(self) -> list[Cause]:
        """Ask both sides at once; return what is then in the status."""
        async with self.exchange, self.rainbow:
            found = await asyncio.gather(self._exchange(), self._rainbow())
        return [cause for cause in found if cause is not None]

    async def _exchange(self) -> Cause | None:
        try:
            await self.exchange.call(ResolveNames(entry="ada"))
        except EwsConnectionError as error:
            return exchange_cause(error, self.lab.url)
        return None

    async def _rainbow(self) -> Cause | None:
        with pytest.raises(RainbowConnectionError) as raised:
            await self.rainbow.login()
        return rainbow_cause(raised.value, URL)


async def test_one_attempt_for_both_sides_over_restarts_until_somebody_asks(
    store: Store, lab: tuple[LabExchange, LabAuthority], make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(account=("joe", "right"))
    wrong = f"http://joe:hunter2@127.0.0.1:{proxy.port}"
    causes = await Run(store, lab, wrong).ask()
    text = f"The proxy 127.0.0.1:{proxy.port} refuses the user name or password (HTTP 407)."
    once = (
        "A wrong password is tried once only, over restarts too, so that the account is not locked; rainbow-exchange"
        " retry --all tries it once more."
    )
    assert causes == [
        Cause(
            "exchange-unreachable",
            text,
            (
                "Check user name and password in exchange.proxy_url (as a variable, or in exchange.proxy_url_file),"
                f" then restart. {once}"
            ),
        ),
        Cause(
            "rainbow-unreachable",
            text,
            f"Check rainbow.proxy_username and rainbow.proxy_password, then restart. {once}",
        ),
    ]
    assert len(proxy.asked) == 1

    again = Run(store, lab, wrong)
    await again.ask()
    assert len(proxy.asked) == 1, "remembered across the restart"
    again.proxies.try_again()
    await again.ask()
    await again.ask()
    assert len(proxy.asked) == 2, "one more, because somebody asked"

    right = await Run(store, lab, f"http://joe:right@127.0.0.1:{proxy.port}").ask()
    assert [cause.id for cause in right] == ["rainbow-unreachable"], "only that the proxy cannot find rainbow.test"
    assert "cannot reach rainbow.test:443" in right[0].text


async def test_credentials_that_had_worked_are_tried_again_after_a_minute(
    store: Store, lab: tuple[LabExchange, LabAuthority], make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(account=("joe", "pw"))
    url = f"http://joe:pw@127.0.0.1:{proxy.port}"
    await Run(store, lab, url).ask()
    before = len(proxy.asked)
    proxy.account = ("joe", "changed")
    causes = await Run(store, lab, url).ask()
    assert len(proxy.asked) == before + 1
    assert causes[0].action == (
        "Check user name and password in exchange.proxy_url (as a variable, or in exchange.proxy_url_file), then"
        " restart. They had worked before: they are tried again after 1 minute, then hourly; at once by"
        " rainbow-exchange retry --all."
    )
    await Run(store, lab, url, lambda: now() + timedelta(seconds=50)).ask()
    assert len(proxy.asked) == before + 1
    await Run(store, lab, url, lambda: now() + timedelta(seconds=61)).ask()
    assert len(proxy.asked) == before + 2


async def test_neither_a_servers_refusal_nor_a_proxy_that_is_away_counts(
    store: Store, lab: tuple[LabExchange, LabAuthority], make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(account=("joe", "pw"))
    run = Run(store, lab, f"http://joe:pw@127.0.0.1:{proxy.port}")
    proxy.refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    await run.ask()
    proxy.refusal = None
    lab[0].dials.turn({"passwords": {"svc-rainbow": "other"}})
    with pytest.raises(EwsError):
        await run.ask()
    before = len(proxy.asked)
    lab[0].dials.turn({"passwords": {}})
    await Run(store, lab, f"http://joe:pw@127.0.0.1:{proxy.port}").ask()
    assert len(proxy.asked) == before + 2
