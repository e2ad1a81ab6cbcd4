"""A company in one process, on virtual time: the lab's two sides over real sockets, and a daemon between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from ssl import SSLContext
from typing import Any

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.rainbow import LabRainbow
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def virtually(test: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(asyncio.wait_for(test(), 86_400))


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


async def until(condition: Callable[[], bool], *, within: float) -> None:
    """Let time pass until something holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - time is virtual, and what is waited for sets no event
            await asyncio.sleep(0.1)


class House:
    """The lab's two sides and a daemon between them, with all that it has let an observer see.

    `tls` is the context of the lab's Exchange, `exchange` more settings of that side.
    """

    def __init__(self, folder: Path, people: int, *, tls: SSLContext | None = None, **exchange: Any) -> None:
        self.tls = tls
        self.settings = exchange
        self.people = make_company(people, 1)
        addresses = [person.mailbox.address for person in self.people if person.mailbox]
        mailboxes = [LabMailbox(address=address) for address in addresses]
        self.exchange = LabExchange(mailboxes=mailboxes, password="Exchange#1", now=now, random=Random(1).random)
        self.rainbow = LabRainbow(users=self.people, now=now, random=Random(1))
        self.folder = folder
        self.seen: list[str] = []

    def daemon(self) -> Daemon:
        settings = Settings.model_validate(
            {
                "exchange": {"url": self.exchange.url, "username": "svc-rainbow"} | self.settings,
                "rainbow": {"url": self.rainbow.url, "login": self.rainbow.login, "app_id": self.rainbow.app_id},
                "web": {"port": 0},
                "state": {"path": self.folder},
            }
        )
        secrets = Secrets(
            exchange_password="Exchange#1",
            rainbow_password=self.rainbow.password,
            rainbow_app_secret=self.rainbow.app_secret,
        )
        return Daemon(settings, secrets, now=now, random=Random(1).random, observe=self.observe)

    def observe(self, event: str, /, **_: Any) -> None:
        self.seen.append(event)

    @asynccontextmanager
    async def at_work(self, state: str = "healthy") -> AsyncIterator[Daemon]:
        """Run everything; the daemon has reached `state`."""
        await self.exchange.start(ssl=self.tls)
        await self.rainbow.start()
        daemon = self.daemon()
        running = asyncio.create_task(daemon.run())
        try:
            await until(lambda: daemon.status()["state"] == state, within=120)
            yield daemon
        finally:
            daemon.stop()
            assert await running == 0
            await self.rainbow.stop()
            await self.exchange.stop()
