"""The page of guarantees names a test for each promise, and each of these exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
TEST = re.compile(r"    - `(tests/[\w/]+\.py)::(\w+)`")


def promises() -> dict[str, list[tuple[str, str]]]:
    """Give each promise's first words with the tests that hold it, as file and name; no line is passed over."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = PAGE.read_text(encoding="utf-8").partition("\n## What is promised\n")[2].partition("\n## ")[0]
    promise = ""
    for line in filter(None, section.splitlines()):
        if begins := re.match(r"- (.+)", line):
            promise = begins[1]
            found[promise] = []
        elif named := TEST.fullmatch(line):
            found[promise].append((named[1], named[2]))
        else:
            assert line.startswith("### "), f"neither a promise nor a test nor a heading: {line}"
    return found


def collected_from(path: Path) -> set[str]:
    """Give the tests that pytest would collect from a file: functions at its top, and in its classes."""
    if not path.name.startswith("test_") or not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bodies = [tree.body, *(each.body for each in tree.body if isinstance(each, ast.ClassDef))]
    functions = (each for body in bodies for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return {each.name for each in functions if each.name.startswith("test_")}


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise.strip("*")[:60])
def test_a_promise_is_held_by_tests_that_exist(promise: str) -> None:
    named = promises()[promise]

    assert named
    assert [f"{file}::{name}" for file, name in named if name not in collected_from(ROOT / file)] == []


def test_a_promise_is_a_sentence_that_begins_in_bold_and_names_no_test_twice() -> None:
    for promise, named in promises().items():
        assert re.match(r"\*\*[^*]+\*\*", promise), promise
        assert promise.rstrip("*)").endswith("."), promise
        assert len(named) == len(set(named)), promise


def test_what_is_not_promised_is_said() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("\n## What is not promised\n")[2]
    said = [line for line in text.splitlines() if line]

    assert len(said) >= 5
    assert all(line.startswith("- **") for line in said)


def test_a_test_that_does_not_exist_would_be_seen(tmp_path: Path) -> None:
    file = tmp_path / "test_some.py"
    file.write_text("class TestIt:\n    async def test_this(self): ...\ndef other(): ...\n", encoding="utf-8")

    assert collected_from(file) == {"test_this"}
    assert collected_from(tmp_path / "test_none.py") == set()
    assert collected_from(ROOT / "tests" / "house.py") == set()
