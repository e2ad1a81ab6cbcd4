"""The Rainbow side may be killed for any time, at any moment: it ends with Rainbow right.

`RAINBOW_EXCHANGE_HISTORIES` has more histories run, with outages of up to a day, from a seed that is drawn and printed
(`RAINBOW_EXCHANGE_SEED` gives it).
"""

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import structlog

from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.rainbow.answering import Answering
from tests.house import virtually
from tests.torture.company import Tortured
from tests.torture.steps import A_DAY, BREAKS, CHANGES, FAULTS, SPANS, Step, history, shortened

MORE = os.environ.get("RAINBOW_EXCHANGE_HISTORIES")
HISTORIES = int(MORE or ("60" if os.environ.get("CI") == "true" else "20"))
PARTS = 2
#: how often each fault, and each change, is to have been used in a part
USED = HISTORIES // PARTS // 7
#: histories in which each call that is to break comes to be made
ENOUGH = 30

pytestmark = pytest.mark.timeout(0 if MORE else 900)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def run(history: list[Step], uses: Counter[str], *, impersonation: bool = True) -> None:
    """Run one history in a company of its own."""

    async def test() -> None:
        await Tortured(Path(folder), impersonation=impersonation, uses=uses).live(history)

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # it looks at its own health each second, which would be half of what is done
        patch.setattr("rainbow_exchange.daemon.REVIEW_EVERY", 5.0)
        virtually(test, days=30)


def check(seed: int, uses: Counter[str], **drawn: Any) -> None:
    """Run the history of a seed; what is wrong is raised with the shortest history that has it."""
    drawn_history, impersonation = history(seed, **drawn), bool(seed % 2)

    def wrong(steps: list[Step]) -> str:
        try:
            run(steps, Counter(), impersonation=impersonation)
        except AssertionError as error:
            return str(error) or "an assertion failed"
        return ""

    uses["histories"] += 1
    try:
        run(drawn_history, uses, impersonation=impersonation)
    except AssertionError as error:
        steps = shortened(drawn_history, lambda steps: bool(wrong(steps)))
        shown = "\n".join(f"    {step}," for step in steps)
        raise AssertionError(f"seed {seed}, {impersonation=}:\n{shown}\n{wrong(steps)}") from error


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_befalls_the_rainbow_side_it_ends_right(part: int) -> None:
    uses: Counter[str] = Counter()
    first = int(os.environ.get("RAINBOW_EXCHANGE_SEED") or (SystemRandom().randrange(10**9) if MORE else 0))
    print(f"RAINBOW_EXCHANGE_SEED={first}")  # noqa: T201 - to run it again
    number = HISTORIES // PARTS
    for seed in range(first + part * number, first + (part + 1) * number):
        check(seed, uses, longest=A_DAY if MORE else SPANS[-1])
    print(dict(sorted(uses.items())))  # noqa: T201 - how often what was done
    seldom = {name: uses[name] for name in (*FAULTS, *CHANGES) if uses[name] < USED}
    if number >= ENOUGH:
        seldom |= {name: 0 for name in BREAKS if not uses[f"{name}, it did"]}
    assert not seldom


def test_after_hours_or_a_whole_day_it_ends_right() -> None:
    """Everybody's appointments have changed, Rainbow has lost its memory, and the first question is lost."""
    away = A_DAY if MORE else A_DAY / 12
    changes = [Step(60, "make appointment", who, 0, 3) for who in range(3)]
    run(
        [
            *changes,
            Step(30, "killed, memory lost", 0, away, 0),
            *changes,
            Step(7, "go out of office", 1, 0, 2),
            Step(away - 30, "breaks at question", 0, 20, 7),
            Step(300, "come back", 1, 0, 0),
        ],
        Counter(),
    )


# -- that it bites: each of these mistakes is found ------------------------------------------------------------------


_call = Notifier._call


async def _forgetful(self: Notifier, taken: dict[str, float], *, force: bool) -> None:
    """Whoever was to be told in a call that fails is no longer due."""
    try:
        await _call(self, taken, force=force)
    except BaseException:
        for user_id in taken:
            self.due.forget(user_id)
        raise


async def _hasty(self: Notifier, taken: dict[str, float], *, force: bool) -> None:
    """Users count as told, and as asked for, before the call that tells of them."""
    for user_id in list(taken):
        snapshot = self.ledger.snapshot(user_id)
        self.ledger.notified(user_id, snapshot, 0.0)
        for kind, digest in snapshot.items():
            if digest is not None:
                self.ledger.answered(user_id, kind, digest, -math.inf)
    self._taken = {}
    await self.client.notify(list(taken), force=force)


async def _deaf(self: Answering, asked: Any, tasks: Any) -> None:
    """Every fifth question is overheard."""
    self._counters.questions += 1
    if self._counters.questions % 5:
        self._counters.questions -= 1
        await _take(self, asked, tasks)


_take = Answering.take


def _nothing(*_: Any) -> None:
    pass


def _nobody(*_: Any) -> list[str]:
    return []


Mistake = Callable[[pytest.MonkeyPatch], None]
NOTIFIES = ("breaks at notify", "rest resets", "unavailable", "killed")
LINK = ("breaks at question", "breaks at answer", "link resets", "link cut")
MISTAKES: dict[str, tuple[tuple[str, ...], Mistake]] = {
    "due dropped when notify fails": (NOTIFIES, lambda patch: patch.setattr(Notifier, "_call", _forgetful)),
    "told before the 2xx": (NOTIFIES, lambda patch: patch.setattr(Notifier, "_call", _hasty)),
    "nobody told anew after a long outage": (
        ("killed, memory lost",),
        lambda patch: patch.setattr("rainbow_exchange.bridge.changes.LINK_LOST_LONG", math.inf),
    ),
    "questions lost at a reconnect": (
        LINK,
        lambda patch: (patch.setattr(Ledger, "unanswered", _nobody), patch.setattr(Ledger, "take_again", _nobody))[0],
    ),
    "answers lost with the link": (("breaks at answer",), lambda patch: patch.setattr(Ledger, "doubt", _nothing)),
    "a question left without an answer": (LINK, lambda patch: patch.setattr(Answering, "take", _deaf)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    among, make = MISTAKES[mistake]
    make(monkeypatch)
    for seed in range(40):
        try:
            run(history(seed, changes=5, faults=3, among=among), Counter())
        except AssertionError:
            print(f"found in history {seed}")  # noqa: T201 - how well it bites
            return
    pytest.fail("not found in forty histories")
