"""Each symptom of the page is brought about by a test of its name, and each of those tests stands on the page."""

import ast
from pathlib import Path

from tests.troubleshooting.symptoms import symptoms

ELSEWHERE = {"test_page.py"}


def test_each_symptom_has_its_test_and_quotes_what_a_command_prints() -> None:
    found = symptoms()
    names = [each.test for each in found]

    assert len(names) == len(set(names))
    assert set(names) == brought_about()
    assert [each.title for each in found if not each.quoted or not all(lines for _, lines in each.quoted)] == []


def test_each_symptom_names_a_next_step() -> None:
    assert [each.title for each in symptoms() if "**Do:**" not in each.text] == []


def brought_about() -> set[str]:
    """Give the tests that lie here."""
    files = [each for each in Path(__file__).parent.glob("test_*.py") if each.name not in ELSEWHERE]
    trees = [ast.parse(each.read_text(encoding="utf-8")) for each in files]
    return {
        each.name
        for tree in trees
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
    }
