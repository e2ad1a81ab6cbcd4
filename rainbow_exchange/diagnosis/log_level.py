"""Which lines are logged, and for how long: asked and changed by the command `log-level` and by the page."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rainbow_exchange.json_text import iso
from rainbow_exchange.logs.level import LEVELS, LONGEST, SWITCH

#: what is chosen in place of a level to have that of the settings back
RESET = "reset"
SCHEMA_VERSION = 1


def view(now: datetime) -> dict[str, Any]:
    """Give the level in force, that of the settings, and until when another one counts; None: without an end."""
    left = SWITCH.seconds_left()
    until = None if left is None else iso(now + timedelta(seconds=left))
    return {"level": SWITCH.level, "settings_level": SWITCH.settings, "changed": SWITCH.chosen, "until": until}


def choose(level: str, seconds: float | None, *, by: str) -> None:
    """Use a level for so many seconds, or that of the settings again (`reset`). Raises ValueError."""
    if level not in (*LEVELS, RESET):
        raise ValueError(f"a level is one of {', '.join((*LEVELS, RESET))}")
    if seconds is not None and not 1 <= seconds <= LONGEST:
        raise ValueError(f"a time is 1 to {LONGEST:.0f} seconds")
    SWITCH.choose(SWITCH.settings if level == RESET else level, seconds, by=by)


async def answer(wanted: object, *, now: datetime) -> Mapping[str, Any]:
    """Answer a command: `{}` asks, `{"level", "seconds"}` changes. Raises ValueError."""
    said = wanted if isinstance(wanted, dict) else {}
    if "level" in said:
        seconds = said.get("seconds")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
            raise ValueError("seconds are a number")
        choose(str(said["level"]), seconds, by="command")
    return {"schema_version": SCHEMA_VERSION} | view(now)
