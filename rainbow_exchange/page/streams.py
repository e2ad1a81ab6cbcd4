"""`/streams`: the streams over which Exchange announces changes, and what it allows."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.diagnosis.streams import PAGE, streams
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.web.view import View

_DIGITS = 6


def streams_view(sides: Sides) -> View:
    """Make the view."""

    async def context(values: Mapping[str, str]) -> Mapping[str, Any]:
        bridge = sides.bridge()
        if bridge is None:
            return {"found": None, "why_not": sides.why_no_bridge(), "number": 1}
        number = values.get("page", "1")
        page = max(1, int(number)) if number.isascii() and number.isdecimal() and len(number) <= _DIGITS else 1
        found = streams(bridge, offset=(page - 1) * PAGE)
        return {"found": found, "why_not": "", "number": page}

    return View(path="/streams", template="streams.html", context=context, parts=("streams_found",))
