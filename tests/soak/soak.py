"""The soak itself: minutes of changes and faults, each with a calm at its end, and at last everything right."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from tests.soak.faults import Faults
from tests.soak.labs import Labs, options_of
from tests.soak.people import People, company, differences
from tests.soak.product import Product
from tests.soak.series import Sample, above

#: a calm is at least so long
CALM = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long after the first calm, how many, how much."""

    folder: Path
    seed: int
    minutes: float = 10.0
    mailboxes: int = 500
    #: seconds from the beginning of one calm to that of the next, changes in a second, faults at once
    period: float = 60.0
    changes: float = 3.0
    faults: int = 2
    #: how long the first calm is: connections that are kept for the next request are closed by then
    first_calm: float = 75.0
    #: how long another one is at most, where not everything is back before
    longest_calm: float = 150.0
    #: how long it may take at the end, without a fault, until everything is right; 0: it is not looked at
    at_rest: float = 600.0
    #: whether people go out of office, and leave and join the company: that is polled, and the end has to wait for it
    polled: bool = True
    #: whether the account impersonates, or is a reviewer of each calendar: then calendars are read together
    impersonation: bool = True
    #: runs instead of the installed command
    command: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What was seen. `wrong` is what was not right at the end, or on the way to it."""

    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    #: how long it took, without a fault, until everything was right
    at_rest: float = 0.0
    #: the product's own processor time in seconds, and over how many: from the first calm on, and in that alone
    cpu: tuple[float, float] = (0.0, 0.0)
    cpu_calm: tuple[float, float] = (0.0, 0.0)


class BrokenError(Exception):
    """The product does not do its work at all: the soak ends there."""


class Soak:
    """One run by a plan. `stop` has it come to rest and end sooner."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.outcome = Outcome()
        self.stop = asyncio.Event()
        self._plan = plan
        self._say = say
        self._calm: int | None = None
        self._random = Random(plan.seed)

    async def run(self) -> Outcome:
        """Run to the end, or until stopped; what it has seen, and that the product broke, stands in the outcome."""
        try:
            await self._run()
        except* BrokenError as broken:
            self.outcome.wrong += [str(each) for each in leaves(broken)]
        return self.outcome

    async def _run(self) -> None:
        with ExitStack() as stack:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                users = company(self._plan.mailboxes)
                labs = await asyncio.to_thread(
                    Labs, self._plan.folder, options_of(users, self._plan.folder), session, stack
                )
                people = People(labs, users, self._random, polled=self._plan.polled)
                await people.begin()
                access = {
                    "RAINBOW_EXCHANGE_EXCHANGE__IMPERSONATION": str(self._plan.impersonation).lower(),
                    # Rarely: each listing leaves a connection open for a while, which a calm would have to wait for.
                    "RAINBOW_EXCHANGE_BRIDGE__USERS_REFRESH_MINUTES": "5",
                }
                product = Product(
                    self._plan.folder / "product", labs.settings() | access, session, stack, command=self._plan.command
                )
                await self._healthy(product, within=180)
                await self._soak(labs, people, product)

    async def _soak(self, labs: Labs, people: People, product: Product) -> None:
        faults = Faults(labs, [each.address for each in people.everybody], self._random, product.retry)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(product))
            before, began = await self._spent(product), time.monotonic()
            await self._be_calm(0, at_least=self._plan.first_calm, at_most=self._plan.first_calm)
            after = await self._spent(product)
            self.outcome.cpu_calm = after - before, time.monotonic() - began
            end, number = time.monotonic() + self._plan.minutes * 60, 0
            while not number or (time.monotonic() < end and not self.stop.is_set()):
                number += 1
                await self._trouble(people, faults)
                await self._be_calm(number, at_least=CALM, at_most=self._plan.longest_calm)
                self._tell(number, people, faults)
            self.outcome.cpu = await self._spent(product) - before, time.monotonic() - began
            self.outcome.changes, self.outcome.faults = people.uses, faults.uses
            if self._plan.at_rest:
                await self._come_to_rest(labs, people, product)
            watching.cancel()
        if (code := await asyncio.to_thread(product.stop)) != 0:
            self.outcome.wrong.append(f"the product ended with {code}")

    @staticmethod
    async def _spent(product: Product) -> float:
        return (await product.metrics())["process_cpu_seconds_total"]

    async def _watch(self, product: Product) -> None:
        """Sample each second, whatever happens."""
        while True:
            self._check(product)
            with suppress(TimeoutError, aiohttp.ClientError):
                self.outcome.samples.append(await product.sample(self._calm))
            await asyncio.sleep(1)

    async def _trouble(self, people: People, faults: Faults) -> None:
        """Have changes and faults for what is left of a period besides its calm."""
        faults.over.clear()
        end = time.monotonic() + self._plan.period - CALM

        async def again(work: Callable[[], Awaitable[None]], pause: float) -> None:
            while time.monotonic() < end and not self.stop.is_set():
                await work()
                await asyncio.sleep(self._random.uniform(0.2, 1.8) * pause)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(again(people.change, 1 / self._plan.changes))
            for _ in range(self._plan.faults):
                tasks.create_task(again(faults.one, 2.0))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(end - time.monotonic(), 0)):
                    await self.stop.wait()
            faults.over.set()
        await faults.settle()

    async def _be_calm(self, number: int, *, at_least: float, at_most: float) -> None:
        """Leave it alone until every count is back to that of the first calm, within some seconds."""
        began, self._calm = time.monotonic(), number
        while (passed := time.monotonic() - began) < at_most:
            await asyncio.sleep(0.5)
            if not number and self.stop.is_set():
                break
            seen = any(each.calm == number for each in reversed(self.outcome.samples))
            if number and seen and passed >= at_least and not above(self.outcome.samples, number):
                break
        self._calm = None
        if not any(each.calm == number for each in self.outcome.samples):
            self.outcome.wrong.append(f"in calm {number} both sides were not connected within {at_most:g} s")

    async def _healthy(self, product: Product, *, within: float) -> None:
        """Wait until every mailbox is streamed."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self._check(product)
            with suppress(OSError, aiohttp.ClientError):
                if (await product.metrics()).get("mailboxes:streamed", 0) == self._plan.mailboxes:
                    return
            await asyncio.sleep(0.5)
        raise BrokenError(f"not every mailbox was streamed within {within:g} s:\n{product.output()[-4000:]}")

    @staticmethod
    def _check(product: Product) -> None:
        """Raise BrokenError where the product has ended."""
        if (code := product.process.poll()) is not None:
            raise BrokenError(f"the product has ended with {code}:\n{product.output()[-4000:]}")

    async def _come_to_rest(self, labs: Labs, people: People, product: Product) -> None:
        """Wait until Rainbow holds what Exchange has, for everybody; what is not so in time is wrong."""
        await people.all_come_back()
        began = time.monotonic()
        while found := await differences(labs, people.everybody):
            if time.monotonic() - began > self._plan.at_rest:
                self.outcome.wrong += found
                break
            await asyncio.sleep(5)
        self.outcome.at_rest = time.monotonic() - began
        streamed = (await product.metrics()).get("mailboxes:streamed", 0)
        if streamed != self._plan.mailboxes:
            self.outcome.wrong.append(f"{streamed:g} of {self._plan.mailboxes} mailboxes are streamed")

    def _tell(self, number: int, people: People, faults: Faults) -> None:
        samples = self.outcome.samples
        last = samples[-1]
        more = ", ".join(f"{name} {then:g} → {now:g}" for name, (then, now) in above(samples, number).items())
        self._say(
            f"{last.at / 60:5.1f} min  calm {number}  {people.uses.total():5} changes {faults.uses.total():4} faults  "
            f"{last.sizes['memory'] / 2**20:6.1f} MiB  {last.counts['tasks']:3.0f} tasks {last.counts['sockets']:3.0f}"
            f" sockets  {'more than at first: ' + more if more else 'all as at first'}"
        )


def leaves(group: BaseExceptionGroup[BrokenError]) -> list[BrokenError]:
    """List the errors themselves that stand in a group, and in groups within it."""
    return [
        leaf for each in group.exceptions for leaf in (leaves(each) if isinstance(each, BaseExceptionGroup) else [each])
    ]
