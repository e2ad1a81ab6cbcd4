"""Times and zones as EWS writes them: instants, Windows zone names, and the two-rule TimeZone of availability."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.wire import Element, child, text

# Windows' names of zones (Unicode CLDR, territory 001, and those of territories a company may have)
WINDOWS = {
    "UTC": "Etc/UTC",
    "GMT Standard Time": "Europe/London",
    "Romance Standard Time": "Europe/Paris",
    "W. Europe Standard Time": "Europe/Berlin",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "FLE Standard Time": "Europe/Kyiv",
    "GTB Standard Time": "Europe/Bucharest",
    "E. Europe Standard Time": "Europe/Chisinau",
    "Russian Standard Time": "Europe/Moscow",
    "Turkey Standard Time": "Europe/Istanbul",
    "Israel Standard Time": "Asia/Jerusalem",
    "South Africa Standard Time": "Africa/Johannesburg",
    "Morocco Standard Time": "Africa/Casablanca",
    "Egypt Standard Time": "Africa/Cairo",
    "Arabian Standard Time": "Asia/Dubai",
    "Iran Standard Time": "Asia/Tehran",
    "India Standard Time": "Asia/Kolkata",
    "Nepal Standard Time": "Asia/Kathmandu",
    "SE Asia Standard Time": "Asia/Bangkok",
    "China Standard Time": "Asia/Shanghai",
    "Singapore Standard Time": "Asia/Singapore",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Korea Standard Time": "Asia/Seoul",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Cen. Australia Standard Time": "Australia/Adelaide",
    "Lord Howe Standard Time": "Australia/Lord_Howe",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Line Islands Standard Time": "Pacific/Kiritimati",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "Alaskan Standard Time": "America/Anchorage",
    "Pacific Standard Time": "America/Los_Angeles",
    "US Mountain Standard Time": "America/Phoenix",
    "Mountain Standard Time": "America/Denver",
    "Central Standard Time": "America/Chicago",
    "Eastern Standard Time": "America/New_York",
    "Atlantic Standard Time": "America/Halifax",
    "Newfoundland Standard Time": "America/St_Johns",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Argentina Standard Time": "America/Buenos_Aires",
    "Azores Standard Time": "Atlantic/Azores",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
}
_BY_IANA = {iana: windows for windows, iana in WINDOWS.items()} | {
    "UTC": "UTC",
    "Europe/Brussels": "Romance Standard Time",
    "Europe/Madrid": "Romance Standard Time",
    "Europe/Zurich": "W. Europe Standard Time",
    "Europe/Vienna": "W. Europe Standard Time",
    "Europe/Rome": "W. Europe Standard Time",
    "Europe/Amsterdam": "W. Europe Standard Time",
    "Europe/Helsinki": "FLE Standard Time",
    "Europe/Athens": "GTB Standard Time",
    "Europe/Lisbon": "GMT Standard Time",
    "Europe/Dublin": "GMT Standard Time",
    "America/Argentina/Buenos_Aires": "Argentina Standard Time",
}
_FRACTION = re.compile(r"(\.\d{1,6})\d*")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def windows_name(iana: str) -> str:
    """Give Windows' name of an IANA zone; a zone the table lacks is named by its IANA name."""
    return _BY_IANA.get(iana, iana)


def zone(name: str) -> ZoneInfo:
    """Give the zone of a Windows or IANA name; refuses an unknown one with ErrorTimeZone."""
    try:
        return ZoneInfo(WINDOWS.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused("ErrorTimeZone", values={"Id": name}) from error


def instant(written: str, otherwise: tzinfo = UTC) -> datetime:
    """Read an xs:dateTime (or xs:date) as an instant in UTC; one without offset counts in the zone `otherwise`."""
    try:
        value = datetime.fromisoformat(_FRACTION.sub(r"\1", written.strip()))
    except ValueError as error:
        raise Fault("ErrorSchemaValidation", values={"Violation": f"not a dateTime: {written}"}) from error
    return (value if value.tzinfo else value.replace(tzinfo=otherwise)).astimezone(UTC)


def written(value: datetime) -> str:
    """Write an instant as Exchange does in items and events: whole seconds, Z."""
    return f"{value.astimezone(UTC).isoformat()[:19]}Z"


@dataclass(frozen=True, slots=True)
class _Rule:
    """From `order`-th `day` (5 = last) of `month`, at `at` local time, `bias` minutes are added to the zone's bias."""

    bias: int
    month: int
    order: int
    days: frozenset[int]
    at: timedelta

    def begins(self, year: int) -> datetime:
        """Give the local moment of that year at which the rule sets in."""
        last = calendar.monthrange(year, self.month)[1]
        hits = [day for day in range(1, last + 1) if datetime(year, self.month, day).weekday() in self.days]  # noqa: DTZ001 — a wall clock's date
        return datetime(year, self.month, hits[-1] if self.order >= len(hits) + 1 else hits[self.order - 1]) + self.at  # noqa: DTZ001 — same


class TwoRuleZone:
    """The t:TimeZone (SerializableTimeZone) of GetUserAvailability: a bias and one pair of rules for every year."""

    def __init__(self, element: Element | None) -> None:
        self._years: dict[int, tuple[datetime, datetime]] = {}
        try:
            self.bias = int(text(element, "Bias") or "0")
            self.standard = _rule(child(element, "StandardTime"))
            self.daylight = _rule(child(element, "DaylightTime"))
        except (ValueError, KeyError) as error:
            raise Fault("ErrorSchemaValidation", values={"Violation": "TimeZone"}) from error
        turns = {(each.month, each.days) for each in (self.standard, self.daylight) if each}
        self._one = len(turns) < 2  # noqa: PLR2004 — there and back

    def _bias(self, moment: datetime, *, wall: bool) -> int:
        standard, daylight = self.standard, self.daylight
        if standard is None or daylight is None or self._one:
            return self.bias + (standard.bias if standard else 0)
        summer, winter = self._begins(moment.year, daylight, standard)
        if not wall:  # a rule's time is told by the clock that it puts an end to
            summer += timedelta(minutes=self.bias + standard.bias)
            winter += timedelta(minutes=self.bias + daylight.bias)
        in_summer = summer <= moment < winter if summer < winter else not winter <= moment < summer
        return self.bias + (daylight if in_summer else standard).bias

    def _begins(self, year: int, daylight: _Rule, standard: _Rule) -> tuple[datetime, datetime]:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = daylight.begins(year), standard.begins(year)
        return found

    def local(self, value: datetime) -> str:
        """Write an instant as this zone's wall clock, without offset."""
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return (utc - timedelta(minutes=self._bias(utc, wall=False))).isoformat()[:19]

    def instant(self, value: str) -> datetime:
        """Read a time of this zone (or one with its own offset) as an instant."""
        try:
            naive = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
        except ValueError as error:
            raise Fault("ErrorSchemaValidation", values={"Violation": "TimeWindow"}) from error
        if naive.tzinfo:
            return naive.astimezone(UTC)
        return (naive + timedelta(minutes=self._bias(naive, wall=True))).replace(tzinfo=UTC)


def _rule(element: Element | None) -> _Rule | None:
    if element is None:
        return None
    hour, minute, second = (int(part) for part in (text(element, "Time") or "00:00:00")[:8].split(":"))
    named = text(element, "DayOfWeek").split()
    days: frozenset[int] = frozenset(DAYS.index(day) for day in named if day in DAYS)
    return _Rule(
        bias=int(text(element, "Bias") or "0"),
        month=int(text(element, "Month") or "1") or 1,
        order=int(text(element, "DayOrder") or "1") or 1,
        days=days or frozenset(range(7)),
        at=timedelta(hours=hour, minutes=minute, seconds=second),
    )


Clock = Callable[[], datetime]
