"""`python -m tests.soak`: a soak in the foreground; writes build/soak/, prints the verdict, ends with 1 if not flat.

RAINBOW_EXCHANGE_SOAK says how many minutes. Ctrl-C has it come to rest and judges what there is.
"""

import argparse
import asyncio
import csv
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom

from tests.drawing import MISSING
from tests.soak.plot import plot
from tests.soak.series import Bound, Sample, Verdict, judge
from tests.soak.soak import Outcome, Plan, Soak

BUILD = Path(__file__).parent.parent.parent / "build" / "soak"
#: What may grow: a leak below these is seen by a longer soak only, for the second number counts the less the longer.
#: It is what Python's collector leaves lying until its oldest generation has grown by a quarter: tens of thousands of
#: blocks come and go with it, and with them the memory of one step.
BOUNDS = {
    "memory": Bound(per_minute=64, in_all=2048, unit="KiB", scale=1024),
    "blocks": Bound(per_minute=500, in_all=30_000, unit="blocks"),
    "streams": Bound(per_minute=0.1, in_all=5, unit="streams"),
}


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201 - this is a command


def plan_from(arguments: Sequence[str], folder: Path) -> Plan:
    """Read what is typed; a seed is drawn where none is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description="Run the connector against the lab for minutes of changes and faults, and look for leaks.",
        epilog="Example: python -m tests.soak --minutes 60 --seed 7",
    )
    parser.add_argument("--minutes", type=float, default=os.environ.get("RAINBOW_EXCHANGE_SOAK") or "10")
    parser.add_argument("--mailboxes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--reviewer", action="store_true", help="an account that reads calendars without impersonation")
    typed = parser.parse_args(arguments)
    return Plan(
        folder=folder,
        seed=typed.seed,
        minutes=typed.minutes,
        mailboxes=typed.mailboxes,
        impersonation=not typed.reviewer,
    )


async def soaked(plan: Plan) -> Outcome:
    """Run it; the first Ctrl-C has it come to rest, the second leaves at once."""
    soak, loop = Soak(plan, say), asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None

    def interrupted() -> None:
        if soak.stop.is_set():
            running.cancel()
        else:
            say("Ctrl-C: it comes to rest, and is judged by what there is. Once more leaves at once.")
            soak.stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    return await soak.run()


def keep(samples: Sequence[Sample], verdict: Verdict, folder: Path) -> None:
    """Write samples.csv and verdict.json."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = sorted({name for each in samples for name in each.counts})
    sizes = sorted({name for each in samples for name in each.sizes})
    with (folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["seconds", "calm", *counts, *sizes])
        for each in samples:
            calm = "" if each.calm is None else each.calm
            held = [each.counts.get(name, 0) for name in counts] + [each.sizes.get(name, 0) for name in sizes]
            table.writerow([f"{each.at:.2f}", calm, *(f"{value:g}" if value % 1 else int(value) for value in held)])
    (folder / "verdict.json").write_text(json.dumps(asdict(verdict), indent=1) + "\n", encoding="utf-8")


def told(outcome: Outcome, verdict: Verdict) -> None:
    """Print what was done, the figures and the verdict."""
    say(f"{outcome.changes.total()} changes: {_counts(outcome.changes)}")
    say(f"{outcome.faults.total()} faults: {_counts(outcome.faults)}")
    for spent, (seconds, of) in {"in all": outcome.cpu, "in the first calm": outcome.cpu_calm}.items():
        if of:
            say(f"processor time of the connector {spent}: {seconds:.1f} s of {of:.0f} s ({100 * seconds / of:.1f} %)")
    say(f"at rest everything was right after {outcome.at_rest:.0f} s")
    for line in verdict.figures:
        say(line)
    say("FLAT" if verdict.flat else "NOT FLAT:")
    for line in verdict.grew:
        say(f"  grew: {line}")
    for line in outcome.wrong:
        say(f"  WRONG: {line}")


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0 flat and right, 1 not so, 130 interrupted twice."""
    folder = Path(tempfile.mkdtemp(prefix="rainbow-exchange-soak-"))
    plan = plan_from(arguments, folder)
    say(f"soak of {plan.minutes:g} minutes with {plan.mailboxes} mailboxes, seed {plan.seed}; logs in {folder}")
    if MISSING:
        say(MISSING)
    try:
        outcome = asyncio.run(soaked(plan))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    verdict = judge(outcome.samples, BOUNDS)
    keep(outcome.samples, verdict, BUILD)
    title = f"{plan.mailboxes} mailboxes, seed {plan.seed}: {'flat' if verdict.flat else 'not flat'}"
    if not MISSING:
        (BUILD / "soak.svg").write_text(plot(outcome.samples, title), encoding="utf-8")
    told(outcome, verdict)
    more = "" if plan.impersonation else " --reviewer"
    say(
        f"{'' if MISSING else 'picture and '}figures: {BUILD}; "
        f"again: python -m tests.soak --minutes {plan.minutes:g} --seed {plan.seed}{more}"
    )
    right = verdict.flat and not outcome.wrong
    if right:
        shutil.rmtree(folder)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
