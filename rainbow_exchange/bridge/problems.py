"""What needs a person: raised by whoever sees it, gone when it is gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from rainbow_exchange.model import Problem

log = structlog.get_logger()


class Problems:
    """The open problems by id."""

    def __init__(self, *, now: Callable[[], datetime], observe: Callable[[Problem], None] | None = None) -> None:
        self._now = now
        self._observe = observe
        self._open: dict[str, Problem] = {}
        self._logged: set[str] = set()

    def __iter__(self) -> Iterator[Problem]:
        ranks = ("error", "warning", "notice")
        return iter(sorted(self._open.values(), key=lambda problem: (ranks.index(problem.severity), problem.since)))

    def __contains__(self, problem_id: str) -> bool:
        return problem_id in self._open

    def report(self, problem_id: str, *, severity: str, text: str, action: str, logged: bool = False) -> None:
        """Open a problem or update it, and tell of it if it is new or its `severity` (`model.Problem`) another.

        `logged`: the log has it as an outage, so that its beginning and end stand there at debug only.
        """
        known = self._open.get(problem_id)
        since = known.since if known else self._now()
        problem = Problem(id=problem_id, severity=severity, since=since, text=text, action=action)
        self._open[problem_id] = problem
        untold = problem_id in self._logged and not logged
        (self._logged.add if logged else self._logged.discard)(problem_id)
        if known is None or known.severity != severity or untold:
            level = log.debug if logged else {"error": log.error, "warning": log.warning}.get(severity, log.info)
            level("problem", problem=problem_id, what=text, action=action)
            if self._observe:
                self._observe(problem)

    def clear(self, problem_id: str) -> None:
        """Close a problem, if it is open."""
        problem = self._open.pop(problem_id, None)
        if problem is not None:
            lasted = (self._now() - problem.since).total_seconds()
            say = log.debug if problem_id in self._logged else log.info
            self._logged.discard(problem_id)
            say("problem_over", problem=problem_id, lasted_seconds=round(lasted, 1))

    @contextmanager
    def for_a_time(self) -> Iterator["Problems"]:
        """Give a part of them for somebody to report: those still open are closed when the context is left."""
        part = _Part(self)
        try:
            yield part
        finally:
            for problem in list(part):
                part.clear(problem.id)


class _Part(Problems):
    """Those that somebody has reported, who may be gone before them."""

    def __init__(self, whole: Problems) -> None:
        super().__init__(now=whole._now)  # noqa: SLF001  (a part of it)
        self._whole = whole

    def report(self, problem_id: str, *, severity: str, text: str, action: str, logged: bool = False) -> None:
        self._whole.report(problem_id, severity=severity, text=text, action=action, logged=logged)
        self._open[problem_id] = self._whole._open[problem_id]  # noqa: SLF001  (a part of it)

    def clear(self, problem_id: str) -> None:
        if self._open.pop(problem_id, None) is not None:
            self._whole.clear(problem_id)
