"""A company in one process and the check that looks at it, on the real clock or on virtual time."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange.diagnosis import check as diagnosis
from rainbow_exchange.diagnosis.check import Candidate, Result
from rainbow_exchange.state.snapshot import snapshot
from tests.house import House


def real_time() -> datetime:
    return datetime.now(UTC)


class Bench(House):
    """The lab's two sides on the real clock, and nobody between them until the check comes."""

    clock: Callable[[], datetime] = staticmethod(real_time)


def bench(folder: Path, **more: Any) -> Bench:
    return Bench(folder, 2, **more)


async def check(house: House, *, candidate: dict[str, Any] | None = None, **more: Any) -> dict[str, Result]:
    """Run the check on the settings of `house`; give what each step said. `candidate`: what else is known of them."""
    settings, secrets = house.read()
    wanted = Candidate(settings=settings, secrets=secrets, secret_faults={}, account="svc")
    found: dict[str, Result] = {}
    with snapshot(house.folder) as store:
        going = diagnosis.run(
            replace(wanted, **candidate or {}), store=store, now=house.clock, random=Random(house.luck).random, **more
        )
        async with aclosing(going) as results:
            async for each in results:
                if isinstance(each, Result):
                    found[each.step] = each
    return found


async def checked(house: House, **more: Any) -> dict[str, Result]:
    """Run the lab and the check; nothing is left at Exchange."""
    async with house.open():
        found = await check(house, **more)
        assert left(house) == 0
    return found


def left(house: House) -> int:
    """Count the subscriptions and streams at Exchange."""
    return len(list(house.exchange.subscriptions)) + len(house.exchange.streams.open)


def told(found: dict[str, Result], verdict: str) -> dict[str, str]:
    """Give the causes of those steps that ended so."""
    return {step: each.cause for step, each in found.items() if each.verdict == verdict}
