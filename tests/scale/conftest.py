"""A company in one process and on virtual time: the lab's two sides, and the daemon between them."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.calendar import details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.exchange.throttling import PRESETS
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.user import LabUser, jid_of
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
REFUSALS = {"ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount", "ErrorServerBusy"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, except where it must not be."""
    if os.environ.get("CI") == "true" or os.environ.get("RAINBOW_EXCHANGE_SCALE"):
        return
    for item in items:
        if item.get_closest_marker("scale"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; RAINBOW_EXCHANGE_SCALE=1 has it run"))


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def person(number: int) -> LabUser:
    name = f"u{number:05}"
    jid, jid_password = jid_of(name)
    return LabUser(id=name, login_email=f"{name}@acme.test", jid=jid, jid_password=jid_password)


@dataclass
class Company:
    """The lab's two sides and a daemon that connects them."""

    exchange: LabExchange
    rainbow: LabRainbow
    daemon: Daemon

    async def until(self, condition: Callable[[], object], within: float, step: float = 1.0) -> float:
        """Let time pass until something holds; return the seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not condition():
            assert loop.time() - began <= within, f"not within {within:g} s: {self.shown()}"
            await asyncio.sleep(step)
        return loop.time() - began

    def covered(self) -> dict[str, int]:
        """Count as status does, which for thousands of mailboxes costs too much to be made each second."""
        sides = self.daemon._sides
        return sides.health.mailboxes() if sides else {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0}

    def shown(self) -> Any:
        status = self.daemon.status()
        return {name: status[name] for name in ("state", "mailboxes", "throttling", "problems")}

    def appointment(self, number: int) -> None:
        """Make one that begins in an hour."""
        start = now() + timedelta(hours=1)
        given = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "zone": "UTC"}
        mailbox = self.exchange.directory.by_address[f"u{number:05}@acme.test"]
        mailbox.calendar.create(details_from(given | {"subject": "Planning"}))

    def notified(self, number: int) -> int:
        return sum(f"u{number:05}" in entry["ids"] for entry in self.rainbow.record.notifies)

    def refused(self, since: int = 0) -> tuple[int, int]:
        """Count the requests after the one of that number, and those of them that were refused for a limit."""
        codes = Counter(each.code for each in self.exchange.record._requests if each.number > since)
        return sum(codes.values()), sum(number for code, number in codes.items() if code in REFUSALS)

    def last_request(self) -> int:
        return max((each.number for each in self.exchange.record._requests), default=0)


@asynccontextmanager
async def _company(
    folder: Path, people: int, *, impersonation: bool, preset: str, listed: int | None = None, **dials: Any
) -> AsyncIterator[Company]:
    boxes = [LabMailbox(address=f"u{number:05}@acme.test", right=Right.REVIEWER) for number in range(people)]
    throttled = dict(PRESETS[preset]) | dials
    exchange = LabExchange(mailboxes=boxes, password="Exchange#1", now=now, random=Random(1).random, **throttled)
    users = [person(number) for number in range(people if listed is None else listed)]
    rainbow = LabRainbow(users=users, now=now, random=Random(1), dials={"ask": False})
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
    try:
        yield Company(exchange, rainbow, daemon)
    finally:
        daemon.stop()
        assert await running == 0
        await rainbow.stop()
        await exchange.stop()


StartCompany = Callable[..., AbstractAsyncContextManager[Company]]
Virtually = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[StartCompany]:
    """Give what starts a company; to be used within `virtually`. Only warnings are logged: thousands say much."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    def start(people: int, **keywords: Any) -> AbstractAsyncContextManager[Company]:
        return _company(tmp_path, people, **keywords)

    yield start
    structlog.reset_defaults()


Clock = Callable[[], datetime]


@pytest.fixture
def clock() -> Clock:
    """Give the clock of the virtual loop."""
    return now


@pytest.fixture
def virtually(monkeypatch: pytest.MonkeyPatch) -> Virtually:
    """Give what runs a test in virtual time."""

    def run(test: Callable[[], Awaitable[None]]) -> None:
        async def timed() -> None:
            # a pooled connection ages by this clock, and the loop's is the test's
            monkeypatch.setattr("aiohttp.connector.monotonic", asyncio.get_running_loop().time)
            await asyncio.wait_for(test(), 86_400)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(timed())

    return run
