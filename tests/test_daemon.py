"""The process itself: without settings, healthy through a newcomer, and stopping in time whatever happens."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange import metrics
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
    """The lab's two sides and a daemon between them, with all that it has let an observer see."""

    def __init__(self, folder: Path, people: int) -> None:
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
                "exchange": {"url": self.exchange.url, "username": "svc-rainbow"},
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
    async def at_work(self) -> AsyncIterator[Daemon]:
        await self.exchange.start()
        await self.rainbow.start()
        daemon = self.daemon()
        running = asyncio.create_task(daemon.run())
        try:
            await until(lambda: daemon.status()["state"] == "healthy", within=120)
            yield daemon
        finally:
            daemon.stop()
            assert await running == 0
            await self.rainbow.stop()
            await self.exchange.stop()


def test_without_settings_it_serves_its_page_and_says_what_is_missing(tmp_path: Path) -> None:
    async def test() -> None:
        settings = Settings.model_validate({"web": {"port": 0}, "state": {"path": tmp_path}})
        daemon = Daemon(settings, Secrets(), now=now)
        running = asyncio.create_task(daemon.run())
        await until((tmp_path / "runtime.json").exists, within=10)
        status = daemon.status()
        assert status["state"] == "degraded"
        assert status["exchange"]["state"] == status["rainbow"]["state"] == "unconfigured"
        assert status["mailboxes"] == {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0}
        [problem] = status["problems"]
        assert problem["id"] == "settings-missing"
        assert "rainbow.login" in problem["text"]
        assert not daemon.ready()
        assert json.dumps(status)
        daemon.stop()
        assert await running == 0
        assert not (tmp_path / "runtime.json").exists()

    virtually(test)


def test_every_metric_that_is_promised_is_given(tmp_path: Path) -> None:
    async def test() -> None:
        async with House(tmp_path, 3).at_work() as daemon:
            promised = {
                *metrics.GAUGES, *metrics.LABELLED_GAUGES, *metrics.COUNTERS, *metrics.LABELLED_COUNTERS,
                *metrics.HISTOGRAMS, "version",
            }  # fmt: skip
            view = daemon.measures()
            assert set(view) == promised
            shown = metrics.render(view).decode()
            assert 'rainbow_exchange_rainbow_requests_total{operation="users"}' in shown
            assert "acme.test" not in shown

    virtually(test)


def test_a_newcomer_leaves_it_healthy(tmp_path: Path) -> None:
    """While somebody is being subscribed nothing is wrong with the others."""

    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            since = daemon.status()["since"]
            house.exchange.directory.add(LabMailbox(address="new@acme.test"))
            house.exchange.dials.turn({"delay_seconds": 5.0, "delay_operations": ["Subscribe"]})
            house.rainbow.people.add(make_company(4, 9)[3])
            states = set()
            for _ in range(600):
                await asyncio.sleep(10)
                status = daemon.status()
                states.add((status["state"], status["since"]))
                if status["mailboxes"]["total"] == 4:
                    break
            assert status["mailboxes"]["total"] == 4
            assert states == {("healthy", since)}

    virtually(test)


def test_a_stop_is_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work():
            assert len(house.exchange.subscriptions) > 0
        assert len(house.exchange.subscriptions) == 0
        assert house.seen[0] == "serving"
        assert house.seen[-2:] == ["stopping", "stopped"]

    virtually(test)


def test_a_stop_takes_ten_seconds_at_most_whatever_hangs(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            house.exchange.dials.turn({"delay_seconds": 3600.0})
            daemon.stop()
            await until(lambda: house.seen[-1] == "stopped", within=10)

    virtually(test)
