"""That it bites: each of these mistakes, put into the product, is found by histories of what has to do with it."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.rainbow.answering import Answering
from tests.torture.machine import CHANGES, History
from tests.torture.rig import quiet

pytestmark = pytest.mark.timeout(900)

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
    faults, make = MISTAKES[mistake]
    make(monkeypatch)
    among = (*faults * (len(CHANGES) // (2 * len(faults))), *CHANGES)
    with quiet():
        for number in range(40):
            try:
                History(number, among=among, size=10).run(shrink=False)
            except AssertionError:
                print(f"found in history {number}")  # noqa: T201 - how well it bites
                return
    pytest.fail("not found in forty histories")
