"""Where the lines of a plot go."""

from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.page.plot import plot

NOW = datetime(2026, 3, 2, 10, 30, 40, tzinfo=UTC)


def ago(minutes: int) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=minutes)


def test_nothing_is_no_plot() -> None:
    assert plot(NOW, {"p50": []}) is None


def test_the_minute_that_runs_is_at_the_right_and_the_first_at_the_left() -> None:
    drawn = plot(NOW, {"p50": [(ago(59), 0.0), (ago(0), 2.0)]})
    assert drawn is not None
    [line] = drawn.lines
    assert line.dots == ((38.0, 122.0), (332.0, 10.0))
    assert line.pieces == ()  # an hour apart: nobody knows what was between


def test_minutes_that_follow_each_other_are_one_line_and_a_gap_ends_it() -> None:
    points = [(ago(minutes), 1.0) for minutes in (30, 29, 25, 10, 9)]
    drawn = plot(NOW, {"p99": points})
    assert drawn is not None
    [line] = drawn.lines
    assert [len(piece.split()) for piece in line.pieces] == [3, 2]
    assert line.pieces[1].split()[0] == "282.2,10.0"


def test_many_points_are_no_dots() -> None:
    drawn = plot(NOW, {"p50": [(ago(minutes), 1.0) for minutes in reversed(range(40))]})
    assert drawn is not None
    assert drawn.lines[0].dots == ()
    assert len(drawn.lines[0].pieces[0].split()) == 40


@pytest.mark.parametrize(
    ("highest", "top"), [(0.013, 0.02), (0.2, 0.2), (0.21, 0.5), (0.9, 1.0), (1.2, 2.0), (7.0, 10.0), (4000.0, 5000.0)]
)
def test_the_scale_ends_at_a_value_whose_half_is_known_too(highest: float, top: float) -> None:
    drawn = plot(NOW, {"p50": [(ago(5), highest)]})
    assert drawn is not None
    assert [value for _, value in drawn.marks] == [0.0, pytest.approx(top / 2), pytest.approx(top)]
    assert [height for height, _ in drawn.marks] == [122.0, 66.0, 10.0]
    assert 10.0 <= drawn.lines[0].dots[0][1] <= 122.0
