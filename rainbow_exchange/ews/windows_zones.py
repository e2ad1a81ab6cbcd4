"""Windows names of time zones → IANA names, by tzlocal's copy of Unicode's table.

A zone that is not known is counted and becomes None: it is never a reason not to read a calendar.
"""

from collections import Counter
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

_REMEMBERED = 100

#: how often each unknown zone was met; names come from servers, so only the first hundred are kept apart
unknown: Counter[str] = Counter()


def iana_zone(zone_id: str | None) -> str | None:
    """Give the IANA name for what Exchange calls `zone_id`, if this machine knows it; IANA names pass as they are."""
    if not zone_id or not zone_id.strip():
        return None
    name = _known(zone_id.strip())
    if name is None:
        unknown[zone_id if zone_id in unknown or len(unknown) < _REMEMBERED else "(others)"] += 1
    return name


@lru_cache(maxsize=1024)
def _known(zone_id: str) -> str | None:
    name = win_tz.get(zone_id, zone_id)
    try:
        return ZoneInfo(name).key
    except (LookupError, ValueError, OSError):  # the key is looked for as a file: anything may stand in it
        return None
