"""The neutral words: what a window covers, and what has no place to stand."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.model import Appointment, Window

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [(0, 60, True), (0, 0, True), (60, 60, True), (10, 50, True), (-1, 60, False), (0, 61, False), (61, 70, False)],
)
def test_a_window_covers_what_lies_in_it(start: int, end: int, covered: bool) -> None:
    hour = Window(start=EIGHT, end=EIGHT + timedelta(minutes=60))
    other = Window(start=EIGHT + timedelta(minutes=start), end=EIGHT + timedelta(minutes=end))
    assert hour.covers(other) is covered


def test_an_appointment_has_no_field_for_what_must_not_leave_the_building() -> None:
    assert {field.name for field in fields(Appointment)} == {
        "id", "start", "end", "show_as", "subject", "kind", "sensitivity", "timezone",
    }  # fmt: skip
