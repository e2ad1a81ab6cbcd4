"""How explanations write instants and spans of time. Pure."""

from datetime import UTC, datetime
from typing import overload

from rainbow_exchange.bridge.current import Span


@overload
def iso(instant: datetime) -> str: ...
@overload
def iso(instant: datetime | None) -> str | None: ...
def iso(instant: datetime | None) -> str | None:
    """Write an instant in UTC, to the second; None stays so."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def span(each: Span) -> dict[str, str]:
    """Write an appointment: when, and how it counts; nothing else of it."""
    return {"start": iso(each.start), "end": iso(each.end), "show_as": each.show_as}
