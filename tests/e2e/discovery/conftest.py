"""Product and lab on one loop of virtual time, over real sockets and TLS, with names of the test's own."""

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from rainbow_exchange.daemon import Daemon
from rainbow_exchange.ews.discovery.places import Ports
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.sides.finder import finder
from tests.house import House, until
from tests.virtual_time import VirtualLoop


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


class Company(House):
    """Four people of acme.test, an Exchange with TLS, a Rainbow, and the connector."""

    def __init__(self, folder: Path) -> None:
        self.authority = LabAuthority(folder)
        names = ("127.0.0.1", "acme.test", "*.acme.test", "other.test", "*.other.test")
        rainbow = {"login": "admin@partner.test"}
        super().__init__(folder, 4, tls=self.authority.server_context(*names), rainbow=rainbow)
        self.names = Names("autodiscover.acme.test")

    @property
    def port(self) -> int:
        return int(self.exchange.base.rpartition(":")[2])

    def start(
        self,
        *,
        password: str = "Exchange#1",  # noqa: S107 - the lab's
        domains: Sequence[str] = ("acme.test",),
        **exchange: Any,
    ) -> Daemon:
        self.settings = {"url": None, "ca_file": self.authority.ca_file} | exchange
        self.bridge = {"domains": domains}
        self.password = password

        async def records(_: str) -> list[tuple[str, int]]:
            return []

        looks = functools.partial(
            finder, resolver=self.names, records=records, ports=Ports(https=self.port, http=self.port)
        )
        return super().start(finder=looks)

    async def streamed(self) -> None:
        await until(lambda: self.status()["mailboxes"]["streamed"] == 4, within=120)
        await until(lambda: self.status()["state"] == "healthy", within=120)

    def looked(self) -> int:
        """How often autodiscover was asked."""
        return self.exchange.record.counts["GetUserSettings"] + self.exchange.record.counts["Autodiscover"]


@pytest.fixture
async def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    # a pooled connection ages by this clock, and the loop's is the test's
    monkeypatch.setattr("aiohttp.connector.monotonic", asyncio.get_running_loop().time)
    made = Company(tmp_path)
    async with made.open():
        yield made
