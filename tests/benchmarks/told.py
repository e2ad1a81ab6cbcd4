"""From a change in Exchange until Rainbow is told: how long it takes, and what it costs, in companies of two sizes.

A change begins when the lab's Exchange has written the bytes of its notification, and ends when the lab's Rainbow has
got the notify that names its user. Its cost is processor time of the product's process over many changes, less what it
takes for as long while nothing changes; Rainbow asks for whoever it is told of, and its questions are in it. Everything
else goes on as by default, polls of absences as well.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from tests.benchmarks.figures import Figure, Hold, Outcome, Plan, Series
from tests.benchmarks.rig import ANSWER_TIME, Mode, Rig, StuckError, between_labs

NAME = "told"
SMALL, LARGE = 1_000, 20_000
#: changes a second, and for how many seconds in each run; more runs would take more than this benchmark's part
RATES, MOST_RUNS = {1: 3.0, 10: 3.0, 100: 2.0}, 2
#: the goals: seconds for half of all changes, and for all but one in a hundred; cost in the large company to the small
HALF, NEARLY_ALL, DEARER = 0.3, 1.0, 1.2
#: the rate at which there are enough changes to say what one costs, and that at which there are nearly none
_COUNTED, _CALM = 100, 1
#: seconds until the last changes of a run have been told, for everybody to be told at first, and to be at rest then
_SETTLE, _START, _REST = 1.5, 600.0, 120.0
#: everybody's meetings begin so many seconds after they were made, of which Rainbow is told at 500 a second at most;
#: later where a busy machine has not come so far by then
_AHEAD = (70.0, 300.0)
#: for how long calendars are changed from there on, how many a second; how much later all beginnings are told at most
_MINUTE, _CROWDED, _LATE = 60.0, 10, 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, over how many seconds, with how many changes."""

    cpu: float
    seconds: float
    changes: int

    def of_one(self, calm: "Cost") -> float:
        """Return what a change costs: all but what as long a time costs in which there were few, just before."""
        part = self.seconds / calm.seconds
        return (self.cpu - calm.cpu * part) / (self.changes - calm.changes * part)


@dataclass(slots=True, kw_only=True)
class Load:
    """What one rate came to in one company: of each run the seconds of its changes, and what was spent meanwhile."""

    rate: int
    seconds: list[list[float]] = field(default_factory=list)
    spent: list[Cost] = field(default_factory=list)
    untold: int = 0

    def quantiles(self, share: float) -> tuple[float, ...]:
        """Return of each run how long that share of its changes took at most."""
        return tuple(quantile(each, share) for each in self.seconds if each)


def quantile(seconds: Sequence[float], share: float) -> float:
    """Return what that share of them does not exceed."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


async def run(plan: Plan) -> Outcome:
    """Run in both companies and both read modes; and where everybody's meeting begins in one minute."""
    outcome = Outcome()
    costs: dict[tuple[Mode, int], list[float]] = {}
    lines: dict[str, list[tuple[float, float]]] = {}
    modes: tuple[Mode, ...] = ("own", "batched")
    for mode in modes:
        for people in (SMALL, LARGE):
            size = plan.scaled(people)
            where = f"{mode}, {size:,} mailboxes"
            folder = plan.folder / f"{mode}-{people}"
            async with between_labs(folder, size, mode=mode, seed=plan.seed) as rig:
                rig.start()
                await rig.all_told(within=_START)
                await rig.at_rest(within=_REST)
                await rig.longest_hold()  # of the start, which is another benchmark's
                changes = Changes(rig, Random(plan.seed))
                found = await loads(changes, min(plan.runs, MOST_RUNS))
                busy, calm = found[_COUNTED].spent, found[_CALM].spent
                costs[mode, people] = [each.of_one(few) for each, few in zip(busy, calm, strict=True)]
                outcome.figures.append(idle(where, calm, costs[mode, people]))
                for load in found.values():
                    outcome.figures += latencies(f"{where}, {load.rate} a second", load)
                    everything = [each for run in load.seconds for each in run]
                    lines.setdefault(where, []).append((load.rate, quantile(everything, 0.99)))
                outcome.loops.append(Hold(where=f"changes: {where}", seconds=await rig.longest_hold()))
                if mode == "batched" and people == LARGE:
                    outcome.figures += await crowded(changes, where)
                    outcome.loops.append(Hold(where=f"all meetings begin: {where}", seconds=await rig.longest_hold()))
                await rig.stop()
    outcome.figures += [dearer(mode, costs[mode, SMALL], costs[mode, LARGE], plan) for mode in modes]
    outcome.series.append(
        Series(
            benchmark=NAME,
            name="Until all but one change in a hundred is told",
            x_name="changes a second",
            y_name="seconds",
            lines=lines,
        )
    )
    return outcome


class Changes:
    """Changes calendars at a rate, one mailbox after another, and sees when Rainbow was told."""

    def __init__(self, rig: Rig, random: Random) -> None:
        self.rig = rig
        self._random = random
        self._ids = {str(each["loginEmail"]).lower(): str(each["id"]) for each in rig.users}

    async def make(self, load: Load, seconds: float) -> None:
        """Make changes for so long, not two in one mailbox."""
        labs, number = self.rig.labs, min(round(load.rate * seconds), len(self.rig.users))
        written = (await labs.exchange("GET", "/lab/written?since=now"))["newest"]
        _, notified = await self.rig.told("now")
        began, cpu = time.monotonic(), self.rig.cpu()
        order = {"count": number, "seconds": seconds, "seed": self._random.getrandbits(31)}
        await labs.exchange("POST", "/lab/changes", order)
        await asyncio.sleep(seconds + _SETTLE)
        load.spent.append(Cost(self.rig.cpu() - cpu, time.monotonic() - began, number))
        changed = (await labs.exchange("GET", f"/lab/written?since={written}"))["written"]
        told, _ = await self.rig.told(notified)
        took = self._took([(each["mailbox"].lower(), each["at"]) for each in changed], told)
        load.seconds.append([each for each in took if each is not None])
        load.untold += number - len(load.seconds[-1])

    def _took(self, written: list[tuple[str, float]], told: dict[str, list[float]]) -> list[float | None]:
        """Set the first notification about each mailbox against the next notify that names its user."""
        changed: dict[str, float] = {}
        for address, at in written:
            changed.setdefault(address, at)
        return [
            min((each - at for each in told.get(self._ids[address], ()) if each >= at), default=None)
            for address, at in changed.items()
        ]


async def loads(changes: Changes, runs: int) -> dict[int, Load]:
    """Change calendars at each rate in turns, `runs` times."""
    found = {rate: Load(rate=rate) for rate in RATES}
    for _ in range(runs):
        for rate, seconds in RATES.items():
            await changes.make(found[rate], seconds)
    return found


async def crowded(changes: Changes, where: str) -> list[Figure]:
    """Give everybody a meeting that begins at the same instant, and change calendars in the minute from there on."""
    rig = changes.rig
    begin = await everybody_meets(rig)
    _, before = await rig.told("now")
    await asyncio.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
    load = Load(rate=_CROWDED)
    await changes.make(load, _MINUTE)
    end = time.monotonic() + _LATE
    while missing := len(rig.users) - len((await rig.told(before))[0]):
        if time.monotonic() > end:
            break
        await asyncio.sleep(1)
    where = f"{where}, while all their meetings begin"
    late = Figure(benchmark=NAME, name=f"not told, {where}", unit="meetings", values=(missing,), at_most=0)
    return [*latencies(where, load), late]


async def everybody_meets(rig: Rig) -> datetime:
    """Give everybody a meeting of which Rainbow is told before it begins; return when that is."""
    late: StuckError | None = None
    for ahead in _AHEAD:
        begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ahead)
        _, before = await rig.told("now")
        await rig.labs.exchange("POST", "/lab/meetings", {"begin": begin.isoformat(), "minutes": 120})
        try:
            await rig.all_told(within=ahead - 1, since=before)
        except StuckError as error:
            late = error
        else:
            return begin
    raise StuckError("Rainbow was not told in time that everybody has a meeting") from late


def latencies(where: str, load: Load) -> list[Figure]:
    """Make the figures of one load."""
    changes = sum(len(each) for each in load.seconds)
    note = f"{changes} changes; Exchange answers in {ANSWER_TIME * 1000:g} ms"
    return [
        Figure(benchmark=NAME, name=f"half, {where}", unit="s", values=load.quantiles(0.5), at_most=HALF, note=note),
        Figure(
            benchmark=NAME, name=f"99 %, {where}", unit="s", values=load.quantiles(0.99), at_most=NEARLY_ALL, note=note
        ),
        Figure(benchmark=NAME, name=f"never told, {where}", unit="changes", values=(load.untold,), at_most=0),
    ]


def idle(where: str, calm: Sequence[Cost], costs: Sequence[float]) -> Figure:
    """Say what the product takes where nothing changes: what is not in the cost of changes."""
    shares = [100 * (each.cpu - each.changes * median(costs)) / each.seconds for each in calm]
    return Figure(benchmark=NAME, name=f"between changes, {where}", unit="% of a core", values=tuple(shares))


def dearer(mode: Mode, small: Sequence[float], large: Sequence[float], plan: Plan) -> Figure:
    """Compare what a change costs in both companies, run by run."""
    return Figure(
        benchmark=NAME,
        name=f"cost of a change, {plan.scaled(LARGE):,} mailboxes to {plan.scaled(SMALL):,}, {mode}",
        unit="ratio",
        values=tuple(b / a for a, b in zip(small, large, strict=True)),
        at_most=DEARER,
        note=f"{1000 * median(small):.2f} ms and {1000 * median(large):.2f} ms, at {_COUNTED} changes a second",
    )
