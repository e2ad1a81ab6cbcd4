"""Questions over one XMPP link: how many a second of the processor, and how long one waits for its answer.

The installed command stands between both sides of the lab, with everybody covered, told and at rest; the lab's Rainbow,
a process of its own, asks about everybody at once, and sees that each question has one answer, and what stands in it.
Against that stands lxml alone, which parses and writes stanzas of the same form in this process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.benchmarks.figures import Figure, Hold, Outcome, Plan
from tests.benchmarks.rig import Rig, between_labs
from tests.benchmarks.stanzas import APPOINTMENTS, Floor, WrongAnswerError, company

NAME = "answers"
MAILBOXES = 10_000
#: the goals: questions a second of the processor, times the floor, milliseconds at 200 a second without reads and with
A_SECOND, FLOORS, QUIET, READING = 8_000.0, 2.0, 5.0, 25.0
#: mebibytes that a burst of 10,000 may add
MEMORY = 100.0
#: questions a second at a steady pace, for so many seconds; changes a second that are read meanwhile
RATE, SECONDS, CHANGES = 200, 5, 50
#: how often at a steady pace, at most
PACES = 2
#: seconds until what was answered has been noted in the file of the last day as well
_NOTED = 4.0
#: seconds of calm before
_CALM = 5.0
#: appointments may be over by the time that they are asked about
_OVER = 0.02
_WITHIN = 400.0


@dataclass(slots=True)
class Bursts:
    """What each burst came to, for each question: seconds of the product's processor, of lxml's, of the wall."""

    cpu: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    #: bytes that the product grew by
    grown: list[int] = field(default_factory=list)


async def run(plan: Plan) -> Outcome:
    """Ask about everybody at once, `runs` times, then at a steady pace, without reads and with."""
    size, outcome = plan.scaled(MAILBOXES), Outcome()
    floor = Floor(company(Random(plan.seed), size, datetime.now(UTC)), datetime.now(UTC))
    bursts, paces = Bursts(), dict[str, list[float]](quiet=[], reading=[])
    async with between_labs(plan.folder, size, mode="batched", seed=plan.seed, appointments=APPOINTMENTS) as rig:
        rig.start()
        await rig.all_told(within=_WITHIN)
        await rig.at_rest(within=_WITHIN)
        # everything that was made up, whenever it is
        await rig.labs.rainbow("POST", "/lab/dials", {"question_hours": 24 * 8})
        await rig.longest_hold()
        for number in range(plan.runs):
            await burst(rig, bursts, floor, size, plan.seed + number)
        outcome.loops.append(Hold(where=f"{size:,} questions at once", seconds=await rig.longest_hold()))
        for number in range(min(PACES, plan.runs)):
            paces["quiet"].append(await pace(rig, plan.seed + number))
        for number in range(min(PACES, plan.runs)):
            async with changing(rig, plan.seed + number):
                paces["reading"].append(await pace(rig, plan.seed + number, more=True))
        outcome.loops.append(Hold(where=f"{RATE} questions a second", seconds=await rig.longest_hold()))
        await rig.stop()
    outcome.figures += figures(size, bursts, paces)
    return outcome


async def burst(rig: Rig, bursts: Bursts, floor: Floor, size: int, seed: int) -> None:
    """Ask about everybody at once, and wait until all that was answered is noted, too.

    What the product spends meanwhile on everything else, polls before all, is taken from the calm just before.
    """
    calm = rig.cpu()
    await asyncio.sleep(_CALM)
    cpu, resident, began = rig.cpu(), rig.resident(), time.monotonic()
    calm = (cpu - calm) / _CALM
    found = await rig.labs.rainbow("POST", "/lab/burst", {"count": size, "seconds": 60, "seed": seed})
    grown = rig.resident() - resident
    await asyncio.sleep(_NOTED)
    spent = rig.cpu() - cpu - calm * (time.monotonic() - began)
    check(found, size)
    bursts.cpu.append(spent / size)
    bursts.grown.append(grown)
    bursts.seconds.append(found["seconds"] / size)
    bursts.floor.append(floor.run())
    if not 0.85 < found["bytes"] / floor.written < 1.15:
        raise WrongAnswerError(f"{found['bytes']} bytes of answers, while lxml writes {floor.written}")


async def pace(rig: Rig, seed: int, *, more: bool = False) -> float:
    """Ask at a steady pace; return the seconds within which all but one in a hundred is answered.

    `more`: there are appointments besides those that were made up at first.
    """
    number = RATE * SECONDS
    found = await rig.labs.rainbow("POST", "/lab/burst", {"count": number, "rate": RATE, "seconds": 20, "seed": seed})
    check(found, number, more=more)
    return float(found["p99"])


@asynccontextmanager
async def changing(rig: Rig, seed: int) -> AsyncIterator[None]:
    """Have calendars changed while the context is open: they are read, told and asked about."""
    order = {"count": CHANGES * SECONDS, "seconds": SECONDS, "seed": seed}
    await rig.labs.exchange("POST", "/lab/changes", order)
    yield
    await asyncio.sleep(_NOTED)


def check(found: Mapping[str, Any], number: int, *, more: bool = False) -> None:
    """See that each question had one answer, with all appointments. Raises WrongAnswerError."""
    whole = (found["answered"], found["missing"], found["twice"], found["malformed"], found["errors"])
    share = found["events"] / (number * APPOINTMENTS)
    if whole != (number, 0, 0, 0, {}) or share < 1 - _OVER or (share > 1 and not more):
        raise WrongAnswerError(f"{whole} of {number}, {found['events']} appointments")


def figures(size: int, bursts: Bursts, paces: Mapping[str, list[float]]) -> list[Figure]:
    """Say what it all came to."""
    by_lxml = ", ".join(f"{each * 1e6:.0f}" for each in bursts.floor)
    walls = ", ".join(f"{1 / each:,.0f}" for each in bursts.seconds)
    return [
        Figure(
            benchmark=NAME,
            name=f"questions about {size:,} mailboxes, all at once",
            unit="a CPU second",
            values=tuple(1 / each for each in bursts.cpu),
            at_least=A_SECOND,
            note=f"answered and noted; by the wall {walls} a second until the last answer",
        ),
        Figure(
            benchmark=NAME,
            name="processor time of a question and its answer, against lxml parsing and writing them",
            unit="x lxml",
            values=tuple(each / least for each, least in zip(bursts.cpu, bursts.floor, strict=True)),
            at_most=FLOORS,
            note=f"lxml alone: {by_lxml} µs",
        ),
        Figure(
            benchmark=NAME,
            name=f"memory that {size:,} questions at once add",
            unit="MiB",
            values=tuple(each / 2**20 for each in bursts.grown),
            at_most=MEMORY,
        ),
        Figure(
            benchmark=NAME,
            name=f"answered after, p99, at {RATE} questions a second",
            unit="ms",
            values=tuple(1000 * each for each in paces["quiet"]),
            at_most=QUIET,
        ),
        Figure(
            benchmark=NAME,
            name=f"answered after, p99, at {RATE} questions a second, while {CHANGES} changes a second are read",
            unit="ms",
            values=tuple(1000 * each for each in paces["reading"]),
            at_most=READING,
        ),
    ]
