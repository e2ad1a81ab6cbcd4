"""The installed command killed two hundred times, also while it starts: `python -m tests.torture.kills`.

`RAINBOW_EXCHANGE_KILLS` says how often. What is drawn for each kill comes from its number and the seed, which is
printed; `RAINBOW_EXCHANGE_SEED` gives it. Ctrl-C ends it in order; run again, it goes on from there.
"""

import json
import os
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from tests.torture.processes import Killed

FILE = Path("build/kills.json")
#: kills of one company, before another one begins anew
EACH = 20


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - for whoever waits


def begun(kills: int) -> tuple[int, int]:
    """Return the seed and the number of the first kill that is left."""
    if given := os.environ.get("RAINBOW_EXCHANGE_SEED"):
        return int(given), int(os.environ.get("RAINBOW_EXCHANGE_KILLS_FROM") or 0)
    if FILE.is_file():
        kept = json.loads(FILE.read_text(encoding="ascii"))
        if kept["next"] < kills:
            return kept["seed"], kept["next"]
    return SystemRandom().randrange(10**9), 0


def main() -> int:
    """Do it; 1 where something was wrong, 130 where it was ended before its time."""
    kills = int(os.environ.get("RAINBOW_EXCHANGE_KILLS") or 200)
    seed, first = begun(kills)
    say(f"{kills} kills, RAINBOW_EXCHANGE_SEED={seed}, from number {first}")
    wrong, began = 0, time.monotonic()
    FILE.parent.mkdir(exist_ok=True)
    for number in range(first, kills, EACH):
        FILE.write_text(json.dumps({"seed": seed, "next": number}), encoding="ascii")
        try:
            with TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
                Killed(Path(folder), stack, seed, say).live(min(EACH, kills - number), number)
        except KeyboardInterrupt:
            say(f"\nended before its time; run again, it goes on from number {number}")
            return 130
        except BaseException:  # noqa: BLE001 - what is wrong is told, and the next company begins
            wrong += 1
            say(traceback.format_exc())
        done, took = min(number + EACH, kills), time.monotonic() - began
        say(f"{done} of {kills} kills, {wrong} companies went wrong, {took:.0f} s")
    FILE.unlink(missing_ok=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
