"""How screens write instants and what an appointment counts as. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

Here = Callable[[datetime], datetime]
_SHOWN = {"oof": "out of office", "workingelsewhere": "working elsewhere"}


class Clock:
    """Writes instants in the zone of `here`, with the day where it is not that of `now`."""

    def __init__(self, here: Here, now: str | None) -> None:
        self._here = here
        self._now = self._read(now) if now else None

    def at(self, instant: str | None, *, otherwise: str = "never") -> str:
        """Write an instant to the second."""
        return otherwise if instant is None else self._dated(self._read(instant), "%H:%M:%S")

    def minute(self, instant: str) -> str:
        """Write an instant to the minute."""
        return self._dated(self._read(instant), "%H:%M")

    def day(self, instant: str) -> str:
        """Write an instant with its day."""
        return f"{self._read(instant):%a %d %b %H:%M:%S}"

    def zone(self) -> str:
        """Name the zone by its offset."""
        if self._now is None:
            return "UTC"
        minutes = round((self._now.utcoffset() or timedelta()).total_seconds() / 60)
        return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    def _dated(self, read: datetime, form: str) -> str:
        same = self._now is None or read.date() == self._now.date()
        return f"{read:{form}}" if same else f"{read:%a %d %b {form}}"

    def _read(self, instant: str) -> datetime:
        return self._here(datetime.fromisoformat(instant))


def shown_as(item: Mapping[str, str]) -> str:
    """Say how an appointment counts."""
    return _SHOWN.get(item["show_as"], item["show_as"])
