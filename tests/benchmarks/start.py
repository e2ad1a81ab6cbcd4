"""The cold start: processor time and requests to Exchange for each mailbox until all are covered and told.

The product starts on an empty state, in companies of three sizes and in both read modes. What it spends before the
first mailbox is subscribed (its modules, the sign-in, the first users) is told apart, since it is the same for any
number. Rainbow asks about whoever it is told of, as it does in the field: the out-of-office settings that its questions
make the product read, one request for each person, are counted apart. What subscribing alone takes is measured with
the product's own client, watcher and enrolment in this process, on the lab's Exchange in another.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from tests.benchmarks import resting
from tests.benchmarks.figures import Figure, Hold, Outcome, Plan, Series
from tests.benchmarks.rig import Mode, Rig, Spent, between_labs
from tests.benchmarks.subscribing import subscribed

NAME = "start"
#: people → how many runs at most, in each mode; for want of time, the largest only where calendars are read together
COMPANIES: dict[Mode, dict[int, int]] = {"own": {1_000: 3, 10_000: 1}, "batched": {1_000: 3, 10_000: 1, 50_000: 1}}
#: the goals: milliseconds for a subscription, requests for a mailbox, seconds until the first is covered
SUBSCRIPTION, FIRST = 1.0, 1.5
REQUESTS: dict[Mode, float] = {"batched": 1.03, "own": 2.03}
#: what only Rainbow's questions about automatic replies make the product ask for
_ASKED_FOR = ("GetUserOofSettings",)
_WITHIN, _SUBSCRIPTIONS, _RUNS = 900.0, 1_000, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One start: what had been spent when the first stream was asked for, and when everybody had been told."""

    rig: Rig
    people: int
    first: Spent
    told: Spent

    @property
    def cpu(self) -> float:
        """Milliseconds of processor time for each mailbox, from the first stream on."""
        return 1000 * (self.told.cpu - self.first.cpu) / self.people

    @property
    def requests(self) -> float:
        """Requests for each mailbox, but for what Rainbow asks about besides."""
        return sum(number for name, number in self.told.requests.items() if name not in _ASKED_FOR) / self.people

    @property
    def asked_for(self) -> float:
        """Requests for each mailbox that Rainbow's questions made."""
        return sum(self.told.requests[name] for name in _ASKED_FOR) / self.people


@dataclass(slots=True)
class Runs:
    """All starts of one company in one mode."""

    cpu: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    asked_for: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    last: Spent | None = None

    def add(self, start: Started) -> None:
        """Take one more."""
        self.cpu.append(start.cpu)
        self.before.append(start.first.cpu)
        self.requests.append(start.requests)
        self.asked_for.append(start.asked_for)
        self.first.append(start.first.seconds)
        self.last = start.told


async def run(plan: Plan) -> Outcome:
    """Start in each company, smallest first; where `size` runs as well, it finds what was seen of each at rest."""
    outcome = Outcome()
    for impersonation in (False, True):
        values = []
        for number in range(min(plan.runs, _RUNS)):
            folder = plan.folder / f"subscribing-{impersonation}-{number}"
            values.append(await subscribed(folder, plan.scaled(_SUBSCRIPTIONS), impersonation=impersonation))
        how = "as its owner" if impersonation else "as a reviewer"
        outcome.figures.append(
            Figure(
                benchmark=NAME,
                name=f"processor time of a subscription, {how}, until its stream is open",
                unit="ms",
                values=tuple(values),
                at_most=SUBSCRIPTION,
                note="client, watcher and enrolment alone, on the lab's Exchange in another process",
            )
        )
    lines: dict[str, list[tuple[float, float]]] = {}
    for mode, companies in COMPANIES.items():
        for people, most in companies.items():
            runs = Runs()
            for number in range(min(most, plan.runs)):
                async with started(plan, people, mode, number) as start:
                    runs.add(start)
                    where = f"start: {mode}, {people:,} mailboxes"
                    outcome.loops.append(Hold(where=where, seconds=await start.rig.longest_hold()))
                    if number == 0 and "size" in plan.names:
                        await resting.look(start.rig, mode, share=people == resting.LARGEST)
                        where = f"at rest: {mode}, {people:,} mailboxes"
                        outcome.loops.append(Hold(where=where, seconds=await start.rig.longest_hold()))
            outcome.figures += figures(mode, people, runs)
            lines.setdefault(mode, []).append((people, sum(runs.cpu) / len(runs.cpu)))
    outcome.series.append(
        Series(benchmark=NAME, name="cold start", x_name="mailboxes", y_name="ms of processor a mailbox", lines=lines)
    )
    return outcome


@asynccontextmanager
async def started(plan: Plan, people: int, mode: Mode, number: int = 0) -> AsyncIterator[Started]:
    """Start the product in a company of so many, and wait until everybody is told; it is stopped afterwards."""
    folder = plan.folder / f"{mode}-{people}-{number}"
    size = plan.scaled(people)
    async with between_labs(folder, size, mode=mode, seed=plan.seed + number) as rig:
        rig.start()
        first = await first_stream(rig)
        yield Started(rig=rig, people=size, first=first, told=await rig.all_told(within=_WITHIN))
        await rig.stop()


async def first_stream(rig: Rig) -> Spent:
    """Wait until the lab's Exchange is asked for the first stream; say what had been spent, and when it was asked."""
    began = datetime.now().astimezone()
    before = await rig.spent()
    while not (found := await rig.labs.exchange("GET", "/lab/requests?operation=GetStreamingEvents&wait=30")):
        await rig.spent()  # which says so where the product has ended
    spent = await rig.spent()
    asked = datetime.fromisoformat(found[0]["arrived"])
    return Spent(seconds=before.seconds + (asked - began).total_seconds(), cpu=spent.cpu, requests=spent.requests)


def figures(mode: Mode, people: int, runs: Runs) -> list[Figure]:
    """Say what the starts in one company came to."""
    where = f"{mode}, {people:,} mailboxes"
    operations = runs.last.requests if runs.last is not None else {}
    named = ", ".join(f"{name} {count:,}" for name, count in sorted(operations.items()))
    return [
        Figure(
            benchmark=NAME,
            name=f"processor time for each mailbox until it is covered, told and asked about; {where}",
            unit="ms",
            values=tuple(runs.cpu),
            note="from the first stream on",
        ),
        Figure(
            benchmark=NAME, name=f"processor time until the first stream; {where}", unit="s", values=tuple(runs.before)
        ),
        Figure(
            benchmark=NAME,
            name=f"requests to Exchange for each mailbox until all are covered and told; {where}",
            unit="requests",
            values=tuple(runs.requests),
            at_most=REQUESTS[mode],
            note=f"the last run: {named}",
        ),
        Figure(
            benchmark=NAME,
            name=f"besides, out-of-office settings read for Rainbow's questions meanwhile; {where}",
            unit="requests",
            values=tuple(runs.asked_for),
            note="each person that Rainbow asks about costs one, whatever is covered when",
        ),
        Figure(
            benchmark=NAME,
            name=f"seconds from the start until the first stream; {where}",
            unit="s",
            values=tuple(runs.first),
            at_most=FIRST,
        ),
    ]
