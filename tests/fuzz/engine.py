"""Gives one input after the other to the product and watches over each: its errors, its time, its memory.

An input is known by a seed and a number: the same two make the same input again.
"""

import sys
import time
import traceback
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from tests.fuzz.target import Target

#: seconds of the processor that an input may take, for each MiB or part of one
MOST_SECONDS = 1.0
#: bytes of memory that an input may take, and for each byte of its own besides
MOST_MEMORY, MOST_MEMORY_A_BYTE = 64 << 20, 400
#: bytes of memory that a process may have at most, and may keep from one input to the next over all of them
LARGEST_PROCESS, MOST_KEPT = 4 << 30, 128 << 20
_MIB = 1 << 20
#: what of inputs must get past the first parse
ENOUGH_PAST = 0.30


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `kind`: the name of an error that nobody named, "slow", "memory"."""

    kind: str
    target: str
    seed: int
    number: int
    data: bytes = field(repr=False)
    detail: str = ""

    @property
    def known_as(self) -> tuple[str, str, str]:
        """What several inputs have in common that find the same."""
        return self.kind, self.target, self.detail.rpartition("\n")[0]


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target; `slowest` in seconds of the processor, and by which input."""

    inputs: int = 0
    past: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    seconds: float = 0.0
    bytes: int = 0
    #: bytes by which the process grew at most for one input, and which input that was
    largest: tuple[int, int] = (0, 0)

    def add(self, other: "Tally") -> None:
        """Take in what another process counted."""
        self.inputs += other.inputs
        self.past += other.past
        self.errors += other.errors
        self.slowest = max(self.slowest, other.slowest)
        self.seconds += other.seconds
        self.bytes += other.bytes
        self.largest = max(self.largest, other.largest)


def peak() -> int:
    """Bytes of memory that this process has had at most; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import resource  # noqa: PLC0415  (not on Windows)

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class Engine:
    """Runs inputs of `targets` by `seed`. `tallies` by the name of a target; `findings` one of each kind."""

    def __init__(self, seed: int, targets: Iterable[Target]) -> None:
        self.seed = seed
        self._targets = tuple(targets)
        self._borders = list(accumulate(target.weight for target in self._targets))
        self.tallies = {target.name: Tally() for target in self._targets}
        self.findings: dict[tuple[str, str, str], Finding] = {}

    def input(self, number: int) -> tuple[Target, bytes, Random]:
        """Make the input of that number, and the chance that its target has left for it."""
        random = Random(f"{self.seed}:{number}")
        target = self._targets[bisect(self._borders, random.randrange(self._borders[-1]))]
        return target, target.input(random), random

    def run(self, number: int) -> Finding | None:
        """Run the input of that number; give what it found."""
        target, data, random = self.input(number)
        finding = self.give(target, data, random, number)
        if finding is not None:
            self.findings.setdefault(finding.known_as, finding)
        return finding

    def give(self, target: Target, data: bytes, random: Random, number: int = 0) -> Finding | None:
        """Give an input to a target, and count what becomes of it."""
        tally = self.tallies[target.name]
        passed: list[None] = []
        state, memory, begin = random.getstate(), peak(), time.process_time()
        error = caught(target, data, lambda: passed.append(None), random)
        taken, grown = time.process_time() - begin, peak() - memory
        tally.inputs += 1
        tally.past += bool(passed)
        tally.errors[type(error).__name__ if error is not None else "none"] += 1
        tally.seconds += taken
        tally.bytes += len(data)
        tally.slowest = max(tally.slowest, (taken, number))
        tally.largest = max(tally.largest, (grown, number))
        if error is not None and not isinstance(error, target.errors):
            return Finding(type(error).__name__, target.name, self.seed, number, data, where(error))
        most = MOST_SECONDS * (1 + len(data) // _MIB)
        if taken > most:  # once more: the collector of garbage may have been at work
            random.setstate(state)
            begin = time.process_time()
            caught(target, data, lambda: None, random)
            taken = min(taken, time.process_time() - begin)
        if taken > most:
            return Finding("slow", target.name, self.seed, number, data, f"\n{taken:.1f} s for {len(data)} bytes")
        if grown > MOST_MEMORY + MOST_MEMORY_A_BYTE * len(data):
            return Finding("memory", target.name, self.seed, number, data, f"\n{grown >> 20} MiB for {len(data)} bytes")
        return None


def caught(target: Target, data: bytes, past: Callable[[], None], random: Random) -> Exception | None:
    """Run a target and give what it raises."""
    try:
        target.run(data, past, random)
    except Exception as error:  # noqa: BLE001  (all of them: whether it is one that may come, is looked at next)
        return error
    return None


def where(error: BaseException) -> str:
    """Tell where in the product an error comes from, and on another line what it says."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "rainbow_exchange" in frame.filename and "/tests/" not in frame.filename]
    last = (ours or frames)[-1]
    place = f"{last.filename.rpartition('rainbow_exchange')[2].lstrip('/')}:{last.lineno} in {last.name}"
    return f"{place}\n{str(error)[:200]!r}"


def minimised(finding: Finding, target: Target, *, seconds: float = 10.0) -> bytes:
    """Take away of the input what can be taken away, for so long; it then finds the same still."""
    data, end = finding.data, time.monotonic() + seconds
    if finding.kind in {"slow", "memory"}:
        return data

    def same(shorter: bytes) -> bool:
        for attempt in range(3):
            error = caught(target, shorter, lambda: None, Random(f"{finding.seed}:{finding.number}:{attempt}"))
            if error is not None and type(error).__name__ == finding.kind and where(error).split("\n")[0] == place:
                return True
        return False

    place = finding.detail.split("\n")[0]
    if not same(data):
        return data
    size = len(data) // 2
    while size and time.monotonic() < end:
        start, shorter_found = 0, False
        while start < len(data) and time.monotonic() < end:
            shorter = data[:start] + data[start + size :]
            if same(shorter):
                data, shorter_found = shorter, True
            else:
                start += size
        if not shorter_found or size > len(data):
            size //= 2
    return data
