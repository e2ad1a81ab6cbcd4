"""Instants as people write them: `08:00`, `yesterday 08:00`, ISO. Pure; what has no zone is in this machine's."""

import re
from datetime import datetime, timedelta, tzinfo

_TIME = re.compile(r"(?:(today|yesterday)\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?", re.IGNORECASE)
_LONGEST = timedelta(hours=24)
FORMS = "08:00, yesterday 08:00 or 2026-03-02T08:00"


def past_instant(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the instant of the last 24 hours that is meant, aware; `zone` None is this machine's.

    A time of day is the last one that has passed. Raises ValueError, with a sentence for whoever wrote it.
    """
    instant = _read(text.strip(), now.astimezone(zone), zone)
    if instant > now:
        raise ValueError(f"{text} is yet to come.")
    if now - instant > _LONGEST:
        raise ValueError(f"{text} is too long ago: the last 24 hours are kept.")
    return instant


def _read(text: str, here: datetime, zone: tzinfo | None) -> datetime:
    if match := _TIME.fullmatch(text):
        day, hour, minute, second = match.groups()
        try:
            named = here.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0)
        except ValueError:
            raise ValueError(f"{text} is no time of day.") from None
        if day and day.lower() == "yesterday":
            return _there(named - timedelta(days=1), zone)
        instant = _there(named, zone)
        return instant if day or instant <= here else _there(named - timedelta(days=1), zone)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no time: write {FORMS}.") from None
    return _there(instant, zone) if instant.tzinfo is None else instant


def _there(wall: datetime, zone: tzinfo | None) -> datetime:
    """Read what the clock on the wall shows, by the offset that holds on that day."""
    naive = wall.replace(tzinfo=None)
    return naive.astimezone() if zone is None else naive.replace(tzinfo=zone)
