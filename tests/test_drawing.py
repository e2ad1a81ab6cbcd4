"""What is drawn of lines: where their points lie, which axis is logarithmic, what is written beside them."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.drawing import MISSING, Panel, svg

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

_SVG = "{http://www.w3.org/2000/svg}"
#: the first line's colour, which nothing else has
_FIRST = "#0072b2"


def drawn(panel: Panel) -> ET.Element:
    return ET.fromstring(svg([panel]))  # noqa: S314 (we have made it)


def line(picture: ET.Element) -> list[tuple[float, float]]:
    """Give where the points of the first line lie; the legend's sample of it comes later."""
    [path, *_] = [
        each
        for each in picture.iter(f"{_SVG}path")
        if each.get("clip-path") and f"stroke: {_FIRST}" in each.get("style", "")
    ]
    found = re.findall(r"[ML] (\S+) (\S+)", path.get("d", ""))
    return [(float(x), float(y)) for x, y in found]


def texts(picture: ET.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{_SVG}text")]


def test_a_straight_line_is_straight_and_its_axis_begins_at_0() -> None:
    picture = drawn(Panel(title="t", x_name="x", y_name="y", lines={"a": [(1, 4), (2, 7), (3, 10)]}))

    [left, middle, right] = line(picture)
    assert middle == pytest.approx(((left[0] + right[0]) / 2, (left[1] + right[1]) / 2))
    assert left[0] < right[0]
    assert left[1] > right[1]
    assert set(texts(picture)) >= {"t", "x", "y", "a", "0", "4", "6", "8", "10"}


def test_where_it_matters_how_values_bend_the_axis_begins_at_them() -> None:
    picture = drawn(Panel(title="t", x_name="x", y_name="y", lines={"a": [(1, 1000), (2, 1010)]}, from_zero=False))

    assert "1,002" in texts(picture)
    assert "0" not in texts(picture)


def test_what_spans_hundreds_lies_on_a_logarithmic_axis() -> None:
    picture = drawn(Panel(title="t", x_name="x", y_name="y", lines={"a": [(1000, 1), (10_000, 1), (100_000, 1)]}))

    [left, middle, right] = [x for x, _ in line(picture)]
    assert middle == pytest.approx((left + right) / 2)
    assert set(texts(picture)) >= {"1,000", "10,000", "100,000"}


def test_a_span_of_fifty_is_not_yet_logarithmic() -> None:
    picture = drawn(Panel(title="t", x_name="x", y_name="y", lines={"a": [(1, 1), (25.5, 1), (50, 1)]}))

    [left, middle, right] = [x for x, _ in line(picture)]
    assert middle == pytest.approx((left + right) / 2)


def test_names_cannot_spoil_the_picture_and_nothing_measured_is_said() -> None:
    picture = drawn(Panel(title="a < b & c: $5, $6", x_name="x", y_name="y", lines={}))

    assert texts(picture) == ["nothing was measured", "a < b & c: $5, $6"]
    assert picture[0].text == "a < b & c: $5, $6"


def test_a_flat_line_is_drawn_too() -> None:
    flat = Panel(title="t", x_name="x", y_name="y", lines={"a": [(5, 7), (5, 7)]}, from_zero=False)

    assert len(line(drawn(flat))) == 2


def test_the_same_lines_are_the_same_text_and_can_stand_in_a_page() -> None:
    panel = Panel(title="t", x_name="x", y_name="y", lines={"a": [(1, 4), (2, 7)]}, shaded=[(1, 1.5)])

    text = svg([panel, panel])
    assert text == svg([panel, panel])
    assert text.startswith("<svg ")
    assert "matplotlib.org" not in text
