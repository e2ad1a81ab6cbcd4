"""The calendar's own arithmetic, against instants worked out by hand."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from rainbow_exchange.lab.exchange.calendar import Calendar, Details
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.recurrence import Recurrence

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def empty() -> tuple[Calendar, list[str]]:
    told: list[str] = []
    calendar = Calendar(owner=uuid.UUID(int=7), now=lambda: NOW, changed=lambda kind, _: told.append(kind))
    return calendar, told


def starts(calendar: Calendar, start: str, end: str) -> list[str]:
    return [f"{each.details.start:%m-%d %H:%M}" for each in calendar.view(utc(start), utc(end))]


def series(pattern: str, first_day: date, count: int | None = None, **values: str) -> Recurrence:
    return Recurrence(pattern=pattern, values=values, first_day=first_day, count=count)


def test_a_weekly_series_keeps_its_wall_clock_over_the_change_of_clocks() -> None:
    """Paris leaves daylight-saving time on 2026-10-25: 09:00 there is 07:00 UTC before and 08:00 UTC after."""
    calendar, _ = empty()
    calendar.create(
        Details(start=utc("2026-10-19T07:00"), end=utc("2026-10-19T08:00"), zone="Romance Standard Time"),
        recurrence=series("WeeklyRecurrence", date(2026, 10, 19), Interval="1", DaysOfWeek="Monday"),
    )
    assert starts(calendar, "2026-10-19T00:00", "2026-11-03T00:00") == ["10-19 07:00", "10-26 08:00", "11-02 08:00"]


def test_a_series_that_began_years_ago_still_goes_on() -> None:
    calendar, _ = empty()
    calendar.create(
        Details(start=utc("2011-01-03T08:00"), end=utc("2011-01-03T08:30"), zone="Romance Standard Time"),
        recurrence=series("DailyRecurrence", date(2011, 1, 3), Interval="1"),
    )
    assert starts(calendar, "2026-11-24T00:00", "2026-11-25T00:00") == ["11-24 08:00"]


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        (
            "AbsoluteMonthlyRecurrence",
            {"Interval": "1", "DayOfMonth": "31"},
            ["01-31 12:00", "02-28 12:00", "03-31 12:00"],
        ),
        (
            "RelativeMonthlyRecurrence",
            {"Interval": "1", "DaysOfWeek": "Tuesday", "DayOfWeekIndex": "Third"},
            ["01-20 12:00", "02-17 12:00", "03-17 12:00"],
        ),
        (
            "RelativeMonthlyRecurrence",
            {"Interval": "1", "DaysOfWeek": "Weekday", "DayOfWeekIndex": "Last"},
            ["01-30 12:00", "02-27 12:00", "03-31 12:00"],
        ),
        (
            "WeeklyRecurrence",
            {"Interval": "2", "DaysOfWeek": "Monday Friday", "FirstDayOfWeek": "Monday"},
            ["01-02 12:00", "01-12 12:00", "01-16 12:00"],
        ),
        ("DailyRecurrence", {"Interval": "30"}, ["01-01 12:00", "01-31 12:00", "03-02 12:00"]),
        ("AbsoluteYearlyRecurrence", {"DayOfMonth": "29", "Month": "February"}, ["02-28 12:00"]),
        (
            "RelativeYearlyRecurrence",
            {"DaysOfWeek": "Sunday", "DayOfWeekIndex": "Last", "Month": "March"},
            ["03-29 12:00"],
        ),
    ],
)  # fmt: skip
def test_patterns_expand_as_outlook_means_them(pattern: str, values: dict[str, str], expected: list[str]) -> None:
    """2026 began on a Thursday."""
    calendar, _ = empty()
    calendar.create(
        Details(start=utc("2026-01-01T12:00"), end=utc("2026-01-01T13:00")),
        recurrence=Recurrence(pattern=pattern, values=values, first_day=date(2026, 1, 1)),
    )
    assert starts(calendar, "2026-01-01T00:00", "2026-04-01T00:00")[:3] == expected


def test_exceptions_move_and_deletions_vanish() -> None:
    calendar, told = empty()
    item = calendar.create(
        Details(start=utc("2026-11-23T09:00"), end=utc("2026-11-23T10:00"), subject="Weekly"),
        recurrence=series("WeeklyRecurrence", date(2026, 11, 23), 4, Interval="1", DaysOfWeek="Monday"),
    )
    second, third = item.nth(2), item.nth(3)
    moved = item.occurrence(second)
    calendar.update_occurrence(
        item, second, Details(start=moved.start + timedelta(days=1), end=moved.end + timedelta(days=1), subject="Moved")
    )
    calendar.delete_occurrence(item, third)
    found = calendar.view(utc("2026-11-01T00:00"), utc("2027-01-01T00:00"))
    assert [(f"{each.details.start:%m-%d}", each.kind, each.details.subject) for each in found] == [
        ("11-23", "Occurrence", "Weekly"),
        ("12-01", "Exception", "Moved"),
        ("12-14", "Occurrence", "Weekly"),
    ]
    assert told == ["Created", "Modified", "Modified"]
    with pytest.raises(Refused, match="ErrorCalendarOccurrenceIsDeletedFromRecurrence"):
        item.occurrence(third)
    with pytest.raises(Refused, match="ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"):
        item.nth(5)


def test_an_all_day_appointment_covers_whole_days_of_its_own_zone() -> None:
    calendar, _ = empty()
    item = calendar.create(
        Details(start=utc("2026-07-01T09:00"), end=utc("2026-07-01T10:00"), all_day=True, zone="Romance Standard Time")
    )
    assert (item.details.start, item.details.end) == (utc("2026-06-30T22:00"), utc("2026-07-01T22:00"))
    two = calendar.create(
        Details(start=utc("2026-10-23T22:00"), end=utc("2026-10-25T23:00"), all_day=True, zone="Romance Standard Time")
    )
    assert (two.details.start, two.details.end) == (utc("2026-10-23T22:00"), utc("2026-10-25T23:00"))


def test_a_view_holds_what_overlaps_and_not_what_touches() -> None:
    calendar, _ = empty()
    for start, end in (("08:00", "09:00"), ("08:30", "09:30"), ("09:59", "11:00"), ("10:00", "11:00")):
        calendar.create(Details(start=utc(f"2026-11-24T{start}"), end=utc(f"2026-11-24T{end}")))
    window = utc("2026-11-24T09:00"), utc("2026-11-24T10:00")
    assert [f"{each.details.start:%H:%M}" for each in calendar.view(*window)] == ["08:30", "09:59"]
    assert len(calendar.view(*window, edges=True)) == 4


def test_an_end_before_its_start_is_refused() -> None:
    calendar, told = empty()
    with pytest.raises(Refused, match="ErrorCalendarEndDateIsEarlierThanStartDate"):
        calendar.create(Details(start=utc("2026-11-24T09:00"), end=utc("2026-11-24T08:00")))
    assert told == []


def test_a_series_without_an_instance_is_refused() -> None:
    calendar, told = empty()
    never = Recurrence(
        pattern="WeeklyRecurrence",
        values={"Interval": "1", "DaysOfWeek": "Monday"},
        first_day=date(2026, 11, 24),
        last_day=date(2026, 11, 25),
    )
    with pytest.raises(Refused, match="ErrorRecurrenceHasNoOccurrence"):
        calendar.create(Details(start=utc("2026-11-24T09:00"), end=utc("2026-11-24T10:00")), recurrence=never)
    item = calendar.create(Details(start=utc("2026-11-24T09:00"), end=utc("2026-11-24T10:00"), subject="Kept"))
    with pytest.raises(Refused, match="ErrorRecurrenceHasNoOccurrence"):
        calendar.update(item, Details(start=utc("2026-11-24T11:00"), end=utc("2026-11-24T12:00")), recurrence=never)
    assert (item.details.subject, item.recurrence, told) == ("Kept", None, ["Created"])


def test_a_new_time_of_a_series_drops_its_exceptions() -> None:
    calendar, _ = empty()
    item = calendar.create(
        Details(start=utc("2026-11-23T09:00"), end=utc("2026-11-23T10:00")),
        recurrence=series("WeeklyRecurrence", date(2026, 11, 23), 2, Interval="1", DaysOfWeek="Monday"),
    )
    calendar.delete_occurrence(item, item.nth(2))
    calendar.update(item, Details(start=utc("2026-11-23T11:00"), end=utc("2026-11-23T12:00")))
    assert starts(calendar, "2026-11-01T00:00", "2027-01-01T00:00") == ["11-23 11:00", "11-30 11:00"]
