import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.state import connector, kept, made
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.state.store import Store

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
OURS = OurConnector(url="https://openrainbow.com", company_id="5fc1", asked_at=NOW, id="5f1", login="l@acme.test")


def lose(store: Store, folder: Path) -> Store:
    """Close the state, delete it, and begin anew."""
    store.close()
    for file in folder.glob("state.db*"):
        file.unlink()
    return Store.open(folder / "state.db")


def test_what_was_made_outlives_the_state(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    made.keep(store, {"rainbow.login": "l@acme.test"}, by="login", at=NOW)
    connector.keep(store, OURS)
    kept.copying(store)()

    store = lose(store, tmp_path)
    assert connector.read(store) is None
    kept.restore(store)

    assert connector.read(store) == OURS
    assert made.read(store)["rainbow.login"].origin == "login of 2026-11-26"
    assert (tmp_path / "made.json").stat().st_mode & 0o077 == 0
    store.close()


def test_what_was_taken_back_does_not_come_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    made.keep(store, {"rainbow.login": "l@acme.test"}, by="login", at=NOW)
    connector.keep(store, OURS)
    kept.copying(store)()
    made.keep(store, {"rainbow.login": None}, by="login", at=NOW)
    connector.keep(store, None)
    kept.copying(store)()

    assert not (tmp_path / "made.json").exists()
    store = lose(store, tmp_path)
    kept.restore(store)
    assert (connector.read(store), made.read(store)) == (None, {})
    store.close()


def test_a_state_that_knows_better_is_left_as_it_is(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    connector.keep(store, OURS)
    (tmp_path / "made.json").write_text(json.dumps({"made_settings": "{}", "connector": "{}"}))

    kept.restore(store)

    assert connector.read(store) == OURS
    store.close()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"connector": 1, "other": "x"}', '{"connector": "\\ud800"}'])
def test_a_copy_of_no_use_changes_nothing(tmp_path: Path, content: str) -> None:
    store = Store.open(tmp_path / "state.db")
    (tmp_path / "made.json").write_text(content)

    kept.restore(store)

    assert [store.value(name) for name in kept.KEYS] == [None, None, None]
    store.close()


@pytest.mark.parametrize("content", ["", "{", pytest.param("[" * 100_000, id="deep")])
def test_a_damaged_copy_is_said(tmp_path: Path, content: str) -> None:
    store = Store.open(tmp_path / "state.db")
    with capture_logs() as lines:
        kept.restore(store)
        (tmp_path / "made.json").write_text(content)
        kept.restore(store)

    assert [line["event"] for line in lines] == ["made_copy_unreadable"]
    store.close()


def test_a_copy_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    (tmp_path / "made.json").mkdir()

    connector.keep(store, OURS)
    with capture_logs() as lines:
        kept.copying(store)()
    assert [line["event"] for line in lines] == ["made_copy_not_written"]
    assert connector.read(store) == OURS
    kept.restore(store)
    store.close()
