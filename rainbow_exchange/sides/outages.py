"""When the connector ran, and how both sides were: kept in the history beside what happened to people."""

from collections.abc import Callable, Mapping
from datetime import datetime

from rainbow_exchange.bridge.history import COMPANY, History, What

#: seconds after which a state is noted again that lasts: so exactly is known when a killed process was there last
NOTED_EVERY = 60.0


class Outages:
    """Notes each state while it lasts; the reason is the first that was given for it."""

    def __init__(self, history: History, *, now: Callable[[], datetime]) -> None:
        self._history = history
        self._now = now
        self._began = now().isoformat(timespec="seconds")
        self._states: dict[What, tuple[str, str]] = {}
        self._noted: dict[What, datetime] = {}

    def review(self, exchange: Mapping[str, str], rainbow: Mapping[str, str]) -> None:
        """Look at both sides, as status has them; to be called every second or so."""
        self._note(What.PROCESS, "running", "")
        self._note(What.EXCHANGE, exchange["state"], exchange["reason"])
        self._note(What.RAINBOW, rainbow["state"], rainbow["reason"])

    def stopping(self) -> None:
        """The process is to stop in order."""
        self._note(What.PROCESS, "stopped", "")

    def _note(self, what: What, state: str, reason: str) -> None:
        now, (before, known) = self._now(), self._states.get(what, ("", ""))
        if before != state:
            if before:  # so far it lasted
                self._history.note(COMPANY, what, state=before, reason=known, run=self._began)
            self._states[what] = (state, reason)
        elif (now - self._noted[what]).total_seconds() < NOTED_EVERY:
            return
        self._noted[what] = now
        state, reason = self._states[what]
        self._history.note(COMPANY, what, state=state, reason=reason, run=self._began)
