"""Proxies that somebody enters, tried through a real one before they are kept."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.check import Result
from rainbow_exchange.diagnosis.set_up import Entered, SetUp
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.state import made
from rainbow_exchange.state.store import Store
from tests.keyrings import MemoryKeyring, in_memory

if TYPE_CHECKING:
    from tests.network.conftest import SmallProxy

MakeProxy = Callable[..., Awaitable["SmallProxy"]]
ACCOUNT = ("joe", "pw")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[tuple[LabExchange, Path]]:
    authority = LabAuthority(tmp_path)
    mailbox = LabMailbox(address="ada@acme.test", display_name="Ada")
    lab = LabExchange(mailboxes=[mailbox], password="pw", now=now, random=Random(1).random)
    await lab.start(ssl=authority.server_context())
    yield lab, authority.ca_file
    await lab.stop()


async def tried_out(desk: SetUp, entered: Entered) -> list[Result]:
    return [each async for each in desk.try_out(entered) if isinstance(each, Result)]


def verdicts(results: list[Result]) -> dict[str, str]:
    return {each.step: each.verdict.value for each in results}


async def test_exchange_and_the_proxy_to_it_are_tried_and_kept_together(
    exchange: tuple[LabExchange, Path], make_proxy: MakeProxy, store: Store, ring: MemoryKeyring
) -> None:
    lab, authority = exchange
    proxy = await make_proxy(account=ACCOUNT)
    desk = SetUp(Settings, store, now=now, random=Random(1).random)
    values = {"exchange.url": lab.url, "exchange.username": "svc-rainbow", "exchange.ca_file": str(authority)}
    secrets: dict[str, str | None] = {
        "exchange.password": "pw",
        "exchange.proxy_url": f"http://joe:Qx7z@127.0.0.1:{proxy.port}",
    }

    refused = await tried_out(desk, Entered(part="exchange", values=values, secrets=secrets))
    assert verdicts(refused)["exchange-proxy"] == "fail"
    assert "Qx7z" not in str(refused)
    secrets["exchange.proxy_url"] = f"http://joe:pw@127.0.0.1:{proxy.port}"
    entered = Entered(part="exchange", values=values, secrets=secrets)
    tried = verdicts(await tried_out(desk, entered))
    assert [tried[f"exchange-{step}"] for step in ("proxy", "tls", "authentication")] == ["pass", "pass", "pass"]
    await desk.keep(entered)
    assert ring.stored["rainbow-exchange", "exchange.proxy_url"] == f"http://joe:pw@127.0.0.1:{proxy.port}"
    assert "exchange.proxy_url" not in made.read(store)


async def test_the_proxy_to_rainbow_is_tried_up_to_its_server(make_proxy: MakeProxy, store: Store) -> None:
    rainbow = LabRainbow(users=make_company(1), now=now, random=Random(1))
    await rainbow.start()
    try:
        proxy = await make_proxy(account=ACCOUNT)
        settings = Settings.model_validate({"rainbow": {"url": rainbow.url}})
        desk = SetUp(lambda: settings, store, now=now, random=Random(1).random)
        values = {"rainbow.proxy_url": proxy.url, "rainbow.proxy_username": "joe"}
        found = {}
        for password in ("wrong", "pw"):
            entered = Entered(part="rainbow-proxy", values=values, secrets={"rainbow.proxy_password": password})
            found[password] = verdicts(await tried_out(desk, entered))
    finally:
        await rainbow.stop()

    assert [*found["pw"]] == ["rainbow-proxy", "rainbow-name", "rainbow-tcp", "rainbow-tls"]
    assert (found["wrong"]["rainbow-proxy"], found["pw"]["rainbow-proxy"]) == ("fail", "pass")


async def test_what_is_kept_goes_nowhere_else_once_the_address_is_taken_back(store: Store, ring: MemoryKeyring) -> None:
    desk = SetUp(Settings, store, now=now, random=Random(1).random)
    mail, evil = (
        Entered(part="exchange", values={"exchange.url": f"https://{host}.test/EWS"}) for host in ("mail", "evil")
    )
    ring.set_password("rainbow-exchange", "exchange.password", "Qx7z")

    assert await desk.withheld(mail) == []
    await desk.keep(mail)
    await desk.keep(Entered(part="exchange", values={"exchange.url": None}))
    assert await desk.withheld(mail) == []
    (said,) = await desk.withheld(evil)
    assert said.startswith("exchange.password is kept for mail.test:443, and would be sent to evil.test:443")


async def test_what_is_kept_goes_nowhere_else_than_where_exchange_was_found(store: Store, ring: MemoryKeyring) -> None:
    found = {"url": "https://mail.test/EWS", "autodiscover_url": "https://autodiscover.test/"}
    store.set_value("exchange_found", json.dumps({"place": found, "asked_at": None}))
    ring.set_password("rainbow-exchange", "exchange.password", "Qx7z")
    desk = SetUp(Settings, store, now=now, random=Random(1).random)

    entered = Entered(part="exchange", values={"exchange.url": "https://evil.test/EWS"})
    (said,) = await desk.withheld(entered)
    assert said.startswith("exchange.password is kept for mail.test:443, and would be sent to evil.test:443")
