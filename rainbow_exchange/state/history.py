"""The file of the last 24 hours: what happened to whom, in entries that are folded while nothing new happens.

It is bounded three times: entries of one person, entries in all, of which each person has the same share, and bytes.
Losing it costs the past, and nothing else: a file that cannot be used is begun anew, or kept in memory for this run. It
is written in short steps and without waiting for the disk: whoever kills the process loses nothing that was written,
and whoever cuts the power at worst the file.
"""

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from rainbow_exchange.json_text import read_json
from rainbow_exchange.outage import Outage
from rainbow_exchange.state.migration import atomic

log = structlog.get_logger()

FILE_NAME = "history.db"
#: entries of one person, in all, and bytes of the file
MOST_OF_ONE, MOST_IN_ALL, MOST_BYTES = 500, 1_000_000, 256 << 20
#: whose entries are no person's: they are few, and concern everybody
COMPANY = ""

_APPLICATION_ID = 0x52624869  # "RbHi"
_SCHEMA_VERSION = 1
_SCHEMA = """
    CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, login TEXT NOT NULL);
    CREATE TABLE entry (
        person INTEGER NOT NULL,
        kind TEXT NOT NULL,
        id INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        count INTEGER NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (person, kind, id)
    ) WITHOUT ROWID;
"""
_PAGE = 4096
#: how far somebody's entries may exceed the share before they are cut back to it
_SLACK = 16
_written = json.JSONEncoder(separators=(",", ":")).encode
#: how many people are tidied up at once when the file is full
_AT_ONCE = 1000


@dataclass(slots=True, kw_only=True)
class Row:
    """Something that happened `count` times from `first` to `last` (ms since 1970), each time with the same detail."""

    person: str
    kind: str
    first: int
    last: int
    detail: dict[str, Any]
    count: int = 1
    #: ms for which what happens again is folded into it
    folds_for: int = 0
    #: what else the person is known by
    login: str = ""


class HistoryFile:
    """The open file, or a memory that stands in for it.

    Nothing is raised for what goes wrong with it: that is logged once, and again when it is over.
    """

    def __init__(self, path: Path, *, most_in_all: int = MOST_IN_ALL, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most = most_in_all
        self._most_bytes = most_bytes
        self._unwritten = Outage("history_not_written", "history_written_again")
        self._failures = 0
        self._turn: list[str] = []  # whose entries are looked at next for what is too old
        self._open()

    @property
    def entries(self) -> int:
        """How many there are."""
        return sum(self._counts.values())

    def in_order(self, rows: Iterable[Row]) -> list[Row]:
        """Put rows as their people stand in the file, those of one person as they come: they fill few of its pages."""
        return sorted(rows, key=lambda row: self._people.get(row.person, sys.maxsize))

    def write(self, rows: Iterable[Row]) -> bool:
        """Write these in one transaction; each is folded into the last of its kind if it says the same.

        False where they could not be written.
        """
        rows, grown, failures = list(rows), set[str](), self._failures
        with self._guarded({row.person for row in rows}):
            for row in rows:
                if self._write(row):
                    grown.add(row.person)
            for name in grown:
                self._trim(name)
        return self._failures == failures

    def of(self, person: str, since: int) -> list[Row]:
        """Give what happened to somebody since then, in order."""
        number = self._people.get(person)
        found: list[tuple[str, int, int, int, str]] = []
        with self._guarded():
            found = self._connection.execute(
                "SELECT kind, first, last, count, detail FROM entry WHERE person = ? AND last >= ? ORDER BY first, id",
                (number, since),
            ).fetchall()
        return [
            Row(person=person, kind=kind, first=first, last=last, count=count, detail=read)
            for kind, first, last, count, detail in found
            if (read := _read(detail)) is not None
        ]

    def who(self, login: str) -> str | None:
        """Give whoever had this login when something happened first, None where nobody had."""
        found: tuple[str] | None = None
        with self._guarded():
            found = self._connection.execute("SELECT name FROM person WHERE login = ?", (login,)).fetchone()
        return found[0] if found else None

    def forget(self, people: Iterable[str]) -> None:
        """Drop these people, and all that is known of them."""
        people = list(people)
        with self._guarded(people):
            for name in people:
                if name in self._people:
                    number = self._people.pop(name)
                    self._connection.execute("DELETE FROM entry WHERE person = ?", (number,))
                    self._connection.execute("DELETE FROM person WHERE id = ?", (number,))
                    self._counts.pop(number, None)

    def sweep(self, before: int, people: int) -> None:
        """Drop what ended before then, of so many people; who is next comes with the next call, all in turn."""
        turn = [name for name in self._turn[-people:] if name in self._people]
        del self._turn[-people:]
        if not self._turn:
            self._turn = list(self._people)
        with self._guarded(turn):
            for name in turn:
                number = self._people[name]
                gone = self._connection.execute("DELETE FROM entry WHERE person = ? AND last < ?", (number, before))
                self._counts[number] = self._counts.get(number, 0) - gone.rowcount
                self._trim(name, slack=0)
                if self._counts[number] <= 0:
                    self._connection.execute("DELETE FROM person WHERE id = ?", (number,))
                    del self._people[name], self._counts[number]
        with contextlib.suppress(OSError):  # there is none, as a rule
            if _aside(self.path).stat().st_mtime * 1000 < before:
                _aside(self.path).unlink()

    def close(self) -> None:
        """Close it; calling it twice does no harm."""
        self._connection.close()

    @contextlib.contextmanager
    def _guarded(self, people: Iterable[str] = ()) -> Iterator[None]:
        """Do all of it or nothing, whomever of these people it is about; what goes wrong is seen to, and said once."""
        before = [(name, self._people.get(name)) for name in people]
        counts = {number: self._counts.get(number) for _, number in before if number is not None}
        try:
            with atomic(self._connection):
                yield
        except sqlite3.Error as error:
            self._unwritten.failed(reason=str(error))
            self._failures += 1
            self._undo(before, counts)
            self._recover(error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else 0)
        else:
            self._unwritten.went_well()

    def _undo(self, before: Iterable[tuple[str, int | None]], counts: Mapping[int, int | None]) -> None:
        """Know of these people what was known before; to count anew would hold the loop, and read a failing disk."""
        for name, number in before:
            made = self._people.pop(name, None)
            if number is not None:
                self._people[name] = number
            elif made is not None:
                self._counts.pop(made, None)
        self._counts.update({number: count for number, count in counts.items() if count is not None})

    def _recover(self, code: int) -> None:
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            self._connection.close()
            with contextlib.suppress(OSError):
                _put_aside(self.path)
            self._open()
            return
        if code == sqlite3.SQLITE_FULL and self._most > 1:
            self._most = self._most * 3 // 4
            self.sweep(0, _AT_ONCE)

    def _write(self, row: Row) -> bool:
        """Write one; return whether there is an entry more."""
        connection, detail = self._connection, _written(row.detail)
        number = self._people.get(row.person)
        if number is None:
            number = (
                connection.execute("INSERT INTO person (name, login) VALUES (?, ?)", (row.person, row.login)).lastrowid
                or 0
            )
            self._people[row.person] = number
        newest: tuple[int, int, str] | None = connection.execute(
            "SELECT id, first, detail FROM entry WHERE person = ? AND kind = ? ORDER BY id DESC LIMIT 1",
            (number, row.kind),
        ).fetchone()
        if newest and newest[2] == detail and row.last - newest[1] <= row.folds_for:
            connection.execute(
                "UPDATE entry SET last = max(last, ?), count = count + ? WHERE person = ? AND kind = ? AND id = ?",
                (row.last, row.count, number, row.kind, newest[0]),
            )
            return False
        self._next += 1
        connection.execute(
            "INSERT INTO entry (person, kind, id, first, last, count, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, row.kind, self._next, row.first, row.last, row.count, detail),
        )
        self._counts[number] = self._counts.get(number, 0) + 1
        return True

    def _share(self, name: str) -> int:
        return MOST_OF_ONE if name == COMPANY else max(1, min(MOST_OF_ONE, self._most // max(1, len(self._people))))

    def _trim(self, name: str, *, slack: int = _SLACK) -> None:
        """Drop the oldest entries of somebody who has more than the share."""
        number, share = self._people[name], self._share(name)
        if self._counts.get(number, 0) > share + slack:
            gone = self._connection.execute(
                "DELETE FROM entry WHERE person = ? AND id IN"
                " (SELECT id FROM entry WHERE person = ? ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?)",
                (number, number, share),
            ).rowcount
            self._counts[number] -= gone

    def _open(self) -> None:
        try:
            self._connection = _connect(self.path, self._most_bytes)
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, sqlite3.Error) else type(error).__name__
            log.warning("history_in_memory", reason=reason, consequence="the past does not survive a restart")
            self._connection = _connect(None, self._most_bytes)
        self._next: int = self._connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0]
        self._count()

    def _count(self) -> None:
        """See who and how much is there."""
        connection = self._connection
        self._people: dict[str, int] = dict(connection.execute("SELECT name, id FROM person").fetchall())
        counted = connection.execute("SELECT person, count(*) FROM entry GROUP BY person").fetchall()
        self._counts: dict[int, int] = dict(counted)
        self._turn = list(self._people)


def _read(detail: str) -> dict[str, Any] | None:
    try:
        read = read_json(detail)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.corrupt")


def _put_aside(path: Path) -> None:
    """Put a file aside that is no use, in the place of one that was put aside before."""
    log.error("history_file_corrupt", moved_to=str(_aside(path)), consequence="the past begins anew")
    path.replace(_aside(path))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connect(path: Path | None, most_bytes: int) -> sqlite3.Connection:
    """Open the file; one that is damaged, or another version's, is begun anew. Raises sqlite3.Error."""
    if path is None:
        return _prepared(sqlite3.connect(":memory:", isolation_level=None), most_bytes)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # else it would be readable for everybody
    try:
        return _prepared(sqlite3.connect(path, timeout=1.0, isolation_level=None), most_bytes)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, no right to it, no space: no fault of the file's
            raise
        _put_aside(path)
        return _connect(path, most_bytes)


def _prepared(connection: sqlite3.Connection, most_bytes: int) -> sqlite3.Connection:
    try:
        for pragma in (
            f"page_size = {_PAGE}",
            "locking_mode = EXCLUSIVE",
            "trusted_schema = OFF",
            "journal_mode = WAL",
            "wal_autocheckpoint = 250",  # little at a time
            "synchronous = OFF",  # what is lost with the power is the past of a day
            "secure_delete = ON",  # what is dropped is not to be found in the file
            f"max_page_count = {max(most_bytes // _PAGE, 16)}",
            f"journal_size_limit = {8 << 20}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID
        tables: Sequence[tuple[str]] = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        if tables and not (ours and version == _SCHEMA_VERSION):
            raise sqlite3.DatabaseError("another version's")  # noqa: TRY301 - one way for all that is no use
        if not tables:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        # as far as it matters, what is damaged is found by reading it once
        connection.execute("SELECT sum(length(detail)), count(*) FROM entry").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
