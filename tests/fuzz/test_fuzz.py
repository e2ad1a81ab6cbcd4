"""Whatever a stranger sends, only errors with a name come of it, in time and in memory. `make fuzz` goes further."""

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_exchange.ews.event_stream import EventStream
from rainbow_exchange.ews.operations import find_item, get_mail_tips
from rainbow_exchange.rainbow import management, users
from tests.fuzz import engine, machine_targets
from tests.fuzz.engine import Engine, Finding, caught, minimised
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

#: what is spoilt is put anywhere, secrets too
pytestmark = pytest.mark.tells

ROOT = Path(__file__).parents[2]
INPUTS = 50_000 if os.environ.get("CI") == "true" else 3_000
BY_NAME = {target.name: target for target in TARGETS}


def fuzz(folder: Path, *options: str, inputs: int) -> tuple[int, str]:
    """Run the command; give its exit code and what it says."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-m", "tests.fuzz", "--jobs", "2", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAINBOW_EXCHANGE_FUZZ": str(inputs)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.timeout(900)
def test_thousands_of_inputs_find_nothing_and_a_third_gets_past_the_first_parse() -> None:
    one = Engine(0, TARGETS)
    for number in range(INPUTS):
        one.run(number)
    assert list(one.findings.values()) == []
    parsed = [one.tallies[target.name] for target in TARGETS if target.parses]
    inputs, past = sum(tally.inputs for tally in parsed), sum(tally.past for tally in parsed)
    assert INPUTS * 0.9 < inputs < INPUTS
    assert past >= engine.ENOUGH_PAST * inputs
    assert all(tally.inputs for tally in one.tallies.values())


def test_what_hangs_dies_or_raises_anything_is_found_and_kept(tmp_path: Path) -> None:
    code, said = fuzz(tmp_path, "--seed", "7", "--targets", "tests.fuzz.planted", "--hangs-after", "3", inputs=110)
    assert code == 1
    assert set(re.findall(r"^FOUND (\w+) in (\w+)", said, re.MULTILINE)) == {
        ("KeyError", "unnamed"),
        ("hang", "hanging"),
        ("died", "deadly"),
    }
    assert re.search(r"^110 inputs, .*; 3 findings$", said, re.MULTILINE)
    again = re.findall(r"again: .* --number (\d+)$", said.partition("in unnamed")[2], re.MULTILINE)[0]
    kept = tmp_path / "build" / "fuzz" / f"unnamed-KeyError-7-{again}"
    assert kept.read_bytes()
    code, said = fuzz(tmp_path, "--seed", "7", "--targets", "tests.fuzz.planted", "--number", again, inputs=1)
    assert (code, "FOUND KeyError in unnamed" in said) == (1, True)


def test_a_number_makes_the_same_input_again() -> None:
    once, again, other = Engine(5, TARGETS), Engine(5, TARGETS), Engine(6, TARGETS)
    first = [once.input(number)[1] for number in range(100)]
    assert [again.input(number)[1] for number in range(100)] == first
    assert [other.input(number)[1] for number in range(100)] != first


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_valid_inputs_are_taken(target: Target) -> None:
    for data in machine_targets.sound_state() if target.name == "state_file" else target.corpus:
        passed: list[None] = []
        error = caught(target, data, lambda: passed.append(None), Random(1))  # noqa: B023  (called at once)
        assert error is None or isinstance(error, target.errors)
        assert passed or not target.parses


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@given(st.randoms(use_true_random=False))
@settings(max_examples=5, database=None)
def test_only_errors_with_a_name_come_out(target: Target, random: Random) -> None:
    error = caught(target, target.input(random), lambda: None, random)
    assert error is None or isinstance(error, target.errors)


def found(target: str, most: int = 400) -> Finding:
    """Give the first finding for one target."""
    one = Engine(1, [BY_NAME[target]])
    finding = next((finding for number in range(most) if (finding := one.run(number)) is not None), None)
    assert finding is not None
    return finding


def test_an_error_without_a_name_is_found_and_its_input_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Any = find_item._item

    def mistaken(element: Any) -> Any:
        assert element.find("{*}End").tag  # which an answer may lack
        return read(element)

    monkeypatch.setattr(find_item, "_item", mistaken)
    finding = found("find_item", 5000)
    assert finding.kind == "AttributeError"
    assert "answers.py" in finding.detail
    assert len(minimised(finding, BY_NAME["find_item"], seconds=2)) < len(finding.data)


def test_time_that_grows_with_the_square_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    parse: Any = get_mail_tips.parse

    def squared(body: Any) -> Any:
        elements = list(body.iter("*"))
        for one in elements:
            sum(one is other for other in elements)
        return parse(body)

    target = BY_NAME["get_mail_tips"]
    valid = next(data for data in target.corpus if b"MailTipsResponseMessageType" in data)
    place = valid.rfind(b"</", 0, valid.rfind(b"Body>") - len("</s:"))
    data = valid[:place] + b"<x/>" * 4_000 + valid[place:]
    assert Engine(0, TARGETS).give(target, data, Random(1)) is None
    monkeypatch.setattr(get_mail_tips, "parse", squared)
    monkeypatch.setattr(engine, "MOST_SECONDS", 0.1)
    finding = Engine(0, TARGETS).give(target, data, Random(1))
    assert finding is not None
    assert finding.kind == "slow"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell how much memory a process has had at most")
def test_memory_that_is_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    feed: Any = EventStream.feed
    kept: list[bytes] = []

    def keeping(stream: EventStream, piece: bytes) -> Any:
        kept.append(b"x" * 2_000_000)
        return feed(stream, piece)

    monkeypatch.setattr(engine, "MOST_MEMORY", 1 << 20)
    monkeypatch.setattr(EventStream, "feed", keeping)
    assert found("event_stream").kind == "memory"


def test_recursion_and_a_list_that_never_ends_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def parts(parent: Any, depth: int) -> Any:
        for part in parent:
            yield part
            yield from parts(part, depth)

    monkeypatch.setattr(management, "_parts", parts)
    monkeypatch.setattr(users, "_PAGES", 10**9)
    monkeypatch.setattr(users.Reading, "_go_on", lambda *_: None)
    assert found("users").kind == "AssertionError"
