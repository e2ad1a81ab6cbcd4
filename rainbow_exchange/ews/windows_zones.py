"""Windows names of time zones → IANA names, by tzlocal's copy of Unicode's table.

A zone that is not known becomes None: it is never a reason not to read a calendar.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

#: characters; the longest that there is has 32
_LONGEST = 128


def iana_zone(zone_id: str | None) -> str | None:
    """Give the IANA name for what Exchange calls `zone_id`, if this machine knows it; IANA names pass as they are."""
    return _known(zone_id.strip()) if zone_id and zone_id.strip() else None


@lru_cache(maxsize=1024)
def _known(zone_id: str) -> str | None:
    name = win_tz.get(zone_id, zone_id)
    if len(name) > _LONGEST:  # a thousand slashes are as many folders, and as many calls within each other
        return None
    try:
        return ZoneInfo(name).key
    except (LookupError, ValueError, OSError):  # the key is looked for as a file: anything may stand in it
        return None
