"""A company in one process, on the real clock, and the check that looks at it."""

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
    """The lab's two sides, and nobody between them until the check comes."""

    clock: Callable[[], datetime] = staticmethod(real_time)

    async def check(self, **more: Any) -> dict[str, Result]:
        """Run the check; give what each step said. What is left at Exchange afterwards is none of the check's."""
        settings, secrets = self.read()
        candidate = Candidate(settings=settings, secrets=secrets, secret_faults={}, account="svc")
        candidate = replace(candidate, **more.pop("candidate", {}))
        found: dict[str, Result] = {}
        with snapshot(self.folder) as store:
            going = diagnosis.run(candidate, store=store, now=self.clock, random=Random(self.luck).random, **more)
            async with aclosing(going) as results:
                async for each in results:
                    if isinstance(each, Result):
                        found[each.step] = each
        return found

    @property
    def left(self) -> int:
        """How many subscriptions and streams are there at Exchange."""
        return len(list(self.exchange.subscriptions)) + len(self.exchange.streams.open)


def bench(folder: Path, **more: Any) -> Bench:
    return Bench(folder, 2, **more)


def told(found: dict[str, Result], verdict: str) -> dict[str, str]:
    """Give the causes of those steps that ended so."""
    return {step: each.cause for step, each in found.items() if each.verdict == verdict}
