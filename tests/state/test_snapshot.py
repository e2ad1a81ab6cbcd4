"""A look at the state changes nothing, and is possible while the daemon has it."""

from pathlib import Path

import pytest

from rainbow_exchange.state import kept
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.snapshot import snapshot
from rainbow_exchange.state.store import Store


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_an_open_state_holds_is_seen_and_nothing_is_written_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    store.set_value("one", "written while it is open")
    before = contents(tmp_path)

    with snapshot(tmp_path) as seen:
        assert seen.value("one") == "written while it is open"
        seen.set_value("one", "another")
        seen.set_value("two", "more")

    assert contents(tmp_path) == before
    assert (store.value("one"), store.value("two")) == ("written while it is open", None)
    store.close()


def test_without_a_state_it_is_empty_and_none_is_made(tmp_path: Path) -> None:
    with snapshot(tmp_path / "none") as seen:
        assert seen.remembered() == {}

    assert not (tmp_path / "none").exists()


def test_what_cannot_be_found_out_again_comes_from_its_copy(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    store.set_value("made_settings", '{"rainbow.login": 1}')
    kept.copying(store)()
    store.close()
    (tmp_path / "state.db").unlink()

    with snapshot(tmp_path) as seen:
        assert seen.value("made_settings") == '{"rainbow.login": 1}'


def test_a_file_that_is_none_is_named_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()

    with pytest.raises(StateError) as raised, snapshot(tmp_path):
        pass

    assert raised.value.kind == "unusable"
    assert str(raised.value).startswith(f"{tmp_path / 'state.db'} cannot be read (")


def test_a_newer_one_is_refused_by_its_own_name(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state.db")
    store._connection.execute("PRAGMA user_version = 99")
    store.close()

    with pytest.raises(StateError) as raised, snapshot(tmp_path):
        pass

    assert raised.value.kind == "newer"
    assert str(raised.value).startswith(f"{tmp_path / 'state.db'} was written by a newer version")
