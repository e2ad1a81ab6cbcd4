"""Throttling as Exchange's policies have it: how much of the server's time each account may use (ews.md §3).

A budget is filled up to EwsMaxBurst, refilled by EwsRechargeRate, and refused to below EwsCutoffBalance. What a request
costs is *ours*: a dial's milliseconds for each mailbox that it names, which it also takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.flavour import Flavour
from rainbow_exchange.lab.exchange.operations import STREAMED, refused
from rainbow_exchange.lab.exchange.wire import envelope, fault_envelope

_HOUR = 3600.0
_SHORTEST_HINT, _LONGEST_HINT = 5_000, 299_984  # milliseconds, as captured

_STOCK = {
    "request_limit": 27,
    "subscription_limit": 5000,
    "burst_milliseconds": 300_000,
    "recharge_milliseconds": 900_000,
    "cutoff_milliseconds": 3_000_000,
    "cost_milliseconds": 10,
    "abandoned_seconds": 60.0,
}
#: positions of the dials of this group, by the name of a whole set
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "stock-2013": _STOCK | {"stream_limit": 3},
        "stock-2016": _STOCK | {"stream_limit": 10},
        "off": dict.fromkeys(_STOCK, 0) | {"stream_limit": 0, "abandoned_seconds": 0.0},
    }
)


@dataclass(slots=True)
class _Budget:
    balance: float
    at: datetime


class Budgets:
    """The budgets by whom they belong to. Without a burst (0) there are none."""

    def __init__(self, dials: Dials, now: Callable[[], datetime]) -> None:
        self._dials = dials
        self._now = now
        self._budgets: dict[str, _Budget] = {}

    def charge(self, who: str, mailboxes: int) -> float:
        """Charge a request about so many mailboxes; return the seconds that it takes. Raises ErrorServerBusy."""
        cost = self._dials.cost_milliseconds * max(mailboxes, 1)
        if self._dials.burst_milliseconds:
            budget = self._recharged(who)
            if budget.balance < -self._dials.cutoff_milliseconds:
                raise Fault("ErrorServerBusy", values={"BackOffMilliseconds": str(self._hint(budget))})
            budget.balance -= cost
        return cost / 1000

    def _recharged(self, who: str) -> _Budget:
        moment, most = self._now(), float(self._dials.burst_milliseconds)
        budget = self._budgets.setdefault(who, _Budget(most, moment))
        passed = (moment - budget.at).total_seconds()
        budget.balance = min(budget.balance + self._dials.recharge_milliseconds * passed / _HOUR, most)
        budget.at = moment
        return budget

    def _hint(self, budget: _Budget) -> int:
        missing = -self._dials.cutoff_milliseconds - budget.balance
        rate = self._dials.recharge_milliseconds / (_HOUR * 1000)
        wait = missing / rate if rate else _LONGEST_HINT
        return round(min(max(wait, _SHORTEST_HINT), _LONGEST_HINT))


def exceeded(part: str, limit: int) -> dict[str, str]:
    """Give the entries of MessageXml that go with ErrorExceededConnectionCount, as captured."""
    return {
        "Policy": part,
        "MaxConcurrencyLimit": str(limit),
        "ErrorMessage": f"This operation exceeds the throttling budget for policy part '{part}', policy value "
        f"'{limit}',  Budget type: 'Ews'.  Suggested backoff time 0 ms.",
    }


def busy_answer(dials: Dials, operation: str, flavour: Flavour) -> tuple[bytes, int] | None:
    """Give the answer of a busy server in the shape that a dial names (ews.md §3), None when it is not busy."""
    if not dials.server_busy or dials.server_busy_requests == 0:
        return None
    if dials.server_busy_operations and operation not in dials.server_busy_operations:
        return None
    dials.server_busy_requests -= dials.server_busy_requests > 0
    values = {"BackOffMilliseconds": str(dials.server_busy_milliseconds)}
    if dials.server_busy_milliseconds < 0:
        values = {}
    if dials.server_busy == "http":
        return b"", 503
    if dials.server_busy == "fault" or operation == STREAMED:
        return fault_envelope(Fault("ErrorServerBusy", values=values), flavour), flavour.fault_status
    error = Refused("ErrorServerBusy", values=values)
    if dials.server_busy == "inner":
        inner = {"InnerErrorMessageText": error.text, "InnerErrorResponseCode": "ErrorServerBusy"}
        error = Refused("ErrorInternalServerError", values=inner | values)
    return envelope(refused(operation, error), flavour), 200
