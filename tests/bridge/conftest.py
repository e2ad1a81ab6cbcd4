"""Both sides of the bridge on real sockets: the lab's Exchange and Rainbow with our clients, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rainbow_exchange.bridge.assemble import assemble
from rainbow_exchange.bridge.parts import Options, Parts
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Privacy, PrivacyRules
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.types import ConnectingSid
from rainbow_exchange.lab.company import LabUser
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.calendar import Item, details_from
from rainbow_exchange.lab.exchange.mailbox import OutOfOffice as LabOutOfOffice
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.user import jid_of
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.state.store import Store
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday
PASSWORD = "lab-password"


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:  # noqa: ARG001 - its form
    return {"virtual": VirtualLoop}


def wall_clock() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def half() -> float:
    """Stand in for randomness."""
    return 0.5


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these beside the block; a fault in one ends the test."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in started:
                task.cancel()


async def until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait, in virtual time, until `condition` holds, and for one percent of that longer at most."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(max(0.02, (loop.time() - began) / 100))


Script = Callable[[Any, ConnectingSid | None], Awaitable[Any]]


@dataclass
class Scripted:
    """A server that answers operations from a test's own script; `calls` are those that came."""

    script: Script
    calls: list[Any] = field(default_factory=list)
    impersonated: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def call(
        self,
        operation: Any,
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,  # noqa: ARG002 - the protocol's form
        affinity: Any = None,  # noqa: ARG002 - same
    ) -> Any:
        self.calls.append(operation)
        self.impersonated.append(impersonate.value if impersonate else "")
        self.at.append(asyncio.get_running_loop().time())
        return await self.script(operation, impersonate)


def person(
    name: str,
    login: str | None = None,
    *,
    work: tuple[str, ...] = (),
    personal: tuple[str, ...] = (),
    uid: str | None = None,
    active: bool = True,
    language: str = "en",
) -> LabUser:
    """Make a Rainbow user of the lab."""
    jid, jid_password = jid_of(name)
    return LabUser(
        id=name,
        login_email=login if login is not None else f"{name}@acme.test",
        emails=(*((address, "work") for address in work), *((address, "home") for address in personal)),
        external_uid=uid,
        jid=jid,
        jid_password=jid_password,
        is_active=active,
        language=language,
    )


@dataclass
class Exchange:
    """The lab's Exchange and our client to it."""

    lab: LabExchange
    client: EwsClient

    def requests(self, operation: str, mailbox: str = "") -> list[dict[str, Any]]:
        return self.lab.record.read(operation=operation, mailbox=mailbox)

    def appointment(self, address: str, *, hours: float = 1, length: float = 1, **more: Any) -> Item:
        """Make one that begins in so many hours."""
        start = wall_clock() + timedelta(hours=hours)
        given = {"start": start.isoformat(), "end": (start + timedelta(hours=length)).isoformat(), "zone": "UTC"}
        return self.lab.directory.by_address[address].calendar.create(
            details_from(given | {"subject": "Planning"} | more)
        )

    def away(self, address: str, state: str = "Enabled", *, text: str = "", start: float = 0, end: float = 0) -> None:
        """Set somebody's out-of-office; times are hours from now."""
        now = wall_clock()
        self.lab.directory.by_address[address].oof = LabOutOfOffice(
            state=state,
            start=now + timedelta(hours=start),
            end=now + timedelta(hours=end),
            internal=text,
            external="",
        )


MakeExchange = Callable[..., Awaitable[Exchange]]


@pytest.fixture
async def make_exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeExchange]:
    """Start a lab's Exchange with these mailboxes, and a client to it."""
    # A pooled connection ages by this clock, and the loop's is the test's.
    monkeypatch.setattr("aiohttp.connector.monotonic", asyncio.get_running_loop().time)
    made: list[Exchange] = []

    async def make(*mailboxes: LabMailbox | str, **dials: Any) -> Exchange:
        lab = LabExchange(
            mailboxes=[LabMailbox(address=each) if isinstance(each, str) else each for each in mailboxes],
            password=PASSWORD,
            now=wall_clock,
            random=Random(1).random,
            **dials,
        )
        await lab.start()
        client = EwsClient(url=lab.url, auth=BasicAuth(lab._company.username, PASSWORD), ssl=None, now=wall_clock)
        made.append(Exchange(lab, client))
        return made[-1]

    yield make
    for each in made:
        await each.client.__aexit__(None, None, None)
        await each.lab.stop()


@dataclass
class Rainbow:
    """The lab's Rainbow and our client to it."""

    lab: LabRainbow
    client: RainbowClient

    def notified(self) -> list[list[str]]:
        """Tell the ids of each notify."""
        return [entry["ids"] for entry in self.lab.record.notifies]


MakeRainbow = Callable[..., Awaitable[Rainbow]]


@pytest.fixture
async def make_rainbow(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeRainbow]:
    """Start a lab's Rainbow with these users, and a client to it. It asks nothing by itself."""
    monkeypatch.setattr("aiohttp.connector.monotonic", asyncio.get_running_loop().time)
    made: list[Rainbow] = []

    async def make(*users: LabUser, **dials: Any) -> Rainbow:
        seeded = Random(1)
        lab = LabRainbow(users=users, now=wall_clock, random=seeded, dials={"ask": False} | dials)
        await lab.start()
        client = RainbowClient(
            url=lab.url,
            login=lab.login,
            password=lab.password,
            app_id=lab.app_id,
            app_secret=lab.app_secret,
            company_id=None,
            now=wall_clock,
            random=half,
        )
        await client.__aenter__()
        made.append(Rainbow(lab, client))
        return made[-1]

    yield make
    for each in made:
        await each.client.__aexit__(None, None, None)
        await each.lab.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state.db")
    yield opened
    opened.close()


class Latencies(list[float]):
    """Where durations are counted."""

    def observe(self, seconds: float, /) -> None:
        self.append(seconds)

    def quantile(self, share: float, /) -> float | None:
        return sorted(self)[min(len(self) - 1, int(share * len(self)))] if self else None


@dataclass
class Bridge:
    """The whole bridge between the two sides."""

    pipeline: Pipeline
    exchange: Exchange
    rainbow: Rainbow
    latencies: Latencies
    answered: Latencies
    observed: list[tuple[str, dict[str, Any]]]

    @property
    def parts(self) -> Parts:
        return self.pipeline.parts

    def member(self, name: str) -> Member:
        found = self.parts.roster.get(name)
        assert found is not None, f"nobody is called {name}"
        return found

    @asynccontextmanager
    async def at_work(self, *names: str) -> AsyncIterator["Bridge"]:
        """Run the pipeline; begin once these users are streamed and were told of."""
        async with running(self.pipeline.run()):
            await self.told(*names)
            yield self

    def notified(self, name: str) -> int:
        """Count the notifies that name this user."""
        return sum(name in ids for ids in self.rainbow.notified())

    def streamed(self, *addresses: str) -> bool:
        return all(self.parts.watcher.coverage(address) == "streamed" for address in addresses)

    async def told(self, *names: str) -> None:
        """Wait until these users were notified and nothing is due."""
        await until(lambda: all(self.parts.ledger.was_notified(name) for name in names))
        await until(lambda: not self.parts.notifier.due)


MakeBridge = Callable[..., Bridge]


@pytest.fixture
def make_bridge(store: Store) -> MakeBridge:
    """Put the bridge together as the daemon does."""

    def make(exchange: Exchange, rainbow: Rainbow, *, random: Callable[[], float] = half, **options: Any) -> Bridge:
        # at another level, mailboxes that are read in batches would be named in a notice
        usual: dict[str, Any] = {"impersonation": True, "privacy": PrivacyRules(Privacy.FULL)}
        latencies, answered = Latencies(), Latencies()
        observed: list[tuple[str, dict[str, Any]]] = []

        def observe(event: str, /, **values: Any) -> None:
            observed.append((event, values))

        pipeline = assemble(
            exchange=exchange.client,
            rainbow=rainbow.client,
            store=store,
            options=Options(**(usual | options)),
            timings=Timings(latencies, answered, wall_clock),
            observe=observe,
            now=wall_clock,
            random=random,
        )
        return Bridge(pipeline, exchange, rainbow, latencies, answered, observed)

    return make


class Kit:
    """What tests need besides: conftest itself cannot be imported."""

    epoch = EPOCH
    now = staticmethod(wall_clock)
    half = staticmethod(half)
    until = staticmethod(until)
    running = staticmethod(running)
    person = staticmethod(person)
    scripted = Scripted


@pytest.fixture
def kit() -> Kit:
    return Kit()
