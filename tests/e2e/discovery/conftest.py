"""Product and lab on one loop of virtual time, over real sockets and TLS, with names of the test's own."""

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.ews.discovery.places import Ports
from rainbow_exchange.finder import finder
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.serve import mailboxes_of
from rainbow_exchange.lab.tls import LabAuthority
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:  # noqa: ARG001 - its form
    return {"virtual": VirtualLoop}


class Names(AbstractResolver):
    """Every name that the test knows is this machine."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.hold: asyncio.Event | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if self.hold is not None:
            await self.hold.wait()
        if host not in self.known:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Hold nothing."""


class Company:
    """Four people of acme.test, an Exchange with TLS, a Rainbow, and the connector."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people = make_company(4, 1)
        self.authority = LabAuthority(folder)
        self.names = Names("autodiscover.acme.test")
        self.rainbow = LabRainbow(users=self.people, login="admin@partner.test", now=self.now, random=Random(1))
        self.exchange = self.new_exchange()
        self.daemon: Daemon | None = None
        self.running: asyncio.Task[int] | None = None

    @staticmethod
    def now() -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def new_exchange(self) -> LabExchange:
        return LabExchange(
            mailboxes=mailboxes_of(self.people), password="Exchange#1", now=self.now, random=Random(1).random
        )

    async def listen(self, exchange: LabExchange) -> None:
        names = ("127.0.0.1", "acme.test", "*.acme.test", "other.test", "*.other.test")
        await exchange.start(ssl=self.authority.server_context(*names))

    @property
    def port(self) -> int:
        return int(self.exchange.base.rpartition(":")[2])

    def start(
        self,
        *,
        password: str = "Exchange#1",  # noqa: S107 - the lab's
        username: str = "svc-rainbow",
        domains: Sequence[str] = ("acme.test",),
        **exchange: Any,
    ) -> None:
        settings = Settings.model_validate(
            {
                "exchange": {"username": username, "ca_file": self.authority.ca_file} | exchange,
                "rainbow": {"url": self.rainbow.url, "login": self.rainbow.login, "app_id": self.rainbow.app_id},
                "bridge": {"domains": domains},
                "web": {"port": 0},
                "state": {"path": self.folder},
            }
        )
        secrets = Secrets(
            exchange_password=password,
            rainbow_password=self.rainbow.password,
            rainbow_app_secret=self.rainbow.app_secret,
        )

        async def records(_: str) -> list[tuple[str, int]]:
            return []

        looks = functools.partial(
            finder, resolver=self.names, records=records, ports=Ports(https=self.port, http=self.port)
        )
        self.daemon = Daemon(settings, secrets, now=self.now, random=Random(1).random, finder=looks)
        self.running = asyncio.create_task(self.daemon.run())

    async def stop(self) -> None:
        if self.daemon is not None and self.running is not None:
            self.daemon.stop()
            assert await self.running == 0
            self.daemon = None

    def status(self) -> dict[str, Any]:
        assert self.daemon is not None
        assert self.running is not None
        assert not self.running.done()
        return self.daemon.status()

    def problems(self) -> dict[str, dict[str, Any]]:
        return {problem["id"]: problem for problem in self.status()["problems"]}

    async def until(self, condition: Callable[[], object], *, within: float = 120) -> None:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.1)

    async def healthy(self, *, within: float = 120) -> None:
        await self.until(lambda: self.status()["state"] == "healthy", within=within)

    async def streamed(self) -> None:
        await self.until(lambda: self.status()["mailboxes"]["streamed"] == 4)
        await self.healthy()

    def looked(self) -> int:
        """How often autodiscover was asked."""
        return self.exchange.record.counts["GetUserSettings"] + self.exchange.record.counts["Autodiscover"]


@pytest.fixture
async def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    # a pooled connection ages by this clock, and the loop's is the test's
    monkeypatch.setattr("aiohttp.connector.monotonic", asyncio.get_running_loop().time)
    made = Company(tmp_path)
    await made.rainbow.start()
    await made.listen(made.exchange)
    yield made
    await made.stop()
    await made.rainbow.stop()
    await made.exchange.stop()
