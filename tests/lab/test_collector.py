"""A large lab's process leaves what is old alone."""

import subprocess
import sys

LOOK = """
import gc
from rainbow_exchange.lab import collector
before = gc.get_threshold()
collector.spare({people})
print(gc.get_freeze_count() > 0, gc.get_threshold()[:2] == before[:2], gc.get_threshold()[2] > 1_000_000)
"""


def looked(people: int) -> str:
    ran = subprocess.run(  # noqa: S603  (ours)
        [sys.executable, "-c", LOOK.format(people=people)], capture_output=True, text=True, timeout=60, check=True
    )
    return ran.stdout.strip()


def test_a_large_lab_is_never_looked_through_as_a_whole() -> None:
    assert looked(2000) == "True True True"


def test_a_small_one_is() -> None:
    assert looked(1999) == "False True False"
