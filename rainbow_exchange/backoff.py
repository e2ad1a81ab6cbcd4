"""How long to wait before trying again: exponential, capped, with full jitter over the upper half."""

from collections.abc import Callable, Iterator
from random import random as system_random


def backoff(
    first: float, cap: float, *, factor: float = 2.0, random: Callable[[], float] = system_random
) -> Iterator[float]:
    """Yield waits in seconds without end: each between half and the whole of first * factor**n, at most `cap`."""
    wait = first
    while True:
        yield wait * (0.5 + 0.5 * random())
        wait = min(wait * factor, cap)
