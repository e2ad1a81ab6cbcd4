"""What the program and a large company consist of is set apart from the collector of garbage, which holds the loop up.

CPython looks through all that is old in one piece, for which nothing else is done: 0.1 s where 50,000 people are merely
listed. What is set apart (https://docs.python.org/3/library/gc.html#gc.freeze) is not looked through any more. It is
freed as ever once nobody refers to it; only what refers to itself stays, as each connection does that has ended since:
until everything is looked through once a day, which takes its time, or when its bridge is gone.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

_EVERYTHING = 2
#: people from whom on it is worth while: below, looking through everything takes milliseconds
MANY = 2_000
#: seconds of the processor's that looking through everything would take, as far as is known, until what there is is
#: set apart anew. What has come since was looked through once, when it was young: it takes as long once more. CPython,
#: which counts what is made less what is freed, looks much later where what is made replaces what was set apart
LONG = 0.01
_YOUNG = 1
#: seconds after which all that is set apart is looked through: what refers to itself would be kept for ever
GIVEN_BACK_EVERY = 86_400.0


def set_program_apart() -> None:
    """Set apart what the program consists of, before it runs: else each look through everything takes 60 ms."""
    gc.freeze()


class SetApart:
    """Whose objects are set apart at present: those of one bridge at a time, or nobody's."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._cpu = cpu
        self._given_back_at = 0.0
        self._bridge: object | None = None
        self._settled = False
        self._began = 0.0
        self._would_take = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take note while the context is open of how long looking through what there is takes."""
        gc.callbacks.append(self._looked_through)
        try:
            yield
        finally:
            gc.callbacks.remove(self._looked_through)

    def review(self, bridge: object | None, *, people: int, settled: bool) -> None:
        """Set apart what there is once a bridge between the sides has taken so many `people` up, once for each bridge.

        So it is before and after that, whenever looking through what there is would take long: what is left then
        is in use.
        None: there is no bridge any more. What it consisted of is looked through once, while there is nobody to answer.
        """
        gone = self._bridge is not None and self._bridge is not bridge
        if gone:
            self._bridge, self._settled = None, False
        if gone or (self._bridge is not None and self._clock() - self._given_back_at >= GIVEN_BACK_EVERY):
            self._given_back_at = self._clock()
            gc.unfreeze()
            gc.collect()
            self._set_apart()
        first = settled and not self._settled
        much = self._would_take >= LONG
        if bridge is not None and people >= MANY and (first or much):
            if self._bridge is None:
                self._given_back_at = self._clock()
            self._bridge, self._settled = bridge, settled or self._settled
            gc.collect(_YOUNG)
            self._set_apart()
            if first:
                log.info("objects_set_apart", people=people)

    def _set_apart(self) -> None:
        gc.freeze()
        gc.collect()  # through next to nothing: from how much there was it takes when to do it next
        self._would_take = 0.0

    def _looked_through(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = self._cpu()
        elif info["generation"] == _EVERYTHING:
            self._would_take = self._cpu() - self._began
        elif info["generation"] == _YOUNG:
            self._would_take += self._cpu() - self._began
