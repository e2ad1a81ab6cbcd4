"""Thousands of histories, on all cores: `python -m tests.torture --help`."""

import argparse
import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from random import SystemRandom

from tests.torture.machine import KINDS
from tests.torture.side_by_side import side_by_side
from tests.torture.tally import Tally

FILE = Path("build/torture.jsonl")
TELL_EVERY = 15.0
EXAMPLE = """
A history that goes wrong is shown with the fewest steps that lead to it; the others go on. Ctrl-C ends all in order.
What was done is kept in build/torture.jsonl: run again, it goes on from there, or begins anew once all are done.
--anew forgets it.

examples:
  python -m tests.torture                     10,000 histories, or those of them that are left
  python -m tests.torture --only 4711         one history once more
  RAINBOW_EXCHANGE_HISTORIES=500 make torture
"""


def torture(tally: Tally, histories: int, jobs: int) -> None:
    """Live through those that are left, and tell how it goes."""
    left = tally.left(histories)
    began = told = time.monotonic()
    for number, lived in enumerate(side_by_side(left, jobs), 1):
        tally.add(lived)
        if lived.wrong:
            say(f"\n{lived.wrong}\n")
        if (now := time.monotonic()) - told >= TELL_EVERY:
            told = now
            minutes = (now - began) / number * (len(left) - number) / 60
            say(
                f"{histories - len(left) + number:,} of {histories:,} histories (the last was {lived.number}), "
                f"{len(tally.wrong)} went wrong, about {minutes:.0f} min to go"
            )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - for whoever waits


def main() -> int:
    """Do what the command line says; 1 where a history went wrong, 130 where it was ended before its time."""
    parser = argparse.ArgumentParser(
        "python -m tests.torture", description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawTextHelpFormatter
    )
    many = int(os.environ.get("RAINBOW_EXCHANGE_HISTORIES") or 10_000)
    parser.add_argument("--histories", type=int, default=many, help="how many: RAINBOW_EXCHANGE_HISTORIES, or 10,000")
    parser.add_argument("--first", type=int, help="the number of the first, its seed; drawn where it is not given")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one history once more")
    parser.add_argument("--anew", action="store_true", help=f"forget what {FILE} tells, and begin anew")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once; as there are cores")
    given = parser.parse_args()
    if given.only is not None:
        (lived,) = side_by_side([given.only], 1)
        say(lived.wrong or f"history {given.only} ended right, after {lived.seconds:g} s")
        return 1 if lived.wrong else 0
    if given.anew or given.first is not None:
        FILE.unlink(missing_ok=True)
    first = SystemRandom().randrange(10**9) if given.first is None else given.first
    tally = Tally.go_on(FILE, given.histories, first=first)
    say(
        f"histories {tally.first} to {tally.first + given.histories - 1}, {len(tally.done):,} of them done before "
        f"({FILE}; --anew begins anew)"
    )
    for before in tally.wrong:
        say(f"\n{before.wrong}\n")
    ended = False
    try:
        torture(tally, given.histories, given.jobs)
    except KeyboardInterrupt:
        ended = True
        say("\nended before its time; run again, it goes on from here")
    except BrokenProcessPool:
        ended = True
        say("\na process has ended by itself (out of memory?); run again, it goes on from here")
    say("used: " + ", ".join(f"{kind} {tally.uses[kind]:,}" for kind in KINDS))
    numbers = ", ".join(str(each.number) for each in tally.wrong)
    say(f"{len(tally.done):,} histories, {len(tally.wrong)} went wrong{': ' if numbers else ''}{numbers}")
    return 1 if tally.wrong else 130 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
