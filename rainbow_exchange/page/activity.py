"""`/activity`: what happens to people and to both sides, as it happens."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.bridge.member import Member
from rainbow_exchange.diagnosis.activity import KINDS, LONGEST, Seen, look
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.web.view import Feed, View

PATH = "/activity"
#: lines of a page, and of each second while it is open; the rest is counted
MOST, MOST_A_SECOND = 100, 10


def activity(sides: Sides) -> View:
    """Make the view. By `?who=` of those whose login or address has that in it, by `?kind=` of one kind."""

    def member(person: str) -> Member | None:
        bridge = sides.bridge()
        return bridge.parts.roster.get(person) if bridge else None

    def seen(values: Mapping[str, str], after: int, most: int) -> Seen:
        who, kind = values.get("who", ""), values.get("kind", "")
        return look(sides.history.recent, member, after=after, who=who, kind=kind, most=most)

    async def context(values: Mapping[str, str]) -> Mapping[str, Any]:
        found = seen(values, 0, MOST)
        return {
            "who": values.get("who", "").strip()[:LONGEST],
            "kind": values.get("kind", ""),
            "kinds": {kind: name for kind, (name, _whats) in KINDS.items()},
            "most": MOST,
        } | _shown(found, left_out=0)

    def news(values: Mapping[str, str], after: int) -> tuple[int, Mapping[str, Any] | None]:
        found = seen(values, after, MOST_A_SECOND)
        return found.number, _shown(found, left_out=found.left_out) if found.lines else None

    return View(
        path=PATH,
        template="activity.html",
        context=context,
        feed=Feed(part="activity_lines", news=news),
        every=1.0,
    )


def _shown(seen: Seen, *, left_out: int) -> dict[str, Any]:
    return {"lines": seen.lines[::-1], "left_out": left_out, "number": seen.number}
