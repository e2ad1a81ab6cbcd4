"""What the local page costs the bridge while it is open: the same load with and without, in turns, as a ratio.

The installed command and both sides of the lab are processes; browsers are clients that read the streams of live
updates of one view each, all different. Rounds with the page and without take turns, the order changing, so that what
else the machine does falls on both alike. Two things are compared: processor seconds of the daemon for each change, and
how long a change takes from Exchange's calendar until Rainbow was told (p50, p99).
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import aiohttp

from tests.benchmarks.figures import Figure, Outcome, Plan
from tests.browsing import OPENED
from tests.soak.labs import Labs, options_of
from tests.soak.people import company
from tests.soak.product import Product

#: what each browser has open; a browser is let have four at a time
VIEWS = (
    "/",
    "/activity",
    "/people",
    "/streams",
    "/problems",
    "/activity?kind=told",
    "/people?state=streamed",
    "/support",
)
_OF_ONE = 4
#: seconds: until what a round began is over, and for everybody to be streamed
_REST, _HEALTHY = 3.0, 180.0
#: what the page may cost the bridge while it is open, as a ratio
_MOST = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of what."""

    folder: Path
    seed: int
    mailboxes: int = 500
    changes_a_second: float = 20.0
    streams: int = 1
    pairs: int = 8
    seconds: float = 15.0


@dataclass(slots=True, kw_only=True)
class Round:
    """What one round took; `told` are the seconds of each change."""

    cpu: float
    changes: int
    told: list[float] = field(repr=False)

    @property
    def cpu_for_one(self) -> float:
        """Processor seconds for a change."""
        return self.cpu / self.changes

    def quantile(self, share: float) -> float:
        """Return how long that share of all changes took at most."""
        return sorted(self.told)[min(len(self.told) - 1, int(share * len(self.told)))]


@dataclass(slots=True)
class Result:
    """All rounds: those without the page, and those with it."""

    without: list[Round] = field(default_factory=list)
    open: list[Round] = field(default_factory=list)
    events: int = 0

    def figures(self) -> dict[str, dict[str, float]]:
        """Give each measure without and with the page, and the ratio of both."""
        found = {}
        for name, of in _MEASURES.items():
            without, opened = of(self.without), of(self.open)
            pairs = [of([b]) / of([a]) for a, b in zip(self.without, self.open, strict=True)]
            found[name] = {
                "without": without,
                "open": opened,
                "ratio": opened / without,
                "median of the pairs": median(pairs),
            }
        return found

    def as_figures(self) -> list[Figure]:
        """Give each measure as the ratio of each pair of rounds."""
        return [
            Figure(
                benchmark="page",
                name=f"{name}: page open / without",
                unit="times",
                values=tuple(of([b]) / of([a]) for a, b in zip(self.without, self.open, strict=True)),
                at_most=_MOST,
            )
            for name, of in _MEASURES.items()
        ]


def _cpu(rounds: Sequence[Round]) -> float:
    return 1000 * sum(each.cpu for each in rounds) / sum(each.changes for each in rounds)


_MEASURES: dict[str, Callable[[Sequence[Round]], float]] = {
    "CPU for a change (ms)": _cpu,
    "told after, p50 (ms)": lambda rounds: 1000 * median(each.quantile(0.5) for each in rounds),
    "told after, p99 (ms)": lambda rounds: 1000 * median(each.quantile(0.99) for each in rounds),
}


async def run(plan: Plan) -> Outcome:
    """Measure one page that is open, while twenty changes are made a second."""
    load = Load(folder=plan.folder, seed=plan.seed, mailboxes=plan.scaled(500))
    result = await Benchmark(load).run()
    return Outcome(figures=result.as_figures())


class Benchmark:
    """One run."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._random = Random(load.seed)
        self._items: dict[str, int] = {}
        self._made: dict[str, list[float]] = {}
        self.result = Result()

    async def run(self) -> Result:
        """Run all rounds."""
        load = self._load
        with ExitStack() as stack:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                users = company(load.mailboxes)
                labs = await asyncio.to_thread(Labs, load.folder, options_of(users, load.folder), session, stack)
                product = Product(load.folder / "product", labs.settings(), session, stack)
                await self._healthy(product, session)
                addresses = [str(each["loginEmail"]) for each in users]
                await self._round(labs, product, addresses, streams=0)  # warms up both sides, and counts for nothing
                for pair in range(load.pairs):
                    for opened in (False, True) if pair % 2 == 0 else (True, False):
                        streams = load.streams if opened else 0
                        done = await self._round(labs, product, addresses, streams=streams)
                        (self.result.open if opened else self.result.without).append(done)
                if product.stop() != 0:
                    raise RuntimeError("the product did not end in order")
        return self.result

    async def _healthy(self, product: Product, session: aiohttp.ClientSession) -> None:
        end = time.monotonic() + _HEALTHY
        while time.monotonic() < end:
            try:
                async with session.get(f"{product.url}/readyz") as answer:
                    if answer.ok and (await product.metrics()).get("mailboxes:streamed", 0) >= self._load.mailboxes:
                        break
            except OSError:
                pass  # the page is not there yet
            await asyncio.sleep(1)
        await asyncio.sleep(15)  # what a start leaves to do

    async def _round(self, labs: Labs, product: Product, addresses: list[str], *, streams: int) -> Round:
        async with self._browsers(product, streams):
            await asyncio.sleep(_REST)
            before = (await product.metrics())["process_cpu_seconds_total"]
            self._made.clear()
            position, changes = len(product.output()), 0
            began = time.monotonic()
            while (due := began + changes / self._load.changes_a_second) < began + self._load.seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                labs.soon(self._change(labs, self._random.choice(addresses)))
                changes += 1
            await asyncio.sleep(_REST)
            cpu = (await product.metrics())["process_cpu_seconds_total"] - before
        return Round(cpu=cpu, changes=changes, told=self._told(product.output()[position:]))

    async def _change(self, labs: Labs, address: str) -> None:
        """Make an appointment, or take the one away that was made before."""
        number = self._items.pop(address, None)
        at = time.time()
        if number is None:
            start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
            item = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "subject": "Planning"}
            made = await labs.exchange("POST", f"/lab/mailboxes/{address}/items", item)
            self._items[address] = made["number"]
        else:
            await labs.exchange("DELETE", f"/lab/mailboxes/{address}/items/{number}")
        self._made.setdefault(address, []).append(at)

    def _told(self, output: str) -> list[float]:
        """Set when a change was made against when the log says that Rainbow was told: the next time after it."""
        told: dict[str, list[float]] = {}
        for line in output.splitlines():
            entry: Mapping[str, Any] = json.loads(line) if '"change_told"' in line else {}
            if entry:
                at = datetime.fromisoformat(entry["timestamp"]).timestamp()
                told.setdefault(entry["mailbox"], []).append(at)
        return [
            next(each for each in told[address] if each >= made) - made
            for address, times in self._made.items()
            for made in times
            if any(each >= made for each in told.get(address, ()))
        ]

    @asynccontextmanager
    async def _browsers(self, product: Product, streams: int) -> AsyncIterator[None]:
        """Have so many streams open, of browsers that have signed in."""
        async with AsyncExitStack() as stack:
            reading = await stack.enter_async_context(asyncio.TaskGroup())
            tasks: list[asyncio.Task[None]] = []
            for first in range(0, streams, _OF_ONE):
                browser = await stack.enter_async_context(_signed_in(product))
                mine = VIEWS[first : min(first + _OF_ONE, streams)]
                tasks += [reading.create_task(self._read(browser, view)) for view in mine]
            try:
                yield
            finally:
                for each in tasks:
                    each.cancel()

    async def _read(self, browser: aiohttp.ClientSession, view: str) -> None:
        async with browser.get(f"/live{view}") as stream:
            if stream.status != 200:
                raise RuntimeError(f"/live{view}: {stream.status}")
            async for line in stream.content:
                self.result.events += line.startswith(b"event: ")


@asynccontextmanager
async def _signed_in(product: Product) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(product.url, cookie_jar=jar, timeout=timeout, read_bufsize=1 << 22) as browser:
        async with browser.post("/api/sign-in", json={}, headers=product.headers) as answer:
            path = (await answer.json())["path"]
        async with browser.get(path, headers=OPENED) as answer:
            if not answer.ok:
                raise RuntimeError(f"no sign-in: {answer.status}")
        yield browser
