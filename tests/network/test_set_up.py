"""Proxies that somebody enters, tried through a real one before they are kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.config import Settings
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


def verdicts(results: list[dict[str, Any]]) -> dict[str, str]:
    return {each["step"]: str(each["verdict"].value) for each in results}


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

    refused = await desk.try_out(Entered(part="exchange", values=values, secrets=secrets))
    assert verdicts(refused)["exchange-proxy"] == "fail"
    assert "Qx7z" not in str(refused)
    secrets["exchange.proxy_url"] = f"http://joe:pw@127.0.0.1:{proxy.port}"
    entered = Entered(part="exchange", values=values, secrets=secrets)
    tried = verdicts(await desk.try_out(entered))
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
            found[password] = verdicts(await desk.try_out(entered))
    finally:
        await rainbow.stop()

    assert [*found["pw"]] == ["rainbow-proxy", "rainbow-name", "rainbow-tcp", "rainbow-tls"]
    assert (found["wrong"]["rainbow-proxy"], found["pw"]["rainbow-proxy"]) == ("fail", "pass")
