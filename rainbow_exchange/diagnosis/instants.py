"""How explanations write spans of time. Pure."""

from rainbow_exchange.bridge.current import Span
from rainbow_exchange.json_text import iso


def span(each: Span) -> dict[str, str]:
    """Write an appointment: when, and how it counts; nothing else of it."""
    return {"start": iso(each.start), "end": iso(each.end), "show_as": each.show_as}
