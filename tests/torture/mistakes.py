"""Mistakes to be put into the product one at a time, each by the name of what it does, and what brings it to light.

What is named beside a mistake only says which kinds of faults and changes its histories are dealt, so that it is found
soon; the rules are the machine's own, and what finds it are the invariants that hold for every history.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from rainbow_exchange.bridge.changes import Changes
from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.parts import Cause
from rainbow_exchange.bridge.privacy import PrivacyRules, SubjectRule
from rainbow_exchange.bridge.reader import Reader
from rainbow_exchange.bridge.reads import Read
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.model import Agenda, Window
from rainbow_exchange.rainbow.answering import Answering

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mistake:
    """How it is made, and among which faults and changes it is looked for."""

    make: Callable[[Patch], None]
    faults: tuple[str, ...]
    changes: tuple[str, ...]


APPOINTMENTS = ("make appointment", "move appointment", "change subject", "change show-as", "delete appointment")
EVERYBODY = (*APPOINTMENTS, "go out of office", "come back", "add user", "ask")
NOTIFIES = ("breaks at notify", "rest resets", "unavailable", "killed")
LINK = ("breaks at question", "breaks at answer", "link resets", "link cut")


# -- reading ---------------------------------------------------------------------------------------------------------


def generation_ignored(patch: Patch) -> None:
    """What is kept of a calendar counts as current, although Exchange has said since that it was changed."""
    current = Reader.current

    def ignorant(self: Reader, address: str, window: Window) -> Agenda | None:
        if (entry := self.entry(address)) is not None:
            entry.agenda_generation = entry.generation
        return current(self, address, window)

    patch.setattr(Reader, "current", ignorant)


def old_read_taken_for_current(patch: Patch) -> None:
    """What a read brings counts as current, although Exchange has said since its sending that it was changed."""
    settle = Reader._settle

    def trusting(self: Reader, read: Read, result: Agenda | EwsError, _: int, asked_at: float) -> bool:
        return settle(self, read, result, read.entry.generation, asked_at)

    patch.setattr(Reader, "_settle", trusting)


def change_during_a_read_ignored(patch: Patch) -> None:
    """Whoever is being read just now will be seen as he is."""
    invalidate = Reader.invalidate

    def hopeful(self: Reader, address: str) -> None:
        if all(address != under_way for lane in self._lanes.values() for under_way, _ in lane.under_way):
            invalidate(self, address)

    patch.setattr(Reader, "invalidate", hopeful)


def gap_missed(patch: Patch) -> None:
    """Nobody looks at what happened while a stream was down."""
    look_again = Changes.look_again

    def careless(self: Changes, address: str, cause: Cause, since: float | None = None) -> None:
        if cause is not Cause.GAP:
            look_again(self, address, cause, since)

    patch.setattr(Changes, "look_again", careless)


def error_read_as_empty(patch: Patch) -> None:
    """Whoever cannot be read has no appointments."""
    settle = Reader._settle

    def simple(self: Reader, read: Read, result: Agenda | EwsError, generation: int, asked_at: float) -> bool:
        if isinstance(result, EwsError):
            result = Agenda(
                mailbox=read.entry.mailbox.address, window=read.window, appointments=(), read_at=self._now()
            )
        return settle(self, read, result, generation, asked_at)

    patch.setattr(Reader, "_settle", simple)


def window_slid_wrongly(patch: Patch) -> None:
    """What is kept and compared begins with tomorrow."""
    window = Reader.window

    def ahead(self: Reader) -> Window:
        right = window(self)
        return Window(start=right.start + timedelta(days=2), end=right.end + timedelta(days=2))

    patch.setattr(Reader, "window", ahead)


# -- telling ---------------------------------------------------------------------------------------------------------


def due_id_dropped(patch: Patch) -> None:
    """Whoever was to be told of in a call that fails is no longer due."""
    call = Notifier._call

    async def forgetful(self: Notifier, taken: dict[str, float], *, force: bool) -> None:
        try:
            await call(self, taken, force=force)
        except BaseException:
            for user_id in taken:
                self.due.forget(user_id)
            raise

    patch.setattr(Notifier, "_call", forgetful)


def told_set_too_early(patch: Patch) -> None:
    """Users count as told of, and as asked for, before the call that tells of them."""

    async def hasty(self: Notifier, taken: dict[str, float], *, force: bool) -> None:
        for user_id in list(taken):
            snapshot = self.ledger.snapshot(user_id)
            self.ledger.notified(user_id, snapshot, 0.0)
            for kind, digest in snapshot.items():
                if digest is not None:
                    self.ledger.answered(user_id, kind, digest, -math.inf)
        self._taken = {}
        await self.client.notify(list(taken), force=force)

    patch.setattr(Notifier, "_call", hasty)


def nobody_told_anew(patch: Patch) -> None:
    """After a long outage Rainbow is expected to remember."""
    patch.setattr("rainbow_exchange.bridge.changes.LINK_LOST_LONG", math.inf)


# -- answering -------------------------------------------------------------------------------------------------------


def private_subject_let_through(patch: Patch) -> None:
    """What is marked as private is shown as it is written."""
    subject = PrivacyRules.subject

    def indiscreet(self: PrivacyRules, *asked: Any) -> SubjectRule:
        rule = subject(self, *asked)
        return SubjectRule.AS_WRITTEN if rule is SubjectRule.MASKED else rule

    patch.setattr(PrivacyRules, "subject", indiscreet)


def question_lost(patch: Patch) -> None:
    """Every fifth question is overheard."""
    take = Answering.take

    async def deaf(self: Answering, asked: Any, tasks: Any) -> None:
        self._counters.questions += 1
        if self._counters.questions % 5:
            self._counters.questions -= 1
            await take(self, asked, tasks)

    patch.setattr(Answering, "take", deaf)


def questions_lost_at_a_reconnect(patch: Patch) -> None:
    """Nobody minds that a question was never asked."""

    def nobody(*_: Any) -> list[str]:
        return []

    patch.setattr(Ledger, "unanswered", nobody)
    patch.setattr(Ledger, "take_again", nobody)


def answers_lost_with_the_link(patch: Patch) -> None:
    """Whatever was sent has arrived."""

    def nothing(*_: Any) -> None:
        pass

    patch.setattr(Ledger, "doubt", nothing)


MISTAKES = {
    "a generation ignored": Mistake(generation_ignored, (), APPOINTMENTS),
    "an old read taken for current": Mistake(old_read_taken_for_current, ("answers are late",), APPOINTMENTS),
    "a change during a read ignored": Mistake(change_during_a_read_ignored, ("answers are late",), APPOINTMENTS),
    "a gap missed": Mistake(
        gap_missed, ("streams cut", "streams silent", "subscriptions forgotten", "exchange restarted"), APPOINTMENTS
    ),
    "an error read as empty": Mistake(
        error_read_as_empty, ("one mailbox fails", "server busy", "exchange down"), APPOINTMENTS
    ),
    "a due id dropped": Mistake(due_id_dropped, ("breaks at notify", "rest resets"), APPOINTMENTS),
    "a window slid wrongly": Mistake(window_slid_wrongly, (), APPOINTMENTS),
    "told set too early": Mistake(told_set_too_early, NOTIFIES, EVERYBODY),
    "a private subject let through": Mistake(private_subject_let_through, (), (*APPOINTMENTS, "make private")),
    "a question lost": Mistake(question_lost, LINK, EVERYBODY),
    "nobody told anew after a long outage": Mistake(nobody_told_anew, ("killed, memory lost",), EVERYBODY),
    "questions lost at a reconnect": Mistake(questions_lost_at_a_reconnect, LINK, EVERYBODY),
    "answers lost with the link": Mistake(answers_lost_with_the_link, ("breaks at answer",), EVERYBODY),
}
