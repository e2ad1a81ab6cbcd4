"""The parts of pages that the code writes are as the code would write them now (`make reference`)."""

import pytest

from docs.made import MODULES, Made, fill, made_anew


@pytest.mark.parametrize("module", MODULES, ids=[module.PAGE for module in MODULES])
def test_what_is_written_is_what_would_be_written(module: Made) -> None:
    page, text = made_anew(module)

    if page.read_text(encoding="utf-8") != text:
        pytest.fail(f"docs/{module.PAGE} is not as the code is: make reference", pytrace=False)


def test_what_is_written_by_hand_stays() -> None:
    page = (
        "# By hand\n<!-- made from the code by `make reference`: a b -->\n\nold\n\n<!-- made: end -->\n\nby hand\n"
        "<!-- made from the code by `make reference`: c -->\n<!-- made: end -->\n"
    )

    assert fill(page, {"a b": "new", "c": "| 1 |\n"}) == (
        "# By hand\n<!-- made from the code by `make reference`: a b -->\n\nnew\n\n<!-- made: end -->\n\nby hand\n"
        "<!-- made from the code by `make reference`: c -->\n\n| 1 |\n\n<!-- made: end -->\n"
    )


def test_a_part_without_a_place_and_a_place_without_a_part_are_named() -> None:
    page = "<!-- made from the code by `make reference`: there -->\n<!-- made: end -->\n"

    with pytest.raises(ValueError, match="no place for these parts: new; and places that nothing fills: there"):
        fill(page, {"new": "text"})
