"""How the process is as a whole: its state, since when, and what needs a person."""

from collections.abc import Callable
from datetime import datetime

import structlog

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.sides import both, holds
from rainbow_exchange.sides.wanted import Wanted

log = structlog.get_logger()

STATES = ("starting", "healthy", "degraded", "switched off", "stopping")


class Condition:
    """The state as of the last `review`, since when it is that, and since when the process runs.

    `state` is one of STATES. `sides` are None before the start.
    """

    def __init__(self, wanted: Wanted, problems: Problems, timings: Timings, *, now: Callable[[], datetime]) -> None:
        self.problems = problems
        self.timings = timings
        self.sides: both.Sides | None = None
        self.state = "starting"
        self.started = self.since = now()
        self._wanted = wanted
        self._now = now

    def ready(self) -> bool:
        """Whether what is wanted is there: both sides connected; while it is switched off, Rainbow."""
        return self.sides is not None and not self._wanted.stopping and self.sides.connected()

    def review(self) -> None:
        """Look anew, so that problems and states begin and end."""
        if self.sides is not None:
            self.sides.review()
        state = self._overall()
        if state != self.state:
            log.info("state_changed", state=state, before=self.state)
            self.state, self.since = state, self._now()

    def _overall(self) -> str:
        if self._wanted.stopping:
            return "stopping"
        if any(problem.severity != "notice" for problem in self.problems):
            return "degraded"
        if self.sides is not None and self.sides.hold is holds.SWITCHED_OFF:
            return "switched off"
        if self.sides is None or self.sides.settling:
            return "starting"
        return "healthy" if self.ready() else "degraded"
