"""Whatever fails, recovers and is restarted: what Rainbow was told is right in the end, and not too much."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.reports import Reports
from rainbow_exchange.state.store import Store

if TYPE_CHECKING:
    from rainbow_exchange.rainbow.client import RainbowClient
    from rainbow_exchange.rainbow.events import ConnectorEvent

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
#: problem → what it is a failure of
PROBLEMS = {
    "exchange-unreachable": "exchange",
    "exchange-authentication": "exchange",
    "rainbow-link-lost": "link",
    "mailbox-denied": "mailbox-denied",
}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("toggle"), st.sampled_from(sorted(PROBLEMS))),
        st.tuples(st.just("wait"), st.sampled_from([1, 30, 600, 3600])),
        st.tuples(st.just("restart"), st.booleans()),
    ),
    max_size=40,
)


class Life:
    """A connector that is started again and again; `told` is all that ever stood in its queue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = EPOCH
        self.failing: set[str] = set()
        self.told: dict[str, ConnectorEvent] = {}
        self.begin()

    def begin(self) -> None:
        self.store = Store.open(self.folder / "s.db")
        self.problems = Problems(now=lambda: self.at)
        nobody = cast("RainbowClient", None)  # nothing is sent here
        self.reports = Reports(nobody, problems=self.problems, store=self.store, now=lambda: self.at, random=float)

    def restart(self, *, asked: bool) -> None:
        """Begin anew; `asked`: everything that fails fails at once, else nothing is known at first."""
        self.store.close()
        self.begin()
        if not asked:
            self.reports.review(working=(), affected=self.affected)
        self.wait(1)

    def affected(self, problem: str) -> list[str]:
        return [problem]

    def wait(self, seconds: int) -> None:
        for _ in range(min(seconds, 12)):
            self.at += timedelta(seconds=seconds / min(seconds, 12))
            self.review()

    def events(self, subject: str) -> list["ConnectorEvent"]:
        return [each for each in self.told.values() if each.id.startswith(f"{subject}:")]

    def said_to_fail(self, subjects: set[str]) -> set[str]:
        """Give those whose last event is a failure."""
        told = {subject: self.events(subject) for subject in subjects}
        return {subject for subject, events in told.items() if events and events[-1].level != "INFO"}

    def fails(self, subjects: set[str]) -> set[str]:
        return {PROBLEMS[problem] for problem in self.failing} & subjects

    def review(self) -> None:
        for problem in PROBLEMS:
            if problem in self.failing:
                self.problems.report(problem, severity="error", text="", action="")
            else:
                self.problems.clear(problem)
        exchange = not self.failing & {"exchange-unreachable", "exchange-authentication"}
        working = {"rainbow", "link", *(("exchange", "mailboxes") if exchange else ())}
        self.reports.review(working=working, affected=self.affected)
        for event in self.reports.outbox.waiting():
            assert self.told.setdefault(event.id, event) == event
        self.reports.outbox._waiting.clear()


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_what_was_told_is_right_in_the_end_and_not_too_much(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        for kind, value in steps:
            if kind == "toggle":
                life.failing ^= {value}
                life.wait(1)
            elif kind == "wait":
                life.wait(value)
            else:
                life.restart(asked=value)
        life.wait(7200)
        assert life.said_to_fail({"exchange", "link"}) == life.fails({"exchange", "link"})
        # mailboxes are told of where Exchange answers, so that everybody could be tried
        life.failing -= {"exchange-unreachable", "exchange-authentication"}
        life.wait(7200)
        everything = set(PROBLEMS.values())
        assert life.said_to_fail(everything) == life.fails(everything)
        hours = 1 + (life.at - EPOCH) // timedelta(hours=1)
        for subject in everything:
            assert len([each for each in life.events(subject) if each.level != "INFO"]) <= 3 * hours
        life.store.close()
