"""The state file: which identifier and read mode worked for whom, and a few values. Losing it costs a slower start.

SQLite through the standard library, held exclusively by one process. All calls are short and synchronous; every change
is one transaction.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import structlog

from rainbow_exchange.outage import Outage
from rainbow_exchange.state import migration
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.migration import atomic

FILE_NAME = "state.db"

#: marks the file as ours ("RbEx")
APPLICATION_ID = 0x52624578


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What worked for a Rainbow user: the identifier, its kind, the primary address it led to, principal, read mode."""

    user_id: str
    identifier_kind: str
    identifier: str
    address: str
    principal: str | None
    read_mode: str


_COLUMNS = [field.name for field in fields(Remembered)]


class Store:
    """The open state file. `moved_aside` is where a corrupt predecessor was put, or None."""

    def __init__(self, path: Path, connection: sqlite3.Connection, moved_aside: Path | None = None) -> None:
        self.path = path
        self.moved_aside = moved_aside
        self._connection = connection
        #: for whoever writes and goes on without
        self.unwritten = Outage("state_not_written", "state_written_again")

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open or create the file, bringing it to this version. Raises StateError."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError("unusable", path, f"cannot be made ({error.strerror}); set state.path") from None
        with contextlib.suppress(OSError):  # what is wrong, SQLite says
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # else it would be readable for everybody
        try:
            return cls(path, _connect(path))
        except _CorruptError as error:
            aside = _move_aside(path)
            structlog.get_logger().error(
                "state_file_corrupt",
                path=str(path),
                moved_to=str(aside),
                reason=str(error),
                consequence="every mailbox is looked for anew, and a password that was refused is tried once more",
            )
            return cls(path, _connect(path), aside)

    @classmethod
    def in_memory(cls) -> "Store":
        """Open one that is empty and that nobody else sees; nothing of it is kept."""
        path = Path(":memory:")
        return cls(path, _connect(path))

    def remembered(self) -> dict[str, Remembered]:
        """Give everything remembered, by user id."""
        with self._guarded():
            rows = self._connection.execute(
                "SELECT user_id, identifier_kind, identifier, address, principal, read_mode FROM remembered"
            ).fetchall()
        return {row[0]: Remembered(**dict(zip(_COLUMNS, row, strict=True))) for row in rows}

    def remember(self, found: Iterable[Remembered]) -> None:
        """Keep these, in place of what was known of the same users."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO remembered"
                " (user_id, identifier_kind, identifier, address, principal, read_mode) VALUES (?, ?, ?, ?, ?, ?)",
                [tuple(getattr(one, name) for name in _COLUMNS) for one in found],
            )

    def forget(self, user_ids: Iterable[str]) -> None:
        """Drop what is known of these users."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM remembered WHERE user_id = ?", [(user_id,) for user_id in user_ids])

    def value(self, key: str) -> str | None:
        """Give a single value, or None."""
        with self._guarded():
            row: tuple[str] | None = self._connection.execute(
                "SELECT value FROM value WHERE key = ?", (key,)
            ).fetchone()
        return row[0] if row else None

    def set_value(self, key: str, value: str | None) -> None:
        """Keep a single value; None drops it."""
        with self._transaction() as connection:
            if value is None:
                connection.execute("DELETE FROM value WHERE key = ?", (key,))
            else:
                connection.execute("INSERT OR REPLACE INTO value (key, value) VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file; calling it twice does no harm."""
        self._connection.close()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _state_error(self.path, error) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded(), atomic(self._connection):
            yield self._connection


class _CorruptError(Exception):
    """The file holds no state that can be read."""


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    except sqlite3.Error as error:
        raise _state_error(path, error) from error
    try:
        _prepare(path, connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        connection.close()
        failure = _state_error(path, error)
        if failure.kind == "corrupt":
            raise _CorruptError(str(error)) from error
        raise failure from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    # Exclusive: a second process gets "locked" at once; it also keeps WAL usable where memory cannot be shared.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA trusted_schema = OFF")
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application_id != APPLICATION_ID and (application_id or tables):
        raise StateError("foreign", path, "is a database of another program; set state.path to another folder")
    if version > migration.SCHEMA_VERSION:
        raise migration.newer(path, connection, version)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Takes the lock for good, so that "locked" comes now and not later.
    with atomic(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _CorruptError(str(verdict))
    migration.bring_forward(path, connection, version)
    for table in ("remembered", "value"):
        connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608  (a name of ours)


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 0
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    try:
        os.replace(path, aside)  # noqa: PTH105  (says that it replaces)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StateError(
            "corrupt", path, f"is corrupt and cannot be moved aside ({error.strerror}); delete it"
        ) from error
    return aside


def _state_error(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> StateError:
    # SQLite tells what is wrong in words of the file, which are no text where that is damaged
    damaged = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeDecodeError) else 0
    code = getattr(error, "sqlite_errorcode", damaged) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StateError("locked", path, "is in use by another process; stop that one, or set another state.path")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}:
        return StateError("corrupt", path, f"is corrupt ({error}); it is replaced at the next start")
    return StateError("unusable", path, f"cannot be used ({error}); check its permissions and the space on its disk")
