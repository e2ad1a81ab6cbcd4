"""How large the product is: memory against mailboxes that are really covered, and what single things allocate.

Resident memory is the kernel's figure for the product's process, at rest after everybody was covered and told. What a
mailbox takes is how much more it is in the largest company than in the smallest, by mailbox. What an answer, a change
and a poll allocate is traced (tracemalloc) in a process of its own, since tracing makes everything slower.
"""

from statistics import median

from tests.benchmarks import allocations, resting
from tests.benchmarks.figures import Figure, Hold, Outcome, Plan, Series
from tests.benchmarks.resting import LARGEST, Resting
from tests.benchmarks.rig import Mode
from tests.benchmarks.start import COMPANIES, started

NAME = "size"
#: the goals: KiB for a mailbox, MiB in all, percent of a core
EACH, ALL, IDLE = 10.0, 600.0, 2.0
_KIB, _MIB = 1024.0, 1024.0 * 1024.0


async def run(plan: Plan) -> Outcome:
    """Start in whatever company was not seen yet; then trace what is allocated."""
    outcome = Outcome()
    for mode, companies in COMPANIES.items():
        for people in companies:
            if not _seen(mode, plan.scaled(people)):
                await _start(plan, mode, people, outcome)
        outcome.figures += figures(mode, [_seen(mode, plan.scaled(people)) for people in companies])
    outcome.series.append(
        Series(
            benchmark=NAME,
            name="memory of the product's process",
            x_name="mailboxes",
            y_name="MiB",
            lines={mode: _line([_seen(mode, plan.scaled(people)) for people in COMPANIES[mode]]) for mode in COMPANIES},
        )
    )
    outcome.figures += await allocations.traced(plan)
    return outcome


async def _start(plan: Plan, mode: Mode, people: int, outcome: Outcome) -> None:
    """Start the product in a company of so many, and see what it takes once everybody is told."""
    async with started(plan, people, mode) as start:
        outcome.loops.append(Hold(where=f"start: {mode}, {people:,} mailboxes", seconds=await start.rig.longest_hold()))
        await resting.look(start.rig, mode, share=people == LARGEST)
        where = f"at rest: {mode}, {people:,} mailboxes"
        outcome.loops.append(Hold(where=where, seconds=await start.rig.longest_hold()))


def figures(mode: Mode, companies: list[list[Resting]]) -> list[Figure]:
    """Say what the companies of one mode, smallest first, come to; each was looked at once or more often."""
    smallest, largest = companies[0], companies[-1]
    base = median(each.resident for each in smallest)
    found = [
        Figure(
            benchmark=NAME,
            name=f"memory of a mailbox, {mode}",
            unit="KiB",
            values=tuple(
                (each.resident - base) / (each.mailboxes - smallest[0].mailboxes) / _KIB
                for each in largest
                if each.mailboxes > smallest[0].mailboxes
            ),
            at_most=EACH,
            note=f"from {smallest[0].mailboxes:,} to {largest[0].mailboxes:,} mailboxes of ten appointments",
        )
    ]
    for company in companies:
        mailboxes = company[0].mailboxes
        found.append(
            Figure(
                benchmark=NAME,
                name=f"memory with {mailboxes:,} mailboxes, {mode}",
                unit="MiB",
                values=tuple(each.resident / _MIB for each in company),
                at_most=ALL if mailboxes >= LARGEST else None,
            )
        )
    if shares := tuple(each.share for each in largest if each.share is not None):
        found.append(
            Figure(
                benchmark=NAME,
                name=f"processor time at rest with {largest[0].mailboxes:,} mailboxes, {mode}",
                unit="% of a core",
                values=shares,
                at_most=IDLE,
                note="heartbeats, out-of-office polled at its default budget",
            )
        )
    return [each for each in found if each.values]


def _seen(mode: Mode, mailboxes: int) -> list[Resting]:
    return [each for each in resting.SEEN if each.mode == mode and each.mailboxes == mailboxes]


def _line(companies: list[list[Resting]]) -> list[tuple[float, float]]:
    return [(each[0].mailboxes, median(one.resident for one in each) / _MIB) for each in companies]
