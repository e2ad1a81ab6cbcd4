"""The state machine: each history is one run of it, dealt from its number and drawn by hypothesis.

Hypothesis switches rules off at random in each run and is free to repeat others; so that every kind of change and of
fault is used as often, a history is dealt a hand of kinds, and the one rule plays a card of it: which, after which
pause, to whom, for how long and how is drawn. A history that goes wrong is shrunk by hypothesis to the fewest steps.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, Verbosity, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, HypothesisException
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.torture import calendars, daemon_faults, exchange_faults, people, rainbow_faults
from tests.torture.a_process import LoopOfProcesses
from tests.torture.company import Tortured
from tests.torture.steps import PAUSES, SPANS, Step, dealt

CHANGES = (*calendars.CHANGES, *people.CHANGES)
FAULTS = (*rainbow_faults.FAULTS, *exchange_faults.FAULTS, *daemon_faults.FAULTS)
KINDS = (*CHANGES, *FAULTS)
STEPS = 24
A_DAY = 86_400.0
#: what the product looks at each second it looks at as rarely, or histories would be of little else
EACH_SECOND = (
    "rainbow_exchange.daemon.REVIEW_EVERY",
    "rainbow_exchange.bridge.changes.LOOK_EVERY",
    "rainbow_exchange.bridge.enrolment.LOOK_EVERY",
    "rainbow_exchange.bridge.polling._LOOK_EVERY",
    "rainbow_exchange.bridge.sso_watch._LOOK_EVERY",
)
RARELY = 10.0


@dataclass
class Wrong:
    """What was wrong, and after which steps."""

    what: str
    steps: list[Step]


@dataclass
class History:
    """One history: what it is made of, what was used in it, and what was found wrong in each of its runs."""

    number: int
    among: Sequence[str] = KINDS
    size: int = STEPS
    longest: float = SPANS[-1]
    uses: Counter[str] = field(default_factory=Counter)
    found: list[Wrong] = field(default_factory=list)

    @property
    def impersonation(self) -> bool:
        return bool(self.number % 2)

    def run(self, *, shrink: bool = True) -> None:
        """Live through it; raise AssertionError with the shortest steps that lead to what is wrong."""
        spans = [*SPANS, self.longest]

        class Played(Machine):
            history = self

            @rule(
                card=st.integers(0, self.size - 1),
                pause=st.sampled_from(PAUSES),
                who=st.integers(0, 3),
                lasts=st.sampled_from(spans),
                how=st.integers(0, 15),
            )
            @precondition(lambda machine: machine.hand)
            def play(self, card: int, pause: float, who: int, lasts: float, how: int) -> None:
                self.take(Step(pause, self.draw(card), who, lasts, how))

        once = settings(
            max_examples=1,
            stateful_step_count=self.size + 1,  # the first begins it
            database=None,
            deadline=None,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        try:
            run_state_machine_as_test(seed(self.number)(Played), settings=once)
        except Flaky as error:
            raise AssertionError(self.words(self.found[0], again=False)) from error
        except Exception as error:
            if not self.found:
                raise
            raise AssertionError(self.words(self.found[-1], again=True)) from error

    def words(self, wrong: Wrong, *, again: bool) -> str:
        """Say what was wrong and which steps led to it."""
        of = len(self.found[0].steps)
        shown = "\n".join(f"  {number:2}. {step}" for number, step in enumerate(wrong.steps, 1))
        how = f"the fewest found of {of}" if again else "run again, they did not lead to it"
        mode = "with" if self.impersonation else "without"
        return (
            f"history {self.number} ({mode} impersonation) went wrong:\n  {wrong.what.strip()}\n"
            f"after these steps ({how}):\n{shown}\n"
            f"to repeat it: python -m tests.torture --only {self.number}"
        )


class Machine(RuleBasedStateMachine):
    """A company on a loop of virtual time of its own, from its beginning to its end."""

    history: History

    def __init__(self) -> None:
        super().__init__()
        history = self.history
        self.cards: list[str | None] = list(dealt(history.number, history.among, history.size))
        self.steps: list[Step] = []
        self.company: Tortured | None = None
        self.close: list[Callable[[], None]] = []

    @property
    def hand(self) -> bool:
        """Whether a card is left."""
        return any(self.cards)

    def draw(self, card: int) -> str:
        """Take a card, the next where it has been played: so others stay what they were when a step is left out."""
        count = len(self.cards)
        place = next(each % count for each in range(card, card + count) if self.cards[each % count])
        what, self.cards[place] = self.cards[place], None
        assert what is not None
        return what

    @initialize(luck=st.integers(0, 2**32))
    def begin(self, luck: int) -> None:
        if luck == 0:
            reject()  # hypothesis begins with the least of everything, which is no history
        self.history.uses.clear()
        folder = TemporaryDirectory()
        patch = pytest.MonkeyPatch()
        self.runner = asyncio.Runner(loop_factory=lambda: LoopOfProcesses(looks=2, moment=0.0001))
        self.close = [self.runner.close, patch.undo, folder.cleanup]
        # a pooled connection ages by this clock, and the loop's is the test's
        patch.setattr("aiohttp.connector.monotonic", self.runner.get_loop().time)
        for name in EACH_SECOND:
            patch.setattr(name, RARELY)

        async def make() -> None:
            history = self.history
            self.company = Tortured(
                Path(folder.name), impersonation=history.impersonation, uses=history.uses, luck=luck
            )
            await self.company.set_up()

        self.run(make())

    def take(self, step: Step) -> None:
        assert self.company is not None
        self.steps.append(step)
        self.run(self.company.live(step))

    @invariant()
    def true_so_far(self) -> None:
        """Whatever Rainbow was answered was so, and the connector is at work."""
        if self.company is not None:
            with self.noted():
                self.company.check_so_far()

    def teardown(self) -> None:
        company, failed = self.company, sys.exc_info()[0] is not None
        try:
            if company is not None:
                try:
                    if not failed:
                        self.run(company.rest())
                finally:
                    self.run(company.end())
                if not failed:
                    self.run(company.nothing_left())
        finally:
            for close in self.close:
                close()

    def run(self, part: Coroutine[Any, Any, None]) -> None:
        """Let time pass on the company's loop."""
        with self.noted():
            self.runner.run(part)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take note of what is found wrong."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, HypothesisException):
                self.history.found.append(Wrong(str(error) or repr(error), list(self.steps)))
            raise


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log out of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.reset_defaults()
