"""Any appointments and series in any zones are answered as day by day by the wall clock they take place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.calendar import Calendar, details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from tests.house import House, virtually

PEOPLE = 12
ZONES = {
    "Romance Standard Time": "Europe/Paris",
    "Eastern Standard Time": "America/New_York",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Nepal Standard Time": "Asia/Kathmandu",
    "Israel Standard Time": "Asia/Jerusalem",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "Newfoundland Standard Time": "America/St_Johns",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = timedelta(days=1)
Told = tuple[str, str, str, datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An appointment, or a series that begins with it; `every` is the interval in days, weeks or months."""

    zone: str
    first: date
    begins: time
    minutes: int
    whole_days: int
    pattern: str
    every: int
    weekdays: frozenset[int]
    month_day: int
    left_out: int
    """The instance that was deleted, from 1; 0 for none."""

    def takes_place(self, day: date) -> bool:
        if day < self.first:
            return False
        match self.pattern:
            case "daily":
                return (day - self.first).days % self.every == 0
            case "weekly":  # weeks begin on Sunday
                sunday = self.first - (self.first.weekday() + 1) % 7 * DAY
                return day.weekday() in self.weekdays and (day - sunday).days // 7 % self.every == 0
            case "monthly":
                last = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
                months = 12 * (day.year - self.first.year) + day.month - self.first.month
                return day.day == min(self.month_day, last.day) and months % self.every == 0
        return day == self.first

    def told(self, subject: str, start: datetime, end: datetime) -> Iterator[Told]:
        """Go through the days up to the end of the window by the clock on the wall."""
        zone = ZoneInfo(ZONES[self.zone])
        kind = "occurrence" if self.pattern else "singleInstance"
        day, met = self.first, 0
        while day <= end.date() + 2 * DAY:
            if self.takes_place(day):
                met += 1
                begins = datetime.combine(day, time() if self.whole_days else self.begins)
                ends = begins + (self.whole_days * DAY or timedelta(minutes=self.minutes))
                first, last = (moment.replace(tzinfo=zone).astimezone(UTC) for moment in (begins, ends))
                if first < end and last > start and not (self.pattern and met == self.left_out):
                    yield subject, kind, "busy", first, last
            day += DAY

    def make(self, calendar: Calendar, subject: str) -> None:
        zone = ZoneInfo(ZONES[self.zone])
        # a series begins with its first instance
        first = next(day for day in (self.first + each * DAY for each in range(800)) if self.takes_place(day))
        begins = datetime.combine(first, time() if self.whole_days else self.begins)
        ends = begins + (self.whole_days * DAY or timedelta(minutes=self.minutes))
        values: dict[str, Any] = {"subject": subject, "zone": self.zone, "all_day": bool(self.whole_days)}
        values |= {name: moment.replace(tzinfo=zone).isoformat() for name, moment in (("start", begins), ("end", ends))}
        item = calendar.create(details_from(values), recurrence=self.recurrence())
        if item.recurrence is not None and self.left_out:
            calendar.delete_occurrence(item, item.nth(self.left_out))

    def recurrence(self) -> Recurrence | None:
        names = {"daily": "DailyRecurrence", "weekly": "WeeklyRecurrence", "monthly": "AbsoluteMonthlyRecurrence"}
        if not self.pattern:
            return None
        values = {"Interval": str(self.every)}
        if self.pattern == "weekly":
            values["DaysOfWeek"] = " ".join(DAYS[day] for day in sorted(self.weekdays))
        if self.pattern == "monthly":
            values["DayOfMonth"] = str(self.month_day)
        return Recurrence(pattern=names[self.pattern], values=values, first_day=self.first)


def entries(start: date) -> st.SearchStrategy[Entry]:
    """Those around a day, and series that began up to two years before."""

    def entry(pattern: str) -> st.SearchStrategy[Entry]:
        return st.builds(
            Entry,
            zone=st.sampled_from(sorted(ZONES)),
            first=st.integers(-700 if pattern else -2, 8).map(lambda days: start + days * DAY),
            begins=st.times(min_value=time(4), max_value=time(20)).map(lambda at: at.replace(second=0, microsecond=0)),
            minutes=st.integers(1, 200),
            whole_days=st.sampled_from([0, 0, 1, 2]),
            pattern=st.just(pattern),
            every=st.integers(1, 3),
            weekdays=st.frozensets(st.integers(0, 6), min_size=1),
            month_day=st.integers(1, 31),
            left_out=st.sampled_from([0, 0, 1, 2]),
        )

    return st.sampled_from(["", "daily", "weekly", "monthly"]).flatmap(entry)


@st.composite
def people(draw: st.DrawFn) -> tuple[date, int, list[list[Entry]]]:
    """Give a week, often one in which clocks change, and what is in everybody's calendar around it."""
    changes = [date(2026, 3, 7), date(2026, 3, 26), date(2026, 4, 3), date(2026, 9, 25), date(2026, 10, 24)]
    start = draw(st.sampled_from(changes) | st.dates(date(2026, 3, 2), date(2026, 12, 1)))
    length = draw(st.integers(1, 8))
    calendar = st.lists(entries(start), min_size=1, max_size=4)
    return start, length, draw(st.lists(calendar, min_size=PEOPLE, max_size=PEOPLE))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(people(), st.booleans())
def test_any_calendar_is_answered_as_it_takes_place(
    made: tuple[date, int, list[list[Entry]]], impersonation: bool
) -> None:
    day, length, calendars = made
    start = datetime.combine(day, time(), UTC)
    end = start + length * DAY

    async def test() -> None:
        everybody = make_company(PEOPLE, 1)
        house = House(Path(folder), everybody, right=Right.REVIEWER, impersonation=impersonation)
        for person, calendar in zip(everybody, calendars, strict=True):
            assert person.mailbox is not None
            for number, entry in enumerate(calendar):
                entry.make(house.exchange.directory.by_address[person.mailbox.address].calendar, str(number))
        async with house.at_work():
            for person, calendar in zip(everybody, calendars, strict=True):
                window = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")
                answer = await house.rainbow.questions.ask("events", person.login_email, window=window)
                told = [told for number, entry in enumerate(calendar) for told in entry.told(str(number), start, end)]
                assert sorted(_read(event) for event in answer["answer"]) == sorted(told), calendar

    with TemporaryDirectory() as folder:
        virtually(test)


def _read(event: dict[str, Any]) -> Told:
    start, end = (datetime.fromisoformat(event[name]) for name in ("startDate", "endDate"))
    return event["subject"], event["type"], event["showAs"], start, end
