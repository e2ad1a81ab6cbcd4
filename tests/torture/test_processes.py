"""The installed command, killed with SIGKILL at random moments, also while it starts: ten times in CI.

`RAINBOW_EXCHANGE_KILLS` says how often; the seed is drawn and printed, `RAINBOW_EXCHANGE_SEED` repeats it, and
`RAINBOW_EXCHANGE_KILLS_FROM` goes on from the kill of that number.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

import pytest

from tests.torture.processes import Killed

KILLS = int(os.environ.get("RAINBOW_EXCHANGE_KILLS") or ("10" if os.environ.get("CI") == "true" else "2"))
FIRST = int(os.environ.get("RAINBOW_EXCHANGE_KILLS_FROM") or 0)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what to repeat, and how far it is


@pytest.mark.e2e
@pytest.mark.timeout(300 + 60 * KILLS)
def test_killed_at_random_moments_it_ends_right(tmp_path: Path) -> None:
    seed = int(os.environ.get("RAINBOW_EXCHANGE_SEED") or SystemRandom().randrange(10**9))
    say(f"RAINBOW_EXCHANGE_SEED={seed}, {KILLS} kills from number {FIRST}")
    with ExitStack() as stack:
        Killed(tmp_path, stack, seed, say).live(KILLS, FIRST)
