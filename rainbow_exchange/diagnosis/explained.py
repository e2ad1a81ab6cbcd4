"""What both sides know of one person, as `explain` asks for it: `{"address": "..."}`."""

from collections.abc import Callable, Mapping
from typing import Any

from rainbow_exchange.diagnosis.explain import Around, explain, not_ready
from rainbow_exchange.sides.both import Sides

_WAITS = "Exchange and Rainbow are not both there yet; rainbow-exchange status says what is waited for."


async def explained(sides: Callable[[], Sides | None], wanted: object) -> Mapping[str, Any]:
    """Answer what a command asks. Raises ValueError where it is not understood."""
    address = wanted.get("address") if isinstance(wanted, dict) else None
    if not isinstance(address, str) or not address.strip():
        raise ValueError('{"address": "..."} is needed')
    return person(sides(), address)


def person(sides: Sides | None, address: str) -> dict[str, Any]:
    """Return the chain of whoever has this address, or why there is none."""
    if sides is None or sides.rainbow is None or sides.exchange is None:
        return not_ready(address, sides.hold.reason if sides is not None and sides.hold is not None else _WAITS)
    exchange, rainbow = sides.exchange, sides.rainbow
    around = Around(link=rainbow.link, exchange=exchange.health.exchange(), rainbow=rainbow.health.state())
    return explain(address, exchange.pipeline, around)
