"""What needs a person: open until it is gone, told once."""

from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.model import Problem

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def test_a_problem_is_told_once_and_its_text_kept_current() -> None:
    clock, seen = Clock(), list[Problem]()
    problems = Problems(now=clock, observe=seen.append)
    with capture_logs() as logs:
        problems.report("mailbox-denied", severity="warning", text="1 user", action="Grant")
        clock.at += timedelta(minutes=5)
        problems.report("mailbox-denied", severity="warning", text="2 users", action="Grant")
    assert list(problems) == [
        Problem(id="mailbox-denied", severity="warning", since=NOON, text="2 users", action="Grant")
    ]
    assert [each.text for each in seen] == ["1 user"]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("problem", "warning")]
    assert "mailbox-denied" in problems


def test_a_problem_that_has_become_worse_is_told_again() -> None:
    seen = list[Problem]()
    problems = Problems(now=Clock(), observe=seen.append)
    with capture_logs() as logs:
        for severity in ("notice", "notice", "warning", "error", "error"):
            problems.report("exchange-password-expires", severity=severity, text="soon", action="Change it")
    assert [each.severity for each in seen] == ["notice", "warning", "error"]
    assert [entry["log_level"] for entry in logs] == ["info", "warning", "error"]


def test_the_log_level_is_that_of_the_problem() -> None:
    problems = Problems(now=Clock())
    with capture_logs() as logs:
        for severity in ("error", "warning", "notice"):
            problems.report(severity, severity=severity, text="t", action="a")
    assert [entry["log_level"] for entry in logs] == ["error", "warning", "info"]


def test_what_is_over_is_gone_and_its_length_logged() -> None:
    clock = Clock()
    problems = Problems(now=clock)
    problems.report("x", severity="error", text="t", action="a")
    clock.at += timedelta(seconds=90)
    with capture_logs() as logs:
        problems.clear("x")
        problems.clear("x")
        problems.clear("never")
    assert list(problems) == []
    assert "x" not in problems
    assert [(entry["event"], entry["lasted_seconds"]) for entry in logs] == [("problem_over", 90.0)]


def test_the_worst_comes_first_then_the_oldest() -> None:
    clock = Clock()
    problems = Problems(now=clock)
    for name, severity in (("n", "notice"), ("w1", "warning"), ("w2", "warning"), ("e", "error")):
        problems.report(name, severity=severity, text="t", action="a")
        clock.at += timedelta(seconds=1)
    assert [each.id for each in problems] == ["e", "w1", "w2", "n"]


def test_those_of_a_part_are_closed_when_it_is_left_and_no_others() -> None:
    problems = Problems(now=Clock())
    problems.report("user-a", severity="warning", text="whole", action="Act")
    with problems.for_a_time() as part:
        part.report("user-b", severity="error", text="part", action="Act")
        part.report("user-c", severity="error", text="part", action="Act")
        part.clear("user-a")  # none of its own
        part.clear("user-b")
        assert [problem.id for problem in part] == ["user-c"]
        assert [problem.id for problem in problems] == ["user-c", "user-a"]
    assert [problem.id for problem in problems] == ["user-a"]
