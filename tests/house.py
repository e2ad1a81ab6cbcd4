"""A company in one process, on virtual time: the lab's two sides over real sockets, and a daemon between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from ssl import SSLContext
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.exchange import LabExchange
from rainbow_exchange.lab.exchange.calendar import Item, details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.serve import mailboxes_of
from rainbow_exchange.loop_lag import LoopLag
from tests.browsing import OPENED
from tests.kept import check_kept
from tests.leaks.plugin import EARS
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def virtually(test: Callable[[], Awaitable[None]], *, days: float = 3, begins: datetime = EPOCH) -> None:
    """Run a test on a loop of virtual time, for at most so many days of it."""
    start = (begins - EPOCH).total_seconds()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start=start)) as runner, pytest.MonkeyPatch.context() as patch:
        # a pooled connection ages by this clock, and the loop's is the test's
        patch.setattr("aiohttp.connector.monotonic", runner.get_loop().time)
        # a loop of virtual time is never late, and four looks a second would be most of what it does in a day
        patch.setattr("rainbow_exchange.loop_lag.EVERY", 10.0)
        runner.run(asyncio.wait_for(test(), days * 86_400))


def now() -> datetime:
    """Return the wall clock's time: it goes on while a machine sleeps, which `slept` of the loop has seconds of."""
    loop = asyncio.get_running_loop()
    return EPOCH + timedelta(seconds=loop.time() + getattr(loop, "slept", 0.0))


async def until(condition: Callable[[], object], *, within: float, step: float = 0.1) -> float:
    """Let time pass until something holds, looking every `step` seconds; return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < within, f"not within {within:g} s"
        await asyncio.sleep(step)
    return loop.time() - began


class House:
    """The lab's two sides and a daemon between them, with all that it has let an observer see.

    `people` are made up, or given with their mailboxes; `right` is what the account may do with those by itself.
    `dials` are the Exchange's positions at start, `tls` is its context; `rainbow` is what else the lab's Rainbow takes.
    `luck` is what everybody's randomness begins with.
    `exchange` are more settings of that side, `link` of Rainbow's; all of the machine may change before a
    `daemon.reload()`.
    """

    luck = 1
    #: the link that signs in to the page of the daemon that was started last
    sign_in = ""
    #: the clock of everybody
    clock: Callable[[], datetime] = staticmethod(now)

    def __init__(
        self,
        folder: Path,
        people: int | Sequence[LabUser],
        *,
        right: Right = Right.FREEBUSY,
        dials: Mapping[str, Any] | None = None,
        rainbow: Mapping[str, Any] | None = None,
        tls: SSLContext | None = None,
        **exchange: Any,
    ) -> None:
        self.folder = folder
        self.tls = tls
        self.settings = exchange
        self.bridge: dict[str, Any] = {}
        self.link: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.password: str | None = "Exchange#1"
        self.client_secret: str | None = None
        self.fallback_password: str | None = None
        self.people = make_company(people, 1) if isinstance(people, int) else people
        self.right = right
        self.exchange = self.new_exchange(**dials or {})
        self.rainbow = LabRainbow(users=self.people, now=self.clock, random=Random(self.luck), **rainbow or {})
        self.rainbow_password = self.rainbow.password
        self.seen: list[str] = []
        self.daemon: Daemon | None = None
        self.running: asyncio.Task[int] | None = None

    def new_exchange(self, **dials: Any) -> LabExchange:
        mailboxes = mailboxes_of(self.people, right=self.right)
        return LabExchange(
            mailboxes=mailboxes, password="Exchange#1", now=self.clock, random=Random(self.luck).random, **dials
        )

    def new_daemon(self, **parts: Any) -> Daemon:
        settings, secrets = self.read()
        lag = LoopLag(every=10.0)  # a day has 345,600 quarters of a second
        more: dict[str, Any] = {"observe": self.observe, "read": self.read, "now": self.clock, "lag": lag} | parts
        return Daemon(settings, secrets, random=Random(self.luck).random, **more)

    def read(self) -> tuple[Settings, Secrets]:
        """Give what the machine's settings are now."""
        exchange = {"url": self.exchange.url, "username": "svc-rainbow"} | self.settings
        settings = Settings.model_validate(
            {
                "exchange": {name: value for name, value in exchange.items() if value is not None},
                "rainbow": {"url": self.rainbow.url, "login": self.rainbow.login, "app_id": self.rainbow.app_id}
                | self.link,
                "rainbow_fields": self.fields,
                "bridge": self.bridge,
                "web": {"port": 0},
                "state": {"path": self.folder},
            }
        )
        secrets = Secrets(
            exchange_password=self.password,
            exchange_client_secret=self.client_secret,
            exchange_fallback_password=self.fallback_password,
            rainbow_password=self.rainbow_password,
            rainbow_app_secret=self.rainbow.app_secret,
        )
        return settings, secrets

    def observe(self, event: str, /, **values: Any) -> None:
        self.seen.append(event)
        if event == "serving":
            self.sign_in = values["sign_in"]

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Give a browser that has signed in to the daemon's page."""
        base, _, path = self.sign_in.partition("/sign-in")
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(base, cookie_jar=jar, headers={"Origin": base}) as client:
            async with client.get(f"/sign-in{path}", headers=OPENED) as answer:
                assert answer.status == 200
            yield client

    def start(self, **keywords: Any) -> Daemon:
        """Run a daemon; see `new_daemon`."""
        self.daemon = self.new_daemon(**keywords)
        self.running = asyncio.create_task(self.daemon.run())
        return self.daemon

    async def stop(self) -> None:
        """Have the daemon stop in order, if there is one."""
        if self.daemon is not None and self.running is not None:
            if not self.running.done():
                EARS.say("status", str(self.daemon.status()))
                EARS.say("metrics", self.daemon.metrics().decode())
            self.daemon.stop()
            assert await self.running == 0
            self.daemon = self.running = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Run both sides of the lab, without a daemon."""
        await self.exchange.start(ssl=self.tls)
        await self.rainbow.start()
        try:
            yield
        finally:
            await self.stop()
            await self.rainbow.stop()
            await self.exchange.stop()
            EARS.folder(self.folder)

    @asynccontextmanager
    async def at_work(self, state: str = "healthy", *, within: float = 120) -> AsyncIterator[Daemon]:
        """Run everything; the daemon has reached `state`."""
        async with self.open():
            daemon = self.start()
            await until(lambda: self.status()["state"] == state, within=within)
            yield daemon

    def status(self) -> dict[str, Any]:
        """Return what the running daemon says of itself."""
        assert self.daemon is not None
        assert self.running is not None
        assert not self.running.done()
        check_kept(self.daemon)
        return self.daemon.status()

    def problems(self) -> dict[str, dict[str, Any]]:
        return {problem["id"]: problem for problem in self.status()["problems"]}

    def appointment(self, address: str, subject: str = "Planning", *, start: datetime, minutes: float = 60) -> Item:
        """Make one, as somebody at Outlook does."""
        times = {"start": start.isoformat(), "end": (start + timedelta(minutes=minutes)).isoformat(), "zone": "UTC"}
        return self.exchange.directory.by_address[address].calendar.create(details_from({"subject": subject} | times))

    def notified(self) -> list[str]:
        """List the users that Rainbow was notified of, each as often as it was."""
        return [user_id for notify in self.rainbow.record.notifies for user_id in notify["ids"]]
