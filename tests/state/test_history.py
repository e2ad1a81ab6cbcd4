"""The file of the last 24 hours folds, keeps everybody's share, is bounded, and survives whatever becomes of it."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.state.history import FILE_NAME, HistoryFile, Row

HOUR = 3_600_000


def row(person: str, at: int, *, kind: str = "read", folds_for: int = 24 * HOUR, **detail: Any) -> Row:
    return Row(person=person, kind=kind, first=at, last=at, detail=detail, folds_for=folds_for, login=f"{person}@x")


def told(file: HistoryFile, person: str, since: int = 0) -> list[tuple[str, int, int, int, dict[str, Any]]]:
    return [(each.kind, each.first, each.last, each.count, each.detail) for each in file.of(person, since)]


def test_what_says_the_same_is_one_entry_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    file = HistoryFile(path)
    assert file.write([row("ada", 1, a=1), row("bob", 2, a=1), row("ada", 3, a=1)])
    file.close()
    file = HistoryFile(path)
    assert file.write([row("ada", 4, a=1), row("ada", 5, a=2), row("ada", 6, a=1)])
    assert told(file, "ada") == [("read", 1, 4, 3, {"a": 1}), ("read", 5, 5, 1, {"a": 2}), ("read", 6, 6, 1, {"a": 1})]
    assert told(file, "bob") == [("read", 2, 2, 1, {"a": 1})]
    assert told(file, "ada", since=5) == told(file, "ada")[1:]
    assert (file.who("ada@x"), file.who("eve@x"), file.entries) == ("ada", None, 4)
    file.close()


def test_nothing_folds_for_longer_than_it_is_to(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / FILE_NAME)
    for at in (0, 50, 100, 150):
        file.write([row("ada", at, folds_for=100)])
    assert [(first, last) for _, first, last, _, _ in told(file, "ada")] == [(0, 100), (150, 150)]
    file.close()


def test_a_busy_person_pushes_nobody_out(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / FILE_NAME, most_in_all=1000)
    file.write([row("ada", 1, a=0)])
    for block in range(20):
        file.write([row("bob", 10 + block * 100 + each, a=block * 100 + each) for each in range(100)])
    assert told(file, "ada") == [("read", 1, 1, 1, {"a": 0})]
    kept = told(file, "bob")
    assert 500 <= len(kept) <= 516  # of one person, and the slack
    assert kept[-1][4] == {"a": 1999}
    # the more people there are, the less each has
    file.write([row(f"user {number}", 5000 + at, a=at) for number in range(98) for at in range(50)])
    assert all(10 <= len(told(file, f"user {number}")) <= 26 for number in range(98))
    file.sweep(0, 1000)
    file.sweep(0, 1000)
    assert file.entries <= 1000
    file.close()


def test_what_is_too_old_goes_and_whoever_has_nothing_left(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / FILE_NAME)
    file.write([row("ada", 1, a="old4711"), row("ada", 2 * HOUR, a=2), row("bob", 1, a=1)])
    for _ in range(2):
        file.sweep(HOUR, 10)
    assert told(file, "ada") == [("read", 2 * HOUR, 2 * HOUR, 1, {"a": 2})]
    assert file.who("bob@x") is None
    file.forget(["ada", "nobody"])
    assert (told(file, "ada"), file.who("ada@x"), file.entries) == ([], None, 0)
    file.close()
    assert b"old4711" not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


def test_a_full_file_makes_room(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / FILE_NAME, most_bytes=256 << 10)
    lost = 0
    for block in range(60):
        rows = [row(f"user {number}", block * 1000, a=f"{block} {'x' * 100}") for number in range(100)]
        lost += not file.write(rows)
    assert 0 < lost < 30
    assert sum(each.stat().st_size for each in tmp_path.glob("history.db")) <= 256 << 10
    assert told(file, "user 7")
    file.close()


@pytest.mark.parametrize("content", [b"no database at all" * 500, b""])
def test_a_damaged_file_is_put_aside_for_a_day(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    file = HistoryFile(path)
    file.write([row("ada", 1)])
    assert len(told(file, "ada")) == 1
    aside = tmp_path / "history.db.corrupt"
    assert aside.exists() is bool(content)
    if content:
        assert aside.read_bytes() == content
        file.sweep(round(aside.stat().st_mtime * 1000) + 1, 1)
        assert not aside.exists()
    file.close()
    if content and sys.platform != "win32":
        assert path.stat().st_mode & 0o077 == 0


def test_another_versions_file_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE entry (something)")
    other.close()
    file = HistoryFile(path)
    assert file.write([row("ada", 1)])
    file.close()


def test_damage_found_at_work_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    file = HistoryFile(path)
    for number in range(300):
        file.write([row(f"user {number}", 1, a="x" * 200)])
    file.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 20_000 + whole[28_192:])
    file = HistoryFile(path)
    assert file.write([row("ada", 1)]) or file.write([row("ada", 1)])
    assert told(file, "ada")
    file.close()


def test_a_file_that_another_holds_leaves_the_past_in_memory(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    first = HistoryFile(path)
    first.write([row("ada", 1)])
    second = HistoryFile(path)
    assert told(second, "ada") == []
    assert second.write([row("ada", 2)])
    assert len(told(second, "ada")) == 1
    second.close()
    assert told(first, "ada") == [("read", 1, 1, 1, {})]
    first.close()


def test_a_disk_that_fails_changes_nothing_and_is_not_read_for_that(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path / FILE_NAME)
    file.write([row("ada", at, a=at) for at in range(5)])
    asked: list[str] = []

    def fails(action: int, table: str | None, *_: object) -> int:
        return sqlite3.SQLITE_DENY if (action, table) == (sqlite3.SQLITE_INSERT, "entry") else sqlite3.SQLITE_OK

    file._connection.set_trace_callback(asked.append)
    file._connection.set_authorizer(fails)
    assert not file.write([row("ada", 9, a=9), row("bob", 10, a=10)])
    assert not any("count(*)" in each for each in asked)
    assert (file.entries, told(file, "bob"), len(told(file, "ada"))) == (5, [], 5)
    file._connection.set_authorizer(None)
    assert file.write([row("bob", 11, a=11), row("ada", 12, a=12)])
    assert (file.entries, len(told(file, "ada")), told(file, "bob")) == (7, 6, [("read", 11, 11, 1, {"a": 11})])
    file.close()
