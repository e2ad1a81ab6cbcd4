"""Benchmark 6: the longest time for which the product's event loop was held, in everything that was measured before.

The product itself keeps it (`rainbow_exchange/loop_lag.py`): exactly, of each turn of its loop, by the steady clock.
So it is also longer where the machine had no processor to give it: what a turn takes by itself, `holders` finds out.
"""

from tests.benchmarks.figures import Figure, Outcome, Plan

#: milliseconds
AT_MOST = 25.0


class NothingMeasuredError(Exception):
    """No benchmark has run before of whose loop there would be something to tell."""


async def run(plan: Plan) -> Outcome:
    """Give one figure for each thing that was done, with what each run of it gave. Raises NothingMeasuredError."""
    if not plan.holds:
        raise NothingMeasuredError(
            "name the benchmarks of whose loop it is to tell as well: answers, told, start, size"
        )
    found: dict[str, list[float]] = {}
    for hold in plan.holds:
        found.setdefault(hold.where, []).append(hold.seconds * 1000)
    return Outcome(
        figures=[
            Figure(benchmark="loop", name=where, unit="ms", values=tuple(values), at_most=AT_MOST)
            for where, values in found.items()
        ]
    )
