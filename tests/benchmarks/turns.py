"""Processor time of several ways to do one thing, in turns, so that what else the machine does falls on all alike."""

import gc
import time
from collections.abc import Callable, Mapping


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Run each so many times, another one first each round; return processor seconds of this process, by name."""
    names, spent = list(ways), dict.fromkeys(ways, 0.0)
    for number in range(rounds):
        first = number % len(names)
        gc.collect()  # nobody pays for what was there before
        for name in names[first:] + names[:first]:
            begun = time.process_time()
            ways[name]()
            spent[name] += time.process_time() - begun
    return spent
