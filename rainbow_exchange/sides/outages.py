"""When the connector ran, and how both sides were: in the history beside what happened to people, and in the log."""

from collections.abc import Callable, Mapping
from datetime import datetime

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.bridge.history import COMPANY, History, What
from rainbow_exchange.outage import Outage

#: seconds after which a state is noted again that lasts: so exactly is known when a killed process was there last
NOTED_EVERY = 60.0
#: seconds for which a side must be connected until its outage is over: it may fail at every other try
STEADY = 5.0
NO_IDS: Mapping[str, str] = {}


class Outages:
    """Notes each state while it lasts; the reason is the first that was given for it."""

    def __init__(self, history: History, *, now: Callable[[], datetime]) -> None:
        self._history = history
        self._now = now
        self._began = now().isoformat(timespec="seconds")
        self._states: dict[What, tuple[str, str]] = {}
        self._noted: dict[What, datetime] = {}
        self._connected: dict[What, datetime] = {}
        self._logged = {
            What.EXCHANGE: Outage("exchange_unavailable", "exchange_available"),
            What.RAINBOW: Outage("rainbow_unavailable", "rainbow_available"),
        }

    def review(
        self,
        exchange: Mapping[str, str],
        rainbow: Mapping[str, str],
        *,
        why_exchange: Cause | None = None,
        why_rainbow: Cause | None = None,
        ids: Mapping[str, str] = NO_IDS,
    ) -> None:
        """Look at both sides, as status has them, and at why they are not connected; every second or so.

        `ids` are those of the call to Rainbow that failed.
        """
        self._log(What.EXCHANGE, exchange, why_exchange, {})
        self._log(What.RAINBOW, rainbow, why_rainbow, ids)
        self._note(What.PROCESS, "running", "")
        self._note(What.EXCHANGE, exchange["state"], exchange["reason"])
        self._note(What.RAINBOW, rainbow["state"], rainbow["reason"])

    def stopping(self) -> None:
        """The process is to stop in order."""
        self._note(What.PROCESS, "stopped", "")

    def _log(self, what: What, side: Mapping[str, str], why: Cause | None, ids: Mapping[str, str]) -> None:
        """Log where an outage begins and ends; what happens meanwhile is the parts' own, and logged at debug."""
        outage = self._logged[what]
        match side["state"]:
            case "disconnected":
                self._connected.pop(what, None)
                if not outage.open:
                    told = {} if why is None else {"problem": why.id, "action": why.action}
                    outage.failed(reason=side["reason"], **told, **ids)
            case "connected":
                since = self._connected.setdefault(what, self._now())
                steady = (self._now() - since).total_seconds()
                if steady >= STEADY:
                    outage.went_well(seconds_ago=steady)
            case "starting":
                self._connected.pop(what, None)
            case _:  # switched off, or not set up any more
                outage.forget()

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
