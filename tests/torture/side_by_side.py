"""Histories on all cores, each in one of several processes."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context

from tests.torture.machine import History
from tests.torture.rig import quiet
from tests.torture.tally import Lived

#: every so many histories one has pauses of up to a day
LONG_EVERY = 50
A_DAY = 86_400.0
#: histories after which a process is replaced
MOST_IN_A_PROCESS = 250


def live(number: int) -> Lived:
    """Live through one history, in a process of its own kind."""
    history, began = History(number), time.monotonic()
    if number % LONG_EVERY == 0:
        history.longest = A_DAY
    wrong = ""
    with quiet():
        try:
            history.run()
        except AssertionError as error:
            wrong = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the others go on
            wrong = f"history {number} could not be lived through: {error!r}"
    return Lived(number, round(time.monotonic() - began, 1), dict(history.uses), wrong)


def side_by_side(numbers: Sequence[int], jobs: int) -> Iterator[Lived]:
    """Live through these and yield each as it ends. However this ends, its processes do."""
    # strings are hashed alike in each, so that a history can be repeated
    os.environ["PYTHONHASHSEED"] = "0"
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_leave_interrupts_alone, max_tasks_per_child=MOST_IN_A_PROCESS
    )
    todo = iter(numbers)
    running = {pool.submit(live, number) for number in islice(todo, 2 * jobs)}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(live, number) for number in islice(todo, len(done))}
            yield from (each.result() for each in done)
    finally:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=not running, cancel_futures=True)
        for process in processes if running else ():
            process.terminate()


def _leave_interrupts_alone() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
