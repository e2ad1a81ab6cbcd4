"""Where appointments lie on the line of a day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rainbow_exchange.lab.owner import Entry, ItemId
from rainbow_exchange.lab_page.day import blocks, line

NOW = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)


def entry(start: float, end: float) -> Entry:
    """Give an appointment, from so many hours after 07:00 UTC on."""
    seven = datetime(2026, 3, 2, 7, tzinfo=UTC)
    return Entry(
        item=ItemId(id=f"{start}", change_key=""),
        subject="",
        start=seven + timedelta(hours=start),
        end=seven + timedelta(hours=end),
        show_as="Busy",
        sensitivity="Normal",
        all_day=False,
        series=False,
    )


def test_the_line_begins_three_hours_before_now_and_has_nine() -> None:
    shown = line(NOW, ZoneInfo("Europe/Paris"), 0)
    assert shown.start.isoformat() == "2026-03-02T08:00:00+01:00"
    assert shown.end.isoformat() == "2026-03-02T17:00:00+01:00"
    assert line(NOW, UTC, 4).start.isoformat() == "2026-03-02T11:00:00+00:00"
    assert [at for at, _ in shown.hours()][:3] == [0.0, 11.111, 22.222]


def test_hours_are_as_long_as_each_other_where_clocks_are_changed() -> None:
    night = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)  # in Paris 01:59 is followed by 03:00 at 01:00 UTC
    shown = line(night, ZoneInfo("Europe/Paris"), 0)
    assert shown.start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert shown.end == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert shown.at(datetime(2026, 3, 29, 3, 30, tzinfo=UTC)) == 50.0


def test_what_lies_outside_is_cut_off() -> None:
    found = blocks(line(NOW, UTC, 0), [entry(-2, 1.8), entry(8.1, 30), entry(-5, -4), entry(9, 10)])
    assert [(block.left, block.width) for block in found] == [(0.0, 20.0), (90.0, 10.0)]


def test_what_overlaps_lies_below_each_other() -> None:
    found = blocks(line(NOW, UTC, 0), [entry(0, 2), entry(1, 3), entry(2, 4), entry(5, 6)])
    assert [(block.lane, block.lanes) for block in found] == [(0, 2), (1, 2), (0, 2), (0, 1)]


def test_the_shortest_can_still_be_hit() -> None:
    (block,) = blocks(line(NOW, UTC, 0), [entry(1, 1.01)])
    assert block.width == 1.2
