"""What both sides know of one person, as `explain` asks for it: `{"address": "...", "at": "..."}`, now without `at`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rainbow_exchange.bridge.history import COMPANY, KEPT_FOR
from rainbow_exchange.bridge.people import name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.diagnosis.explain import SCHEMA_VERSION, Around, explain, not_ready, unknown
from rainbow_exchange.diagnosis.past import brief_last, past
from rainbow_exchange.json_text import iso
from rainbow_exchange.sides.both import Sides

_NEEDED = '{"address": "..."} is needed, and "at" an instant of the last 24 hours with its zone, if any'


async def explained(sides: Sides, wanted: object) -> Mapping[str, Any]:
    """Answer what a command asks. Raises ValueError where it is not understood."""
    if not isinstance(wanted, dict):
        raise ValueError(_NEEDED)  # noqa: TRY004 - of the JSON, which is one kind of fault
    address, at = wanted.get("address"), wanted.get("at")
    if not isinstance(address, str) or not address.strip():
        raise ValueError(_NEEDED)
    if at is None:
        return person(sides, address)
    instant = datetime.fromisoformat(at) if isinstance(at, str) else None
    if instant is None or instant.tzinfo is None:
        raise ValueError(_NEEDED)
    return person_at(sides, address, instant.astimezone(UTC))


def chain(sides: Sides, address: str) -> dict[str, Any]:
    """Return the chain of whoever has this address, or why there is none; of the past nothing is read for it."""
    bridge = _bridge(sides)
    return explain(address, *bridge) if bridge else not_ready(address, sides.why_no_bridge())


def person(sides: Sides, address: str) -> dict[str, Any]:
    """Return the chain, and what happened last."""
    shown = chain(sides, address)
    if shown["user"]:
        shown["last"] = brief_last(sides.history.of(shown["user"]["id"]))
    return shown


def person_at(sides: Sides, address: str, at: datetime) -> dict[str, Any]:
    """Return how whoever has this address was shown then; also by login alone, while the users are not known."""
    user = _user(sides, address)
    if user is None:
        bridge = _bridge(sides)
        return unknown(address, *bridge) if bridge else not_ready(address, sides.why_no_bridge())
    found = past(sides.history.of(user["id"]), sides.history.of(COMPANY), at)
    known = {"schema_version": SCHEMA_VERSION, "address": address, "user": user, "state": "past", "at": iso(at)}
    return known | {"kept_for_seconds": round(KEPT_FOR.total_seconds())} | found


def _bridge(sides: Sides) -> tuple[Pipeline, Around] | None:
    if sides.rainbow is None or sides.exchange is None:
        return None
    exchange, rainbow = sides.exchange, sides.rainbow
    around = Around(link=rainbow.link, exchange=exchange.health.exchange(), rainbow=rainbow.health.state())
    return exchange.pipeline, around


def _user(sides: Sides, address: str) -> dict[str, Any] | None:
    """Say who is meant: who has this address or, while no list of users says so, who had this login."""
    bridge = sides.bridge()
    if bridge and (member := bridge.parts.roster.named(address)):
        return {"name": name_of(member), "id": member.user.id}
    if bridge and bridge.membership.listing.listed:
        return None
    user_id = sides.history.who(address)
    return None if user_id is None else {"name": address.strip().lower(), "id": user_id}
