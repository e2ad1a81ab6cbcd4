"""The state machine: each history is one run of it, dealt from its number and drawn by hypothesis.

Hypothesis switches rules off at random in each run and is free to repeat others; so that every kind of change and of
fault is used as often, a history is dealt a hand of kinds, and the one rule plays a card of it: which, after which
pause, to whom, for how long and how is drawn. A history that goes wrong is shrunk by hypothesis to the fewest steps.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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

from tests.torture import calendars, clock_faults, daemon_faults, exchange_faults, people, rainbow_faults
from tests.torture.rig import Rig
from tests.torture.steps import PAUSES, SPANS, Step, dealt

CHANGES = (*calendars.CHANGES, *people.CHANGES)
FAULTS = (*rainbow_faults.FAULTS, *exchange_faults.FAULTS, *daemon_faults.FAULTS, *clock_faults.FAULTS)
KINDS = (*CHANGES, *FAULTS)
#: a call that is to break off is at times never made, and these faults at times find no stream and no link to befall:
#: there are more of them in the deck
SELDOM = ("conflict", "streams cut", "streams cut in an envelope", "connections of exchange die")
DECK = (*KINDS, *rainbow_faults.BREAKS, "breaks at answer", *SELDOM)
STEPS = 26
#: whom a step may be about, and in how many ways it may be done
WHO, HOW = 4, 16
#: hypothesis tries every smaller value of numbers from 0 to 10 before it leaves steps out: none drawn is so small
SMALL = 11


@dataclass
class Wrong:
    """What was wrong, and after which steps."""

    what: str
    steps: list[Step]


@dataclass
class History:
    """One history: what it is made of, what was used in it, and what was found wrong in each of its runs.

    `longest` is the longest pause.
    """

    number: int
    among: Sequence[str] = DECK
    size: int = STEPS
    longest: float = PAUSES[-1]
    uses: Counter[str] = field(default_factory=Counter)
    found: list[Wrong] = field(default_factory=list)

    @property
    def impersonation(self) -> bool:
        return bool(self.number % 2)

    def run(self, *, shrink: bool = True) -> None:
        """Live through it; raise AssertionError with the shortest steps that lead to what is wrong."""

        class Played(Machine):
            history = self

            @rule(
                card=st.runner().flatmap(lambda machine: st.sampled_from(machine.places).filter(machine.left)),
                pause=st.integers(1, len(PAUSES)),
                who=st.integers(1, WHO),
                lasts=st.integers(1, len(SPANS)),
                how=st.integers(1, HOW),
            )
            @precondition(lambda machine: any(machine.hand))
            def play(self, card: int, pause: int, who: int, lasts: int, how: int) -> None:
                what, self.hand[card] = self.hand[card], ""
                pauses = (*PAUSES[:-1], self.history.longest)
                self.take(Step(pauses[pause - 1], what, who - 1, SPANS[lasts - 1], how - 1))

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
            if not self.found:
                raise
            raise AssertionError(self.words(self.found[0], again=False)) from error
        except Exception as error:
            if not self.found:
                raise
            raise AssertionError(self.words(self.found[-1], again=True)) from error

    def words(self, wrong: Wrong, *, again: bool) -> str:
        """Say what was wrong, which steps led to it, and how to have it once more."""
        mode = "with" if self.impersonation else "without"
        fewest = f"the fewest that do, of {len(self.found[0].steps)}"
        lines = [
            f"history {self.number}, {mode} impersonation, went wrong:",
            *(f"    {line}" for line in wrong.what.strip().splitlines()),
            f"These steps lead to it ({fewest}):" if again else "It did so once, and not when the same was done again:",
            *(f"    {number:2}. {step}" for number, step in enumerate(wrong.steps, 1)),
            f"To repeat it: python -m tests.torture --only {self.number}",
        ]
        return "\n".join(lines)


class Machine(RuleBasedStateMachine):
    """A company from its beginning to its end; what is found wrong is noted in the history."""

    history: History

    def __init__(self) -> None:
        super().__init__()
        self.hand = dealt(self.history.number, self.history.among, self.history.size)
        self.places = (*[-1] * SMALL, *range(self.history.size))
        self.steps: list[Step] = []
        self.rig: Rig | None = None
        self.before = sys.exc_info()[1]  # of whoever runs it

    def left(self, card: int) -> bool:
        """Whether a card has not been played; steps before it may be left out, and it stays what it is."""
        return card >= 0 and bool(self.hand[card])

    @initialize(luck=st.integers(0, 2**32))
    def begin(self, luck: int) -> None:
        if luck == 0:
            reject()  # hypothesis begins with the least of everything, which is no history
        self.history.uses.clear()
        self.rig = rig = Rig(impersonation=self.history.impersonation, uses=self.history.uses, luck=luck)
        self.note(lambda: rig.run(rig.company.set_up()))

    def take(self, step: Step) -> None:
        assert self.rig is not None
        rig = self.rig
        self.steps.append(step)
        self.note(lambda: rig.run(rig.company.live(step)))

    @invariant()
    def true_so_far(self) -> None:
        """Whatever Rainbow was answered was so, and the connector is at work."""
        if self.rig is not None:
            self.note(self.rig.company.check_so_far)

    def teardown(self) -> None:
        if self.rig is not None:
            rig, failed = self.rig, sys.exc_info()[1] is not self.before
            self.note(lambda: rig.end(failed=failed))

    def note(self, part: Callable[[], None]) -> None:
        """Do this, and take note of what is found wrong."""
        try:
            part()
        except Exception as error:
            if not isinstance(error, HypothesisException):
                self.history.found.append(Wrong(str(error) or repr(error), list(self.steps)))
            raise
