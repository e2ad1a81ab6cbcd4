"""`python -m tests.fuzz`: inputs by the million, mutated from valid ones, for all that reads what strangers send.

The environment says how many (RAINBOW_EXCHANGE_FUZZ) and from which seed (RAINBOW_EXCHANGE_SEED). An input that finds
something is kept in build/fuzz, as it was and as short as it could be made. Ctrl-C ends it in order, and says how to go
on from there.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from random import SystemRandom

import structlog

from tests.fuzz.engine import ENOUGH_PAST, Engine, Finding, minimised
from tests.fuzz.fleet import HANGS_AFTER, Fleet, Outcome, targets

FOLDER = Path("build") / "fuzz"
_EVERY = 10.0  # seconds


def say(text: str) -> None:
    """Say something to whoever has typed the command."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Do what the command line says; the exit code is 1 where something was found."""
    wanted = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if wanted.number is not None:
        return _once(wanted.seed, wanted.number, wanted.targets)
    say(f"{wanted.inputs:,} inputs from number {wanted.first:,}, seed {wanted.seed}, {wanted.jobs} processes")
    fleet = Fleet(
        seed=wanted.seed,
        first=wanted.first,
        end=wanted.first + wanted.inputs,
        jobs=wanted.jobs,
        module=wanted.targets,
        hangs_after=wanted.hangs_after,
    )
    interrupted = False
    try:
        fleet.run(_Progress(wanted.inputs, wanted.seed))
    except KeyboardInterrupt:
        interrupted = True
    outcome = fleet.outcome
    say(_table(outcome, wanted.targets))
    for finding in outcome.findings.values():
        say(_told(finding, wanted.targets))
    if interrupted:
        left = wanted.first + wanted.inputs - outcome.done
        say(f"Stopped. To go on: python -m tests.fuzz --seed {wanted.seed} --first {outcome.done} --inputs {left}")
    return 0 if _is_well(outcome, wanted.targets) and not interrupted else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    inputs = int(os.environ.get("RAINBOW_EXCHANGE_FUZZ") or 1_000_000)
    seed = os.environ.get("RAINBOW_EXCHANGE_SEED")
    parser.add_argument("--inputs", type=int, default=inputs, help="how many (a million)")
    parser.add_argument("--seed", type=int, default=int(seed) if seed else SystemRandom().randrange(10**9))
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to go on where one stopped")
    parser.add_argument("--number", type=int, help="run the one input of that number, and show what becomes of it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--hangs-after", type=float, default=HANGS_AFTER, help="seconds that one input may take")
    parser.add_argument("--targets", default="tests.fuzz.targets", help="module that has TARGETS")
    return parser.parse_args()


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, inputs: int, seed: int) -> None:
        self._inputs = inputs
        self._seed = seed
        self._begin = self._last = time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY or not outcome.inputs:
            return
        self._last = now
        pace = outcome.inputs / (now - self._begin)
        left = (self._inputs - outcome.inputs) / pace / 60
        say(
            f"{outcome.inputs:,} of {self._inputs:,}, {pace:,.0f} a second, about {left:.0f} min left,"
            f" {len(outcome.findings)} findings (seed {self._seed})",
        )


def _past(outcome: Outcome, module: str) -> tuple[int, int]:
    """How many got past the first parse, and of how many that have one."""
    parsing = [outcome.tallies[target.name] for target in targets(module) if target.parses]
    return sum(tally.past for tally in parsing), sum(tally.inputs for tally in parsing)


def _is_well(outcome: Outcome, module: str) -> bool:
    past, parsed = _past(outcome, module)
    return not outcome.findings and past >= ENOUGH_PAST * max(parsed, 1)


def _table(outcome: Outcome, module: str) -> str:
    lines = [f"{'':28} {'inputs':>9} {'past the':>9} {'mean':>8} {'slowest':>18} {'most memory':>18}  errors"]
    lines.append(f"{'':28} {'':>9} {'1st parse':>9} {'ms':>8} {'ms (number)':>18} {'MiB (number)':>18}")
    for name, parses in ((target.name, target.parses) for target in targets(module)):
        tally = outcome.tallies[name]
        if not tally.inputs:
            continue
        share = f"{tally.past / tally.inputs:.0%}" if parses else "no parse"
        slowest = f"{tally.slowest[0] * 1000:.0f} ({tally.slowest[1]})"
        largest = f"{tally.largest[0] >> 20} ({tally.largest[1]})" if tally.largest[0] >> 20 else ""
        errors = ", ".join(f"{error} {count}" for error, count in tally.errors.most_common() if error != "none")
        lines.append(
            f"{name:28} {tally.inputs:>9,} {share:>9} {tally.seconds / tally.inputs * 1000:>8.2f} {slowest:>18}"
            f" {largest:>18}  {errors}"
        )
    past, parsed = _past(outcome, module)
    volume = sum(tally.bytes for tally in outcome.tallies.values())
    lines.append(
        f"{outcome.inputs:,} inputs, {volume / 1e6:,.0f} MB; of {parsed:,} that are parsed {past:,}"
        f" ({past / max(parsed, 1):.0%}) got past the first parse; {len(outcome.findings)} findings"
    )
    return "\n".join(lines)


def _told(finding: Finding, module: str) -> str:
    """Keep the input of a finding, and say what it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{finding.target}-{finding.kind}-{finding.seed}-{finding.number}"
    (FOLDER / name).write_bytes(finding.data)
    target = next(target for target in targets(module) if target.name == finding.target)
    shortest = finding.data
    if finding.kind not in {"hang", "died", "kept"}:
        shortest = minimised(finding, target)
        (FOLDER / f"{name}-short").write_bytes(shortest)
    return (
        f"FOUND {finding.kind} in {finding.target}: {finding.detail}\n"
        f"  {FOLDER / name}, {len(finding.data)} bytes; at its shortest {len(shortest)}: {shortest[:200]!r}\n"
        f"  again: python -m tests.fuzz --seed {finding.seed} --number {finding.number}"
    )


def _once(seed: int, number: int, module: str) -> int:
    engine = Engine(seed, targets(module))
    target, data, _ = engine.input(number)
    say(f"{target.name}, {len(data)} bytes: {data[:2000]!r}")
    finding = engine.run(number)
    tally = engine.tallies[target.name]
    say(f"{dict(tally.errors)}, past the first parse: {bool(tally.past)}, {tally.seconds:.3f} s")
    if finding is not None:
        say(_told(finding, module))
    return finding is not None


if __name__ == "__main__":
    sys.exit(main())
