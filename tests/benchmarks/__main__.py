"""`python -m tests.benchmarks`: how fast and how small the product is, as ratios and counts, against goals.

It ends with 0 also where a goal is missed, since that stands in the table; with 1 where a benchmark could not be run.
"""

import argparse
import asyncio
import importlib
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

from tests.benchmarks import machine, table
from tests.benchmarks.figures import Outcome, Plan
from tests.benchmarks.report import Report, missed
from tests.benchmarks.rig import GIVEN
from tests.drawing import MISSING

BUILD = Path(__file__).parent.parent.parent / "build" / "benchmarks"
#: name → module, in the order in which they run: `loop` is after all of which it tells
BENCHMARKS = {
    "streams": "tests.benchmarks.streams",
    "answers": "tests.benchmarks.answers",
    "told": "tests.benchmarks.told",
    "start": "tests.benchmarks.start",
    "size": "tests.benchmarks.size",
    "loop": "tests.benchmarks.loop",
    "speed": "tests.benchmarks.speed",
    "page": "tests.benchmarks.page_open",
}
#: these run only when they are named
ONLY_NAMED = {"page", "speed"}


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201  (this is a command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed; `kept` is the bench.json of a run that is not to be measured again."""

    names: tuple[str, ...]
    seed: int
    runs: int
    scale: float
    keep: bool
    kept: Path | None = None

    @property
    def command(self) -> str:
        """What to type for the same again."""
        everything = self.names == every()
        return shlex.join(
            [
                *("python", "-m", "tests.benchmarks"),
                *(() if everything else self.names),
                *("--seed", str(self.seed), "--runs", str(self.runs)),
                *(() if self.scale == 1 else ("--scale", f"{self.scale:g}")),
            ]
        )


def every() -> tuple[str, ...]:
    """Return what runs where nothing is named."""
    return tuple(name for name in BENCHMARKS if name not in ONLY_NAMED)


def typed(arguments: Sequence[str]) -> Typed:
    """Read what is typed; a seed is drawn where none is given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="How fast and how small the product is, as ratios and counts, against goals.",
        epilog="Example: python -m tests.benchmarks streams told --runs 3 --seed 7",
    )
    named = f"which: {', '.join(BENCHMARKS)} (default: all but {', '.join(sorted(ONLY_NAMED))})"
    parser.add_argument("names", nargs="*", metavar="name", help=named)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="of all inputs")
    parser.add_argument("--runs", type=int, default=5, help="of each, where the time allows them")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: smaller companies, for trying")
    parser.add_argument("--keep", action="store_true", help="write the figures into docs/reference/performance.md")
    parser.add_argument("--from", type=Path, dest="kept", metavar="bench.json", help="measure nothing: show that run")
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    names = tuple(name for name in BENCHMARKS if name in given.names) or every()
    if given.keep and MISSING:
        parser.error(MISSING)
    if given.kept and (given.names or not given.kept.is_file()):
        parser.error("--from shows a whole run, from the bench.json that it left")
    if given.keep and not given.kept and (not (set(every()) <= set(names) or names == ("speed",)) or given.scale != 1):
        parser.error("--keep is for a run of all benchmarks, or of speed, at full size")
    if given.runs < 1 or not 0 < given.scale <= 1:
        parser.error("--runs is 1 or more, --scale above 0 and at most 1")
    return Typed(names=names, seed=given.seed, runs=given.runs, scale=given.scale, keep=given.keep, kept=given.kept)


@dataclass(slots=True)
class Run:
    """What has been measured so far: seconds of each benchmark, those that could not be run, and what came out."""

    took: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    whole: Outcome = field(default_factory=Outcome)

    async def measure(self, given: Typed, folder: Path) -> None:
        """Run them one after the other; one that fails is told, and the others go on."""
        for name in given.names:
            plan = Plan(
                seed=given.seed,
                runs=given.runs,
                scale=given.scale,
                folder=folder / name,
                names=given.names,
                holds=tuple(self.whole.loops),
            )
            plan.folder.mkdir()
            began = time.monotonic()
            try:
                found: Outcome = await importlib.import_module(BENCHMARKS[name]).run(plan)
            except Exception:  # noqa: BLE001  (whatever it is, the others are to be measured)
                traceback.print_exc()
                self.failed.append(name)
                found = Outcome()
            self.took[name] = time.monotonic() - began
            say(f"{name}: {self.took[name]:.0f} s{', FAILED' if name in self.failed else ''}")
            self.whole.figures += found.figures
            self.whole.series += found.series
            self.whole.loops += found.loops


def measured(given: Typed) -> tuple[Report, list[str]]:
    """Measure; give what came out, and which could not be run."""
    say(f"again: {given.command}")
    if MISSING:
        say(f"{MISSING} (also later: python -m tests.benchmarks --from {BUILD / 'bench.json'} draws without measuring)")
    run, load, compiled = Run(), machine.load(), machine.compiled()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        asyncio.run(run.measure(given, Path(folder)))
    report = Report(
        at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        command=given.command,
        seed=given.seed,
        machine=machine.described()
        | {
            "processes that wanted to run before it began": f"{load:.1f}",
            "modules of the program": "compiled beforehand, as pip does" if compiled else "compiled at each start",
        },
        settings=machine.used(GIVEN),
        took=run.took,
        outcome=run.whole,
    )
    report.write(BUILD)
    return report, run.failed


def shown_again(kept: Path, *, keep: bool) -> tuple[Report, list[str]]:
    """Read a run and write its page beside it; give it, and which could not be run.

    What is not to be kept of a new run is not of this one either.
    """
    report = Report.read(kept.read_text(encoding="utf-8"))
    typed([*shlex.split(report.command)[3:], *(["--keep"] if keep else [])])
    report.write_page(kept.parent)
    return report, report.empty()


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0 all were run, 1 one could not be."""
    given = typed(arguments)
    report, failed = shown_again(given.kept, keep=given.keep) if given.kept else measured(given)
    figures = report.outcome.figures
    say("\n" + table.text(figures))
    for name, value in report.facts().items():
        say(f"{name}: {value}")
    if failed:
        say(f"could not be run: {', '.join(failed)}")
        return 1
    say(f"goals missed: {len(missed(figures))}; page and JSON: {given.kept.parent if given.kept else BUILD}")
    if given.keep:
        report.keep()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
