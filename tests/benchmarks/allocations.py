"""What an answer, a change and a poll allocate, by tracemalloc in the product's process: kept, and at most meanwhile.

What is kept is what is held more after many of them, once the past is written to its file; what is allocated at most is
that of a single one, above what was held before it, half of them less and half of them more.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from random import Random

from tests.benchmarks import traced as product
from tests.benchmarks.figures import Figure, Plan
from tests.benchmarks.rig import Rig, StuckError, between_labs

_PEOPLE, _MANY, _SINGLE = 100, 100, 5
_A_SECOND = 20
#: seconds: the past is written every 3; for everybody to be told; for a change to be; between two polls at most
_WRITTEN, _START, _CHANGE, _POLL = 6.0, 120.0, 10.0, 90.0

_BUFFER = "256 KiB of it is what asyncio reads into, whatever comes"
_KEPT = f"over {_MANY} of them, after as many; connections that open or close meanwhile count"


class Tracer:
    """Asks the traced product what it holds."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def held(self) -> dict[str, int]:
        """Return what is held now, and what was at most since the last call, in bytes; and how many blocks."""
        self._writer.write(b"held\n")
        answer: dict[str, int] = json.loads(await self._reader.readline())
        return answer


async def traced(plan: Plan) -> list[Figure]:
    """Run the product in a small company; return what each of the three allocates."""
    port_file = plan.folder / "held.port"
    async with between_labs(plan.folder / "traced", _PEOPLE, seed=plan.seed) as rig:
        rig.start((sys.executable, str(Path(product.__file__)), str(port_file)))
        await rig.all_told(within=_START)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port_file.read_text(encoding="ascii")))
        with closing(writer):
            tracer, random = Tracer(reader, writer), Random(plan.seed)

            async def answer() -> None:
                await _answer(rig, random.choice(rig.addresses))

            async def answers() -> None:
                for _ in range(_MANY):
                    await answer()

            async def change() -> None:
                await _change(rig, random.getrandbits(31))

            async def changes() -> None:
                order = {"count": _MANY, "seconds": _MANY / _A_SECOND, "seed": random.getrandbits(31)}
                await rig.labs.exchange("POST", "/lab/changes", order)
                await asyncio.sleep(_MANY / _A_SECOND)

            await rig.at_rest(within=_START)
            figures = await _costs(tracer, "an answer", answer, answers)
            figures += await _costs(tracer, "a change, until Rainbow is told", change, changes)
            figures.append(await _poll(rig, tracer))
        await rig.stop()
    return figures


async def _costs(
    tracer: Tracer, what: str, do: Callable[[], Awaitable[None]], do_many: Callable[[], Awaitable[None]]
) -> list[Figure]:
    await do_many()
    peaks = []
    for _ in range(_SINGLE):
        held = (await tracer.held())["held"]
        await do()
        peaks.append((await tracer.held())["peak"] - held)
    await asyncio.sleep(_WRITTEN)
    before = await tracer.held()
    await do_many()
    await asyncio.sleep(_WRITTEN)
    after = await tracer.held()
    kept = (after["held"] - before["held"]) / _MANY
    blocks = (after["blocks"] - before["blocks"]) / _MANY
    return [
        _figure(f"allocated at most by {what}", "KiB", *[peak / 1024 for peak in sorted(peaks)], note=_BUFFER),
        _figure(f"kept of {what}", "bytes", kept, note=_KEPT),
        _figure(f"kept of {what}", "blocks", blocks, note=_KEPT),
    ]


async def _poll(rig: Rig, tracer: Tracer) -> Figure:
    """Wait for the next poll of everybody's absence."""
    before, begin = await tracer.held(), await _polls(rig)
    end = time.monotonic() + _POLL
    while (asked := await _polls(rig)) == begin:
        if time.monotonic() > end:
            raise StuckError(f"no absence was polled within {_POLL:g} s")
        await asyncio.sleep(1.0)
        if await _polls(rig) == begin:
            before = await tracer.held()
    await asyncio.sleep(1.0)
    peak = (await tracer.held())["peak"] - before["held"]
    note = f"{asked - begin} request or more, and what else happened in that second; {_BUFFER}"
    return _figure("allocated at most by a poll of a hundred mailboxes", "KiB", peak / 1024, note=note)


async def _polls(rig: Rig) -> int:
    counts: dict[str, int] = await rig.labs.exchange("GET", "/lab/counts")
    return counts.get("GetMailTips", 0)


async def _answer(rig: Rig, address: str) -> None:
    await rig.labs.rainbow("POST", "/lab/ask", {"kind": "events", "email": address})


async def _change(rig: Rig, seed: int) -> None:
    """Change one calendar; return once Rainbow was told."""
    _, notified = await rig.told("now")
    await rig.labs.exchange("POST", "/lab/changes", {"count": 1, "seconds": 0, "seed": seed})
    end = time.monotonic() + _CHANGE
    while not (await rig.told(notified))[0]:
        if time.monotonic() > end:
            raise StuckError(f"Rainbow was not told of a change within {_CHANGE:g} s")
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)  # Rainbow asks


def _figure(name: str, unit: str, *values: float, note: str = "") -> Figure:
    return Figure(benchmark="size", name=name, unit=unit, values=values, note=note)
