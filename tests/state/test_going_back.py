import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rainbow_exchange.state import going_back, migration
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store


def written(path: Path, what: str) -> Path:
    opened = Store.open(path)
    opened.set_value("who", what)
    opened.close()
    return path


def of_schema(path: Path, number: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")


def test_what_this_version_can_read_stays(tmp_path: Path) -> None:
    file = written(tmp_path / "state.db", "this version")
    assert going_back.fit(file) is None
    assert Store.open(file).value("who") == "this version"
    assert going_back.fit(tmp_path / "absent.db") is None


def test_the_copy_takes_the_place_of_a_newer_file_which_is_kept(tmp_path: Path) -> None:
    now = migration.SCHEMA_VERSION
    file = written(tmp_path / "state.db", "newer")
    of_schema(file, now + 2)
    written(tmp_path / f"state.db.schema-{now}", "before")
    with pytest.raises(StateError, match="newer version"):
        Store.open(file)
    said = going_back.fit(file)
    assert said == (
        f"{file} was of schema {now + 2}: moved to state.db.schema-{now + 2},"
        f" and state.db.schema-{now} put in its place"
    )
    assert Store.open(file).value("who") == "before"
    assert (tmp_path / f"state.db.schema-{now + 2}").is_file()


def test_without_a_copy_it_begins_anew_and_says_so(tmp_path: Path) -> None:
    file = written(tmp_path / "state.db", "newer")
    of_schema(file, migration.SCHEMA_VERSION + 1)
    assert str(going_back.fit(file)).endswith("each mailbox is looked for anew")
    assert Store.open(file).value("who") is None


def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    running = Store.open(file)
    running.set_value("who", "a running service")
    with pytest.raises(StateError, match="stop the service first"):
        going_back.fit(file)
    running.close()


def test_what_is_no_database_is_left_to_the_start(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"spoilt" * 500)
    assert going_back.fit(file) is None
