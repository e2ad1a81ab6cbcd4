"""JSON: that which others have written, and instants in our own."""

import json
from datetime import UTC, datetime
from typing import Any, overload


def read_json(text: str | bytes) -> Any:
    """Read it. Raises ValueError where it is no JSON, or nested deeper than anybody writes it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@overload
def iso(instant: datetime) -> str: ...
@overload
def iso(instant: datetime | None) -> str | None: ...
def iso(instant: datetime | None) -> str | None:
    """Write an instant in UTC, to the second; None stays so."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
