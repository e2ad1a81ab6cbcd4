import dataclasses
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Remembered, Store

ADA = Remembered(
    user_id="1",
    identifier_kind="login",
    identifier="ada@acme.test",
    address="ada@acme.test",
    principal=None,
    read_mode="own",
)
BOB = Remembered(
    user_id="2",
    identifier_kind="external-uid",
    identifier="S-1",
    address="bob@acme.test",
    principal="S-1-5-21-1",
    read_mode="batched",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made here" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store.open(path)
    yield opened
    opened.close()


def test_what_is_remembered_is_there_after_a_restart(store: Store, path: Path) -> None:
    store.remember([ADA, BOB])
    store.set_value("resource", "ab12")
    store.close()

    again = Store.open(path)

    assert again.remembered() == {"1": ADA, "2": BOB}
    assert again.value("resource") == "ab12"
    assert again.moved_aside is None
    again.close()


def test_the_last_word_counts(store: Store) -> None:
    store.remember([ADA])
    changed = Remembered(
        user_id="1",
        identifier_kind="work",
        identifier="a@acme.test",
        address="a@acme.test",
        principal=None,
        read_mode="batched",
    )
    store.remember([changed])
    store.set_value("key", "one")
    store.set_value("key", "two")

    assert store.remembered() == {"1": changed}
    assert store.value("key") == "two"


def test_forgetting(store: Store) -> None:
    store.remember([ADA, BOB])
    store.set_value("key", "one")

    store.forget(["1", "unknown"])
    store.set_value("key", None)

    assert store.remembered() == {"2": BOB}
    assert store.value("key") is None


def test_a_batch_is_kept_whole_or_not_at_all(store: Store) -> None:
    broken = dataclasses.replace(ADA, user_id="3", address=None)  # type: ignore[arg-type]  # what the file refuses

    with pytest.raises(StateError):
        store.remember([ADA, broken])

    assert store.remembered() == {}


def test_a_second_process_is_told_that_the_file_is_in_use(store: Store, path: Path) -> None:
    with pytest.raises(StateError) as caught:
        Store.open(path)

    assert caught.value.kind == "locked"
    assert str(path) in str(caught.value)
    store.remember([ADA])
    assert store.remembered() == {"1": ADA}


def test_closing_lets_the_next_one_in(store: Store, path: Path) -> None:
    store.close()
    store.close()

    Store.open(path).close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(store: Store, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StateError) as caught:
        Store.open(path)

    assert caught.value.kind == "newer"
    assert "schema 99" in str(caught.value)
    assert [file.name for file in path.parent.iterdir()] == ["state.db"]


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (value)")
    connection.close()

    with pytest.raises(StateError) as caught:
        Store.open(path)

    assert caught.value.kind == "foreign"


def damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


def damage_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


def drop_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE remembered")
    connection.close()


def damage_text(path: Path) -> None:
    """Spoil the name of a table, which SQLite repeats when it says what is wrong."""
    content = path.read_bytes()
    assert b"tablerememberedremembered\2CREATE TABLE" in content
    path.write_bytes(
        content.replace(b"tablerememberedremembered\2CREATE TABLE", b"table\xffememberedremembered\2CREATE _ABLE")
    )


@pytest.mark.parametrize("damage", [damage_header, damage_pages, damage_text, drop_table])
def test_a_corrupt_file_is_moved_aside_loudly_and_begun_anew(store: Store, path: Path, damage: object) -> None:
    store.remember([ADA])
    store.close()
    assert callable(damage)
    damage(path)

    with capture_logs() as lines:
        again = Store.open(path)

    assert again.remembered() == {}
    assert again.moved_aside is not None
    assert again.moved_aside.name.startswith("state.db.corrupt-")
    assert again.moved_aside.is_file()
    assert [(line["event"], line["log_level"]) for line in lines] == [("state_file_corrupt", "error")]
    again.close()


def test_several_corrupt_files_are_all_kept(path: Path) -> None:
    path.parent.mkdir()
    for _ in range(3):
        damage_header(path)
        Store.open(path).close()

    assert len(list(path.parent.glob("state.db.corrupt-*"))) == 3


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError) as caught:
        Store.open(tmp_path / "file" / "state.db")

    assert caught.value.kind == "unusable"
    assert "state.path" in str(caught.value)


def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        Store.open(tmp_path)

    assert caught.value.kind == "unusable"


@pytest.mark.skipif(sys.platform == "win32", reason="a file's mode says nothing there")
def test_file_and_folder_are_for_our_account_alone(store: Store, path: Path) -> None:
    store.remember([ADA])

    for file in (path.parent, *path.parent.iterdir()):
        assert file.stat().st_mode & 0o077 == 0


def test_text_of_any_language_is_kept(store: Store) -> None:
    store.set_value("clé", "日本 😀 'quoted' \" \0 end")

    assert store.value("clé") == "日本 😀 'quoted' \" \0 end"
