"""EWS recurrence (pattern and range) on top of dateutil's rrule, in wall time of the series' own zone."""

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday

from rainbow_exchange.lab.exchange.errors import Fault
from rainbow_exchange.lab.exchange.wire import Element, Xml, children, local, t, text
from rainbow_exchange.lab.exchange.zones import DAYS

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ORDER = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_DAY_SETS = {"Day": range(7), "Weekday": range(5), "WeekendDay": range(5, 7)}
_PATTERNS = {
    "DailyRecurrence": DAILY,
    "WeeklyRecurrence": WEEKLY,
    "AbsoluteMonthlyRecurrence": MONTHLY,
    "RelativeMonthlyRecurrence": MONTHLY,
    "AbsoluteYearlyRecurrence": YEARLY,
    "RelativeYearlyRecurrence": YEARLY,
}
_LONGEST_SHORT_DAY = 28
_FAR = datetime(9999, 1, 1)  # noqa: DTZ001 — wall time, as rules are


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A pattern with its values as EWS names them, and a range."""

    pattern: str
    values: dict[str, str] = field(hash=False)
    first_day: date
    last_day: date | None = None
    count: int | None = None

    def rule(self, start: datetime) -> rrule:
        """Give the rule whose instances are naive wall times; `start` is the wall time of the first."""
        interval = int(self.values.get("Interval", "1"))
        days = _days(self.values.get("DaysOfWeek", ""))
        month = MONTHS.index(self.values["Month"]) + 1 if "Month" in self.values else None
        position = _ORDER.get(self.values.get("DayOfWeekIndex", ""))
        month_day: list[int] | None = None
        if "DayOfMonth" in self.values:
            # A day the month lacks means its last one.
            wanted = int(self.values["DayOfMonth"])
            month_day = list(range(min(wanted, _LONGEST_SHORT_DAY), wanted + 1))
            position = -1 if len(month_day) > 1 else None
        week_start = self.values.get("FirstDayOfWeek")
        frequency: Any = _PATTERNS[self.pattern]
        return rrule(
            frequency,
            dtstart=datetime.combine(self.first_day, start.time()),
            interval=interval,
            wkst=weekday(DAYS.index(week_start) if week_start else 6),
            count=self.count,
            until=datetime.combine(self.last_day, start.time()) if self.last_day else None,
            bymonth=month,
            bymonthday=month_day,
            byweekday=days or None,
            bysetpos=position,
        )

    def starts(self, start: datetime, after: datetime, before: datetime) -> list[datetime]:
        """Give the wall times of instances in [after, before]."""
        return list(self.rule(start).between(after, before, inc=True))

    def nth(self, start: datetime, index: int) -> datetime | None:
        """Give the `index`-th instance (from 1), None beyond the range."""
        return next(islice(self.rule(start), index - 1, index), None)

    def ends(self, start: datetime) -> tuple[datetime, datetime | None]:
        """Give the first and the last instance; the last is None where there is no end."""
        rule = self.rule(start)
        first = next(iter(rule), start)
        if self.count is None and self.last_day is None:
            return first, None
        return first, rule.before(_FAR, inc=True) or first

    def element(self) -> Xml:
        """Write it as t:Recurrence."""
        range_start = t("StartDate", self.first_day.isoformat())
        if self.count is not None:
            span = t("NumberedRecurrence", range_start, t("NumberOfOccurrences", str(self.count)))
        elif self.last_day is not None:
            span = t("EndDateRecurrence", range_start, t("EndDate", self.last_day.isoformat()))
        else:
            span = t("NoEndRecurrence", range_start)
        return t("Recurrence", t(self.pattern, *(t(name, value) for name, value in self.values.items())), span)


def _days(names: str) -> list[weekday]:
    numbers: set[int] = set()
    for name in names.split():
        numbers.update(_DAY_SETS.get(name) or [DAYS.index(name)])
    return [weekday(number) for number in sorted(numbers)]


def read(element: Element) -> Recurrence:
    """Read t:Recurrence; refuses what the schema would."""
    try:
        pattern, span = children(element)
        kind = local(pattern)
        if kind not in _PATTERNS:
            raise ValueError(kind)  # noqa: TRY301 — one refusal for all that is wrong here
        end, count = text(span, "EndDate"), text(span, "NumberOfOccurrences")
        recurrence = Recurrence(
            pattern=kind,
            values={local(each): each.text or "" for each in children(pattern)},
            first_day=date.fromisoformat(text(span, "StartDate")[:10]),
            last_day=date.fromisoformat(end[:10]) if end else None,
            count=int(count) if count else None,
        )
        recurrence.rule(datetime.combine(recurrence.first_day, datetime.min.time()))
    except (ValueError, KeyError) as error:
        raise Fault("ErrorSchemaValidation", values={"Violation": f"Recurrence: {error}"}) from error
    return recurrence
