"""What `/metrics` shows: all that the parts have counted, as the view that `metrics.render` reads."""

from typing import Any

from rainbow_exchange import __version__, process
from rainbow_exchange.condition import STATES, Condition
from rainbow_exchange.loop_lag import LoopLag

_SEVERITIES = ("error", "warning", "notice")


def measured(condition: Condition, lag: LoopLag) -> dict[str, Any]:
    """Return the view, by the names of `docs/reference/metrics.md`: numbers only, no address."""
    problems = list(condition.problems)
    view: dict[str, Any] = {
        "build_info": {__version__: 1},
        "state": {state: state == condition.state for state in STATES},
        "start_time_seconds": condition.started.timestamp(),
        "problems": {severity: sum(problem.severity == severity for problem in problems) for severity in _SEVERITIES},
        "problem_open": {(problem.id, problem.severity): 1 for problem in problems},
        "told_latency_seconds": condition.timings.told,
        "asked_latency_seconds": condition.timings.asked,
        "loop_lag_seconds": lag.all,
        "loop_lag_longest_seconds": lag.longest(),
        **process.measures(),
    }
    sides = condition.sides
    if sides is None:
        return view
    back_offs: dict[tuple[str, str], int] = {}
    if sides.rainbow is not None:
        view |= sides.rainbow.measures()
        back_offs |= {("rainbow", why): times for why, times in sides.rainbow.health.back_offs.items()}
    if sides.exchange is not None:
        view |= sides.exchange.health.measures()
        back_offs |= {("exchange", why): times for why, times in sides.exchange.exchange.counters.back_offs.items()}
    return view | {"back_offs": back_offs} | sides.history.measures()
