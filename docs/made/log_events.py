"""The log events: of each its levels and values, from the code, and its meaning, by hand; and every value's."""

from docs.made.log_gathered import LEVELS, Event, gathered
from docs.made.log_meanings import MEANINGS, VALUES
from docs.made.markdown import table

PAGE = "reference/log-events.md"
_EVENTS = gathered()


def parts() -> dict[str, str]:
    """Give a table for each area, and one of values. Raises ValueError for an event of which nothing is said."""
    said = {name for area in MEANINGS.values() for name in area}
    if unsaid := sorted(_EVENTS.keys() ^ said):
        raise ValueError(f"docs/made/log_meanings.py and the code do not have the same events: {', '.join(unsaid)}")
    areas = {area: _table(events) for area, events in MEANINGS.items()}
    return areas | {"values": table(["value", "meaning"], [[f"`{name}`", text] for name, text in VALUES.items()])}


def _table(events: dict[str, str]) -> str:
    rows = [[f"`{name}`", _levels(_EVENTS[name]), _values(_EVENTS[name]), text] for name, text in events.items()]
    return table(["event", "level", "values", "meaning"], rows)


def _levels(event: Event) -> str:
    """Say the levels, the loudest first."""
    return ", ".join(level for level in reversed(LEVELS) if level in event.levels)


def _values(event: Event) -> str:
    return ", ".join(f"`{name}`" for name in sorted(event.values))
