"""What the extra `speed` gains: the same start, changes and questions with uvloop and without, in turns."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from random import Random

from tests.benchmarks.figures import Figure, Hold, Outcome, Plan
from tests.benchmarks.rig import Rig, StuckError, between_labs
from tests.benchmarks.told import Changes, Load
from tests.speed import put

NAME = "speed"
BUILD = Path(__file__).parent.parent.parent / "build" / "speed"
PEOPLE = 1_000
#: changes a second, and for how many seconds at most: no mailbox twice; questions in one burst
CHANGES, SECONDS, QUESTIONS = 100, 5.0, 5_000
_START, _REST = 300.0, 120.0
#: name of a measure → unit
MEASURES = {
    "processor time of a start, for each mailbox": "ms",
    "processor time for a change": "ms",
    "processor time for a question": "ms",
    "memory": "MiB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of both loops, and the variables by which a process gets it."""

    loop: str
    variables: dict[str, str]


async def run(plan: Plan) -> Outcome:
    """Run both ways so many times, another one first each time."""
    ways = [
        Way(loop="asyncio", variables={}),
        Way(loop="uvloop", variables=await asyncio.to_thread(put, BUILD)),
    ]
    outcome = Outcome()
    found: dict[str, list[tuple[float, ...]]] = {way.loop: [] for way in ways}
    for number in range(plan.runs):
        for way in ways if number % 2 == 0 else reversed(ways):
            found[way.loop].append(await _one(plan, plan.folder / f"{number}-{way.loop}", way, outcome))
    [version] = [each.version for each in distributions(path=[str(BUILD)]) if each.name == "uvloop"]
    outcome.figures += figures(found["asyncio"], found["uvloop"], version)
    return outcome


def figures(plain: list[tuple[float, ...]], faster: list[tuple[float, ...]], version: str = "") -> list[Figure]:
    """Give each measure of both, and the ratio, run by run."""
    made = []
    note = f"uvloop {version}" if version else ""
    for place, (name, unit) in enumerate(MEASURES.items()):
        a, b = [each[place] for each in plain], [each[place] for each in faster]
        made += [
            Figure(benchmark=NAME, name=f"{name}: asyncio", unit=unit, values=tuple(a)),
            Figure(benchmark=NAME, name=f"{name}: uvloop", unit=unit, values=tuple(b)),
            Figure(
                benchmark=NAME,
                name=f"{name}: uvloop / asyncio",
                unit="times",
                values=tuple(y / x for x, y in zip(a, b, strict=True)),
                note=note,
            ),
        ]
    return made


async def _one(plan: Plan, folder: Path, way: Way, outcome: Outcome) -> tuple[float, ...]:
    """Measure one start, and what follows it."""
    people = plan.scaled(PEOPLE)
    async with between_labs(folder, people, seed=plan.seed, besides=way.variables) as rig:
        rig.start()
        started = await rig.all_told(within=_START)
        await rig.at_rest(within=_REST)
        if (loop := await _loop(rig)) != way.loop:
            raise StuckError(f"it runs on {loop}, and was to run on {way.loop}")
        memory = rig.resident()
        load = Load(rate=CHANGES)
        await Changes(rig, Random(plan.seed)).make(load, min(SECONDS, people / CHANGES))
        before = rig.cpu()
        burst = await rig.labs.rainbow("POST", "/lab/burst", {"count": QUESTIONS, "seed": plan.seed})
        asked = rig.cpu() - before
        if burst["answered"] != QUESTIONS or load.untold:
            raise StuckError(f"{burst['answered']} of {QUESTIONS} questions were answered, {load.untold} not told")
        outcome.loops.append(Hold(where=f"{way.loop}, {people:,} mailboxes", seconds=await rig.longest_hold()))
        await rig.stop()
    return (
        1000 * started.cpu / people,
        1000 * load.spent[0].cpu / load.spent[0].changes,
        1000 * asked / QUESTIONS,
        memory / 2**20,
    )


async def _loop(rig: Rig) -> str:
    """Return the loop that the product says it runs on."""
    return str((await rig.product.status())["event_loop"])
