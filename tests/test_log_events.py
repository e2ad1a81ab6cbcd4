"""The log's vocabulary: code and page have the same events, levels and values, and names that are alike."""

import ast
import re
from pathlib import Path

import pytest

from docs.made.log_gathered import PACKAGE, Event, gathered
from docs.made.log_meanings import MEANINGS, VALUES

EVENTS = gathered()
SAID = {name: text for area in MEANINGS.values() for name, text in area.items()}
PAGE = (PACKAGE.parent / "docs" / "reference" / "log-events.md").read_text(encoding="utf-8")
#: how an outage begins and ends, each pair written down from what the words mean
PAIRS = {
    "exchange_unavailable": "exchange_available",
    "rainbow_unavailable": "rainbow_available",
    "streams_interrupted": "streams_restored",
    "token_not_renewed": "token_renewed_again",
    "state_not_written": "state_written_again",
    "history_not_written": "history_written_again",
    "lab_change_failed": "lab_changes_went_on",
}


def made(folder: Path, text: str) -> dict[str, Event]:
    (folder / "module.py").write_text(text, encoding="utf-8")
    return gathered(folder)


def rows() -> dict[str, list[str]]:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z0-9_]+` \| (debug|info|warning|error)", line)]
    return {line.split("`")[1]: [cell.strip() for cell in line.split("|")[1:-1]] for line in lines}


def test_code_and_page_have_the_same_events_levels_and_values() -> None:
    assert rows().keys() == EVENTS.keys() == SAID.keys()
    for name, (_, levels, values, meaning) in rows().items():
        assert set(levels.split(", ")) == EVENTS[name].levels, name
        assert set(re.findall(r"`(\w+)`", values)) == EVENTS[name].values, name
        assert meaning == SAID[name], name


def test_every_value_is_of_the_vocabulary_and_no_other_is() -> None:
    assert {value for event in EVENTS.values() for value in event.values} == VALUES.keys()
    assert all(re.fullmatch(r"[a-z][a-z_]*", value) for value in VALUES)


def test_names_of_events_are_alike() -> None:
    assert [name for name in EVENTS if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


def test_every_warning_says_what_to_do() -> None:
    loud = {name for name, event in EVENTS.items() if event.levels & {"warning", "error"}} - {"problem"}

    assert [name for name in sorted(loud) if "Do: " not in SAID[name]] == []
    assert {"web_port_taken", "clock_leapt", "exchange_unavailable"} <= loud


def test_outages_are_pairs_and_say_how_long_they_lasted() -> None:
    ends = {name for name, event in EVENTS.items() if "lasted_seconds" in event.values} - {"problem_over"}

    assert ends == set(PAIRS.values())
    for begins, over in PAIRS.items():
        assert EVENTS[begins].levels == {"warning", "debug"}
        assert EVENTS[over].levels == {"info"}
        assert "reason" in EVENTS[begins].values


def test_the_labs_events_stand_apart() -> None:
    of_lab = {
        name for name, event in EVENTS.items() if all(each.startswith(("lab/", "lab_page/")) for each in event.modules)
    }

    assert of_lab == MEANINGS["The lab"].keys()


def test_some_lines_that_are_known_are_found() -> None:
    """So that the tests above cannot come to see nothing: each kind of line once."""
    assert EVENTS["page_served"].values == {"host", "port"}
    assert EVENTS["problem"].levels == {"debug", "info", "warning", "error"}
    assert EVENTS["mailbox_lost"].values == {"user", "mailbox", "code"}
    assert EVENTS["history_not_written"].values == {"reason"}
    assert EVENTS["notify_failed"].values == {"reason", "waiting", "correlation_id", "request_id"}
    assert EVENTS["live_view_failed"].levels == {"error"}
    assert EVENTS["request_not_understood"].modules == {"logs/__init__.py"}


def test_no_line_is_overlooked() -> None:
    """Counted anew, by the text alone: whatever calls a logger by a level names its event there."""
    called = r"\b_?log\.(?:debug|info|warning|error|exception)\(\s*\"([a-z0-9_]+)\""
    found = {name for path in PACKAGE.rglob("*.py") for name in re.findall(called, path.read_text(encoding="utf-8"))}

    assert len(found) > 100
    assert found <= EVENTS.keys()


def test_an_event_that_is_not_plain_to_see_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"module\.py:2: the event is not plain to see"):
        made(tmp_path, "def work(log, name):\n    log.info(name)\n")


def test_levels_in_variables_and_values_that_are_spread_are_found(tmp_path: Path) -> None:
    text = """
def work(log, error, again):
    say = log.debug if again else log.warning
    more = {"host": 1} if again else {}
    say("door_closed", reason=str(error), **more, **ids(error))

class Door:
    def __init__(self):
        self._lock = Outage("lock_stuck", "lock_opened")
        self._lost, self._found = Sparing("key_lost"), Sparing("key_found")

    def turn(self):
        self._lock.failed(reason="rust")
        self._found.log(place="mat")
"""
    ast.parse(text)
    events = made(tmp_path, text)

    assert events["door_closed"].levels == {"debug", "warning"}
    assert events["door_closed"].values == {"reason", "host", "correlation_id", "request_id"}
    assert (events["lock_stuck"].values, events["lock_opened"].values) == ({"reason"}, {"lasted_seconds"})
    assert (events["key_lost"].values, events["key_found"].values) == (set(), {"place"})
    assert events["key_found"].levels == {"info", "debug"}
