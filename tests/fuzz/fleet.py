"""Runs inputs in several processes, and survives what hangs or ends one of them: that is found as well."""

import gc
import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

from tests.fuzz.engine import LARGEST_PROCESS, MOST_KEPT, Engine, Finding, Tally
from tests.fuzz.target import Target

#: inputs that are given to a process at once
CHUNK = 1_000
#: inputs of which a process tells at once
_REPORT = 100
_NOT_BEGUN = -1
#: seconds that an input may take by the clock on the wall, however busy the machine is
HANGS_AFTER = 60.0
_PROCESS = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Outcome:
    """What became of all inputs. `done`: all numbers below this one are."""

    tallies: dict[str, Tally]
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    done: int = 0

    @property
    def inputs(self) -> int:
        """How many were run."""
        return sum(tally.inputs for tally in self.tallies.values())

    def take(self, tallies: dict[str, Tally], findings: list[Finding]) -> None:
        """Take in what a process has found."""
        for name, tally in tallies.items():
            self.tallies[name].add(tally)
        for finding in findings:
            self.findings.setdefault(finding.known_as, finding)


class Fleet:
    """`jobs` processes that run the inputs `first` up to `end` of `seed`, for the targets in the module so named."""

    def __init__(self, *, seed: int, first: int, end: int, jobs: int, module: str, hangs_after: float) -> None:
        self._seed = seed
        self._module = module
        self._hangs_after = hangs_after
        self._ahead = iter(range(first, end, CHUNK))
        self._end = end
        self._open: set[int] = set()  # chunks that are begun and not done
        self._next = first
        self._ships = [_Ship(self._begin) for _ in range(jobs)]
        self.outcome = Outcome({target.name: Tally() for target in targets(module)}, done=first)

    def run(self, look: Callable[[Outcome], None]) -> Outcome:
        """Run all; `look` is called now and then. A KeyboardInterrupt ends it in order."""
        try:
            while True:
                at_work = [self._sail(ship) for ship in self._ships]
                if not any(at_work):
                    break
                look(self.outcome)
                time.sleep(0.05)
        finally:
            for ship in self._ships:
                ship.sink()
            self.outcome.done = min(self._open, default=self._next)
        return self.outcome

    def _sail(self, ship: "_Ship") -> bool:
        """Take what a process has to tell, and give it more to do; whether it is at work."""
        for tallies, findings in ship.news():
            self.outcome.take(tallies, findings)
        if ship.at_work and (ended := ship.ended(self._hangs_after)):
            number = ship.at
            target, data, _ = Engine(self._seed, targets(self._module)).input(number)
            self.outcome.take({target.name: Tally(inputs=1)}, [Finding(ended, target.name, self._seed, number, data)])
            ship.sink()
            ship.without.add(number)
            ship.launch(ship.first, ship.end)
        if not ship.at_work:
            self._open.discard(ship.chunk)
            first = next(self._ahead, None)
            if first is not None:
                self._open.add(first)
                self._next = min(first + CHUNK, self._end)
                ship.chunk = first
                ship.launch(first, self._next)
        return ship.at_work

    def _begin(self, link: Any, at: Any) -> Any:
        process = _PROCESS.Process(target=_work, args=(link, at, self._seed, self._module), daemon=True)
        process.start()
        return process


class _Ship:
    """One process, begun anew where it ended. The inputs from `first` up to `end` are those still to be done."""

    def __init__(self, begin: Callable[[Any, Any], Any]) -> None:
        self._begin = begin
        self._process: Any = None
        self._link: Any | None = None
        self._at: Any = None
        self._seen = (_NOT_BEGUN, 0.0)
        self.chunk = _NOT_BEGUN
        self.first = self.end = 0
        self.without: set[int] = set()

    @property
    def at(self) -> int:
        """The number of the input that it is at."""
        return int(self._at.value)

    @property
    def at_work(self) -> bool:
        """Whether there is something to be done."""
        return self.first < self.end

    def launch(self, first: int, end: int) -> None:
        """Have it run these inputs, without those that have ended it."""
        if self._link is None:
            self._link, other = _PROCESS.Pipe()
            self._at = _PROCESS.Value("q", _NOT_BEGUN, lock=False)
            self._process = self._begin(other, self._at)
            other.close()
        self.first, self.end, self._seen = first, end, (_NOT_BEGUN, time.monotonic())
        self._link.send((first, end, frozenset(self.without)))

    def news(self) -> Iterator[tuple[dict[str, Tally], list[Finding]]]:
        """Give what has come of its inputs."""
        try:
            while self._link is not None and self._link.poll():
                self.first, tallies, findings = self._link.recv()
                yield tallies, findings
        except (EOFError, OSError):
            return

    def ended(self, limit: float) -> str:
        """Say how it came to its end; "" while it is alive and goes on. Raises RuntimeError where it never began."""
        if not self._process.is_alive():
            if self.at == _NOT_BEGUN:
                raise RuntimeError("a process for the inputs has ended before it could begin")
            return "died"
        if self.at != self._seen[0]:
            self._seen = (self.at, time.monotonic())
        return "hang" if self.at != _NOT_BEGUN and time.monotonic() - self._seen[1] > limit else ""

    def sink(self) -> None:
        """End it."""
        if self._process is not None and self._link is not None:
            self._process.kill()
            self._process.join()
            self._link.close()
        self._process = self._link = None


def targets(module: str) -> tuple[Target, ...]:
    """The targets of a module."""
    found: tuple[Target, ...] = import_module(module).TARGETS
    return found


def _work(link: Any, at: Any, seed: int, module: str) -> None:
    """Run what comes over `link`, and say what came of it; `at` is always the number of the input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    _limit_memory()
    found, kept_at_first = targets(module), 0
    while True:
        try:
            first, end, without = link.recv()
        except EOFError:
            return
        for begin in range(first, end, _REPORT):
            engine, behind = Engine(seed, found), min(begin + _REPORT, end)
            for number in range(begin, behind):
                at.value = number
                if number not in without:
                    engine.run(number)
            findings = list(engine.findings.values())
            kept_at_first = kept_at_first or _resident()
            if behind == end and _resident() - kept_at_first > MOST_KEPT:
                text = f"{(_resident() - kept_at_first) >> 20} MiB more than at first\n"
                findings.append(Finding("kept", found[0].name, seed, number, b"", text))
            link.send((behind, {name: tally for name, tally in engine.tallies.items() if tally.inputs}, findings))


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import resource  # noqa: PLC0415  (not on Windows)

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_PROCESS, hard))


def _resident() -> int:
    """Bytes of memory that this process has now; 0 where the system has no /proc."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
    except OSError:
        return 0
