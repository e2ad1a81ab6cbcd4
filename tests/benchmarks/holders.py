"""Finds out who holds the event loop: what was on its thread's stack while one callback took long.

`python -m tests.benchmarks.holders 5000` says so of the daemon in a company of so many, on virtual time.

Seconds are those of the thread's processor, so that a busy machine adds none. A callback of an own name is what asyncio
calls a handle: one step of a task, a timer, what came by a socket. A collection of garbage is told apart: it falls into
whatever is under way.
"""

import argparse
import asyncio
import gc
import logging
import sys
import tempfile
import threading
import time
from asyncio import events
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from tests.house import now, virtually
from tests.scale.company import Company, person

#: seconds between two looks at the stack
_LOOK_EVERY = 0.001
#: frames that say nothing of who it is
_DULL = ("/asyncio/", "/holders.py", "/threading.py", "/looptime/")
_OURS, _NOT_OURS = "rainbow_exchange/", "rainbow_exchange/lab"
_GARBAGE = "a collection of garbage"


if sys.platform == "win32":

    def _clock_of(_thread: int) -> Callable[[], float]:
        """Say that it cannot be done here."""
        raise SystemExit("Windows does not tell another thread's processor time; run this on Linux.")

else:

    def _clock_of(thread: int) -> Callable[[], float]:
        """Return what tells the processor's seconds of a thread."""
        clock = time.pthread_getcpuclockid(thread)
        return lambda: time.clock_gettime(clock)


@dataclass(slots=True)
class Held:
    """What has held the loop in the same way: how often, the longest in seconds, and what was on the stack then."""

    times: int = 0
    longest: float = 0.0
    stacks: Counter[str] = field(default_factory=Counter)


class Holders:
    """Collects what holds the loop of the calling thread for `least` seconds or more."""

    def __init__(self, *, least: float = 0.01) -> None:
        self.least = least
        self.held: dict[str, Held] = {}
        self.phase = ""
        self._thread = threading.get_ident()
        self._clock = _clock_of(self._thread)
        self._begun: float | None = None
        self._seen: Counter[str] = Counter()
        self._collecting = 0.0
        self._collected = 0.0
        self._over = threading.Event()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look while the context is open, at every loop of this thread."""
        plain, interval = events.Handle._run, sys.getswitchinterval()

        def run(handle: events.Handle) -> None:
            began = time.thread_time()
            self._seen.clear()
            self._collected = 0.0
            self._begun = began
            plain(handle)
            self._begun = None
            took = time.thread_time() - began
            if took >= self.least:
                self._note(handle, took)

        watcher = threading.Thread(target=self._look, name="holders", daemon=True)
        setattr(events.Handle, "_run", run)  # noqa: B010 - mypy knows it for a method
        sys.setswitchinterval(_LOOK_EVERY / 2)
        gc.callbacks.append(self._collect)
        watcher.start()
        try:
            yield
        finally:
            setattr(events.Handle, "_run", plain)  # noqa: B010 - as above
            gc.callbacks.remove(self._collect)
            self._over.set()
            watcher.join()
            sys.setswitchinterval(interval)

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.thread_time()
            return
        took = time.thread_time() - self._collecting
        self._collected += took
        if took >= self.least:
            self._add(f"{_GARBAGE}, generation {info['generation']}", took)

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            begun = self._begun
            if begun is not None and self._clock() - begun > self.least / 2:
                frame = sys._current_frames().get(self._thread)
                if frame is not None and self._begun == begun:
                    self._seen[_written(frame)] += 1

    def _note(self, handle: events.Handle, took: float) -> None:
        if took - self._collected < self.least:
            return
        self._add(_name(handle), took - self._collected)

    def _add(self, name: str, took: float) -> None:
        held = self.held.setdefault(f"{self.phase}: {name}", Held())
        held.times += 1
        held.longest = max(held.longest, took)
        held.stacks.update(self._seen)

    def report(self, *, ours: bool = True) -> str:
        """Say what has held the loop, the longest first."""
        lines = []
        for name, held in sorted(self.held.items(), key=lambda each: -each[1].longest):
            stacks = [(stack, times) for stack, times in held.stacks.most_common() if not ours or _is_ours(stack)]
            if ours and held.stacks and not stacks and _GARBAGE not in name:
                continue
            lines.append(f"{held.longest * 1000:7.1f} ms {held.times:5} x {name}")
            lines += [f"{times:20} {stack}" for stack, times in stacks[:4]]
        return "\n".join(lines)


def _is_ours(stack: str) -> bool:
    """Whether the product is at work, and not the lab."""
    return _OURS in stack and _NOT_OURS not in stack


def _name(handle: events.Handle) -> str:
    callback: Any = vars(events.Handle)["_callback"].__get__(handle)
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        name = owner.get_name()
        coroutine = getattr(owner.get_coro(), "__qualname__", "?")
        return coroutine if name.startswith("Task-") else f"{name.partition(':')[0]} {coroutine}"
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def _written(frame: FrameType | None) -> str:
    """Write a stack in one line, its top last."""
    calls: list[str] = []
    while frame is not None:
        code, path = frame.f_code, frame.f_code.co_filename
        if not any(dull in path for dull in _DULL):
            ours = path.find("rainbow_exchange/")
            short = path[ours:] if ours >= 0 else "/".join(path.split("/")[-2:])
            calls.append(f"{short}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return " > ".join(reversed(calls[:7]))


async def _phases(folder: Path, holders: Holders, people: int) -> None:
    """Let happen what happens to everybody at once, one thing after the other, and say who held the loop."""
    company = Company(folder, people, impersonation=False, preset="off")

    async def phase(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        print(f"{name}\n{holders.report()}", flush=True)  # noqa: T201  (this is a command)
        holders.held.clear()

    async with company.open():
        daemon = company.start()
        await company.until(lambda: company.covered()["streamed"] >= people, within=7200, step=5)
        await phase("start", 150)
        await phase("at rest", 120)
        for number in range(0, people, max(1, people // 300)):
            company.change(number)
        await phase("300 changes", 20)
        for number in range(people):
            company.appointment(person(number).login_email, start=now() + timedelta(minutes=10))
        await phase("everybody is given a meeting", 590)
        await phase("all these meetings begin", 80)
        daemon.metrics()
        await phase("metrics", 1)


def main() -> None:
    """Run in a company of as many as are typed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.holders", description=__doc__)
    parser.add_argument("people", type=int, nargs="?", default=5_000)
    parser.add_argument("--least", type=float, default=0.01, help="seconds of processor time that are worth a word")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    holders = Holders(least=given.least)
    with tempfile.TemporaryDirectory(prefix="holders-") as folder, holders.looking():
        virtually(lambda: _phases(Path(folder), holders, given.people), days=30)


if __name__ == "__main__":
    main()
