"""It streams and does not poll: product and lab on one loop of virtual time, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.rainbow import LabRainbow
from tests.virtual_time import VirtualLoop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
READS = ("FindItem", "GetUserAvailability")


class Company:
    """Lab and product side by side."""

    def __init__(self, exchange: LabExchange, rainbow: LabRainbow, daemon: Daemon, now: Callable[[], datetime]) -> None:
        self.exchange = exchange
        self.rainbow = rainbow
        self.daemon = daemon
        self.now = now

    def reads(self) -> int:
        return sum(self.exchange.record.counts[operation] for operation in READS)

    def notified(self) -> set[str]:
        return {user_id for notify in self.rainbow.record.notifies for user_id in notify["ids"]}

    def arrived(self) -> int:
        return sum(len(self.exchange.record.read(operation=operation)) for operation in READS)

    def anybody(self) -> tuple[str, str]:
        """Return a mailbox and the id of its user."""
        user = next(user for user in self.rainbow.people.everybody() if user.mailbox)
        assert user.mailbox is not None
        return user.mailbox.address, user.id

    def subjects(self, user_id: str) -> set[str]:
        """Return the subjects that Rainbow was last answered with."""
        known = self.rainbow.questions.known.get(user_id)
        return {event.subject for event in known.events} if known and known.events else set()

    async def turn(self, **dials: Any) -> None:
        base = self.exchange.url.removesuffix("/EWS/Exchange.asmx")
        async with aiohttp.ClientSession() as http, http.post(f"{base}/lab/dials", json=dials) as answer:
            assert answer.status == 200, await answer.text()

    async def make(self, address: str, subject: str, *, start: datetime) -> None:
        base = self.exchange.url.removesuffix("/EWS/Exchange.asmx")
        item = {
            "subject": subject,
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{base}/lab/mailboxes/{address}/items", json=item) as answer,
        ):
            assert answer.status == 201, await answer.text()

    async def until(self, condition: Callable[[], bool], what: str, *, within: float, step: float = 0.05) -> float:
        """Return after how many virtual seconds `condition` holds, looking every `step`."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not condition():
            assert loop.time() - start < within, f"not within {within:g} s: {what}"
            await asyncio.sleep(step)
        return loop.time() - start


@asynccontextmanager
async def company(folder: Path, *, users: int, impersonation: bool) -> AsyncIterator[Company]:
    loop = asyncio.get_running_loop()

    def now() -> datetime:
        return EPOCH + timedelta(seconds=loop.time())

    people = make_company(users, 1)
    mailboxes = [
        LabMailbox(
            address=person.mailbox.address,
            display_name=person.display_name,
            aliases=person.mailbox.aliases,
            right="reviewer",
        )
        for person in people
        if person.mailbox
    ]
    exchange = LabExchange(mailboxes=mailboxes, password="Exchange#1", now=now, random=Random(1).random)
    rainbow = LabRainbow(users=people, now=now, random=Random(1))
    await exchange.start()
    await rainbow.start()
    settings = Settings.model_validate(
        {
            "exchange": {"url": exchange.url, "username": "svc-rainbow", "impersonation": impersonation},
            "rainbow": {"url": rainbow.url, "login": rainbow.login, "app_id": rainbow.app_id},
            "web": {"port": 0},
            "state": {"path": folder},
        }
    )
    secrets = Secrets(
        exchange_password="Exchange#1", rainbow_password=rainbow.password, rainbow_app_secret=rainbow.app_secret
    )
    daemon = Daemon(settings, secrets, now=now, random=Random(1).random)
    running = asyncio.create_task(daemon.run())
    here = Company(exchange, rainbow, daemon, now)
    try:
        await here.until(lambda: daemon.status()["state"] == "healthy", "healthy", within=60)
        everybody = {person.id for person in people if person.mailbox}
        await here.until(lambda: here.notified() >= everybody, "everybody notified", within=60)
        await asyncio.sleep(30)
        yield here
    finally:
        daemon.stop()
        assert await running == 0
        await rainbow.stop()
        await exchange.stop()


def virtually(test: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(asyncio.wait_for(test(), 3 * 86_400))


@pytest.mark.parametrize("impersonation", [True, False], ids=["own", "batched"])
def test_while_nothing_changes_no_calendar_is_read_and_a_change_is_told_within_two_seconds(
    tmp_path: Path, impersonation: bool
) -> None:
    async def test() -> None:
        async with company(tmp_path, users=12, impersonation=impersonation) as here:
            before = here.reads()
            assert before > 0
            await asyncio.sleep(300)
            assert here.reads() == before
            here.rainbow.record.clear()
            mailbox = next(iter(here.exchange.directory.by_address))
            await here.make(mailbox, "Budget", start=here.now() - timedelta(minutes=5))
            assert await here.until(lambda: bool(here.notified()), "told", within=5) <= 2
            await asyncio.sleep(1)
            assert here.reads() <= before + 2
            assert len(here.notified()) == 1

    virtually(test)


def test_without_notifications_a_change_is_found_by_the_background_read_and_not_before(tmp_path: Path) -> None:
    async def test() -> None:
        async with company(tmp_path, users=3, impersonation=True) as here:
            await here.turn(suppress_notifications=True)
            here.rainbow.record.clear()
            mailbox = next(iter(here.exchange.directory.by_address))
            loop = asyncio.get_running_loop()
            made = loop.time()
            await here.make(mailbox, "Silent", start=here.now() + timedelta(days=2))
            await asyncio.sleep(4 * 3600)
            assert here.notified() == set()
            await here.until(lambda: bool(here.notified()), "found", within=2.5 * 3600, step=60)
            assert loop.time() - made <= 6 * 3600 + 60
            assert here.daemon.measures()["changes_recovered"] == 1

    virtually(test)


@pytest.mark.parametrize("late", [1.0, 2.0])
@pytest.mark.parametrize("impersonation", [True, False], ids=["own", "batched"])
def test_a_change_that_comes_while_its_mailbox_is_being_read_is_not_lost(
    tmp_path: Path, impersonation: bool, late: float
) -> None:
    """The lab answers reads late with what it had when they arrived: before the trailing read is due, and after."""

    async def test() -> None:
        async with company(tmp_path, users=3, impersonation=impersonation) as here:
            mailbox, user = here.anybody()
            await here.turn(late_seconds=late, late_operations=list(READS))
            before = here.reads()
            await here.make(mailbox, "First", start=here.now() - timedelta(minutes=5))
            await here.until(lambda: here.arrived() > before, "the read of the first has arrived", within=5)
            await here.make(mailbox, "Second", start=here.now() - timedelta(minutes=5))
            await here.until(lambda: here.subjects(user) == {"First", "Second"}, "both shown", within=15)

    virtually(test)
