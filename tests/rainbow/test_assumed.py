"""What is assumed about Rainbow stands on the page of assumptions, with its value, and nothing else does."""

import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

from rainbow_exchange.lab.exchange.dials import Dials as ExchangeDials
from rainbow_exchange.lab.rainbow.dials import Dials as RainbowDials
from rainbow_exchange.rainbow import assumed, assumed_s2s

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "assumptions.md"


def said(heading: str) -> dict[str, list[str]]:
    """Give what the rows below a heading name in their first cell, with the codes of the second."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    rows = re.findall(r"^\| `([A-Z_0-9]+)` \|([^|]*)\|", re.split(r"\n##", below)[0], flags=re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", value) for name, value in rows}


def held(module: ModuleType) -> dict[str, list[str]]:
    """Give the public constants of a module that it has made itself, and their values as the page writes them."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    return {name: written(vars(module)[name]) for name in re.findall(r"^([A-Z][A-Z_0-9]+) = ", source, re.MULTILINE)}


def written(value: object) -> list[str]:
    if isinstance(value, dict):
        return []  # the settings' page has it
    return sorted(value) if isinstance(value, frozenset | tuple) else [str(value)]


def test_every_assumption_about_rainbow_stands_on_the_page_with_its_value_and_no_other_does() -> None:
    assert said("In one place") == held(assumed)
    assert said("Over S2S") == held(assumed_s2s)


def test_the_dials_for_the_contrary_exist_and_none_that_the_lab_calls_ours_is_left_out() -> None:
    _, _, below = PAGE.read_text(encoding="utf-8").partition("\n### What the lab plays\n")
    cells = [row.split("|")[-2] for row in re.split(r"\n##", below)[0].splitlines() if row.startswith("| ")]
    named = {dial for cell in cells for dial in re.findall(r"`([a-z_]+)`", cell)}
    lab = (PAGE.parents[1] / "reference" / "lab.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in lab.splitlines() if line.startswith("| `")]
    ours = {dial for cells in rows if "*ours*" in cells[-2] for dial in re.findall(r"`([a-z_]+)`", cells[1])}

    assert named <= {each.name for each in fields(RainbowDials)} | {each.name for each in fields(ExchangeDials)}
    assert len(ours) >= 4
    assert ours <= named


def test_the_assumptions_can_be_read_at_all() -> None:
    """Some that are known, so that the test above cannot come to see nothing."""
    assert held(assumed)["NOTIFY_MAX_IDS"] == ["100"]
    assert held(assumed_s2s)["COMPANY_USER"] == ["company-user"]
