"""`/`: one look says whether all is well."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from rainbow_exchange import __version__
from rainbow_exchange.bridge.last_hour import Minute, Spread
from rainbow_exchange.condition import Condition
from rainbow_exchange.diagnosis.headcount import Group, Headcounts
from rainbow_exchange.diagnosis.overview import look
from rainbow_exchange.page.plot import Plot, plot
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.web.view import View

#: parts of the durations that are shown: half of them, and nearly all
_SHARES = {"p50": 0.5, "p99": 0.99}


def overview(condition: Condition, sides: Sides) -> View:
    """Make the view."""
    headcounts = Headcounts(sides.bridge)

    async def context(_values: Mapping[str, str]) -> Mapping[str, Any]:
        seen = await look(condition, sides, headcounts)
        told, asked = ([(at, getattr(minute, name)) for at, minute in seen.minutes] for name in ("told", "asked"))
        return {
            "seen": seen,
            "told": _drawn(seen.now, told),
            "asked": _drawn(seen.now, asked),
            "rows": [_row(at, minute) for at, minute in reversed(seen.minutes)],
            "people_of": people_of,
            "version": __version__,
        }

    parts = ("overview_verdict", "overview_sides", "overview_hour", "overview_rest")
    return View(path="/", template="overview.html", context=context, parts=parts)


def people_of(group: Group) -> str:
    """Give the address of the list of a group's people."""
    wanted = {"state": group.state, "problem": group.problem, "reason": group.reason}
    return f"/people?{urlencode({name: value for name, value in wanted.items() if value})}"


def _drawn(now: datetime, minutes: Sequence[tuple[datetime, Spread]]) -> Plot | None:
    known = [(at, spread) for at, spread in minutes if spread.counts]
    return plot(
        now, {name: [(at, spread.quantile(share) or 0.0) for at, spread in known] for name, share in _SHARES.items()}
    )


def _row(at: datetime, minute: Minute) -> dict[str, Any]:
    durations = [spread.quantile(share) for spread in (minute.told, minute.asked) for share in _SHARES.values()]
    return {"at": at, "changes": minute.calendars + minute.absences, "durations": durations}
