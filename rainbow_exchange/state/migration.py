"""Bringing the state file forward to this version's schema: whole or not at all, and with a copy kept before."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rainbow_exchange import __version__
from rainbow_exchange.state.errors import StateError

#: migration n leads from schema version n to n + 1; never changed once released
MIGRATIONS = (
    """
    CREATE TABLE remembered (
        user_id TEXT PRIMARY KEY,
        identifier_kind TEXT NOT NULL,
        identifier TEXT NOT NULL,
        address TEXT NOT NULL,
        principal TEXT,
        read_mode TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE value (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
SCHEMA_VERSION = len(MIGRATIONS)
#: key of the value that says which version of the program wrote the file last
_WRITTEN_BY = "program_version"


def bring_forward(path: Path, connection: sqlite3.Connection, version: int) -> None:
    """Bring the file from `version` (0: it is empty) to SCHEMA_VERSION, and note which version of the program did.

    Raises StateError where no copy can be kept, and sqlite3.Error.
    """
    if 0 < version < SCHEMA_VERSION:
        _keep_copy(path, connection, version)
    with atomic(connection):
        for statement in filter(str.strip, ";".join(MIGRATIONS[version:]).split(";")):
            connection.execute(statement)
        if version < SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if _written_by(connection) != __version__:
            connection.execute("INSERT OR REPLACE INTO value (key, value) VALUES (?, ?)", (_WRITTEN_BY, __version__))


def _written_by(connection: sqlite3.Connection) -> str | None:
    """Give the version of the program that wrote the file last."""
    row = connection.execute("SELECT value FROM value WHERE key = ?", (_WRITTEN_BY,)).fetchone()
    return str(row[0]) if row else None


def newer(path: Path, connection: sqlite3.Connection, version: int) -> StateError:
    """Say that the file is of a later schema, who wrote it, and what can be done."""
    by = None
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):  # what a later version keeps where, nobody knows
        by = _written_by(connection)
    copy = kept_copy(path, SCHEMA_VERSION)
    step = f"put back {copy.name}, which was kept beside it" if copy.exists() else "move the file away to begin anew"
    return StateError(
        "newer",
        path,
        f"was written by a newer version{f', {by}' if by else ''} (schema {version}; this is {__version__}, which knows"
        f" schema {SCHEMA_VERSION}); install that version again, or {step}",
    )


def kept_copy(path: Path, version: int) -> Path:
    """Give the path of the copy of a file that is kept before it is brought forward from `version`."""
    return path.with_name(f"{path.name}.schema-{version}")


def _keep_copy(path: Path, connection: sqlite3.Connection, version: int) -> None:
    """Keep the file as it is before it is migrated; where that cannot be done, it is not migrated."""
    copy = kept_copy(path, version)
    draft = copy.with_name(f"{copy.name}.new")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # else it would be readable for everybody
        connection.execute("VACUUM INTO ?", (str(draft),))
        with draft.open("r+b") as written:  # SQLite leaves that to whoever wants it (VACUUM INTO, "not synced")
            os.fsync(written.fileno())
        draft.replace(copy)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StateError(
            "unusable",
            path,
            f"is of an older version, and no copy of it can be kept as {copy.name} ({reason}), so it is left as it is;"
            " check the permissions of its folder and the space on its disk",
        ) from error


@contextlib.contextmanager
def atomic(connection: sqlite3.Connection) -> Iterator[None]:
    """Have everything within done, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # the first error counts
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
