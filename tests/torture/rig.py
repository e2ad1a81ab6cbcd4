"""A tortured company on a loop of virtual time of its own, that is run part by part."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import structlog

from tests.torture.a_process import LoopOfProcesses
from tests.torture.company import Tortured
from tests.torture.steps import Step

#: what the product looks at each second it looks at as rarely, or histories would be of little else
EACH_SECOND = (
    "rainbow_exchange.daemon.REVIEW_EVERY",
    "rainbow_exchange.bridge.changes.LOOK_EVERY",
    "rainbow_exchange.bridge.enrolment.LOOK_EVERY",
    "rainbow_exchange.bridge.polling._LOOK_EVERY",
    "rainbow_exchange.bridge.sso_watch._LOOK_EVERY",
    "rainbow_exchange.loop_lag.EVERY",
)
RARELY = 10.0


class Rig:
    """From its company's beginning until `close`."""

    def __init__(self, *, impersonation: bool, uses: Counter[str], luck: int) -> None:
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory())
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            self._runner = stack.enter_context(asyncio.Runner(loop_factory=_loop))
            # a pooled connection ages by this clock, and the loop's is the test's
            patch.setattr("aiohttp.connector.monotonic", self._runner.get_loop().time)
            for name in EACH_SECOND:
                patch.setattr(name, RARELY)

            async def make() -> Tortured:
                return Tortured(Path(folder), impersonation=impersonation, uses=uses, luck=luck)

            self.company = self._runner.run(make())
            self._stack = stack.pop_all()

    def run(self, part: Coroutine[Any, Any, None]) -> None:
        """Let time pass until this is done."""
        self._runner.run(part)

    def end(self, *, failed: bool) -> None:
        """Come to rest unless something is wrong already, and end, in any case."""
        try:
            try:
                if not failed:
                    self.run(self.company.rest())
            finally:
                self.run(self.company.end())
            if not failed:
                self.run(self.company.nothing_left())
        finally:
            self._stack.close()


def _loop() -> asyncio.AbstractEventLoop:
    return LoopOfProcesses(looks=2, moment=0.0001)


def live_through(steps: Iterable[Step], *, impersonation: bool = True) -> None:
    """Have these steps, and no others, in a company; raise AssertionError for what does not hold."""
    rig = Rig(impersonation=impersonation, uses=Counter(), luck=1)
    failed = True
    try:
        rig.run(rig.company.set_up())
        for step in steps:
            rig.run(rig.company.live(step))
            rig.company.check_so_far()
        failed = False
    finally:
        rig.end(failed=failed)


def heard(*, at_debug: bool) -> None:
    """Have the log written nowhere; `at_debug`: it is made all the same, for what listens to every test."""

    def nowhere(*_: object) -> MutableMapping[str, Any]:
        raise structlog.DropEvent

    level = logging.DEBUG if at_debug else logging.CRITICAL
    structlog.configure(processors=[nowhere], wrapper_class=structlog.make_filtering_bound_logger(level))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log out of it, and what is there before it out of the looks at memory."""
    heard(at_debug=False)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        structlog.reset_defaults()
