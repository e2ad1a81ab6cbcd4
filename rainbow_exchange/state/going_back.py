"""The state file after going back to an older version: a newer one has kept a copy of it, as it was before."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.migration import SCHEMA_VERSION, kept_copy

_IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def fit(file: Path) -> str | None:
    """Put the copy that was kept when a newer version brought the file forward in the place of that newer file.

    The newer file is kept beside it, as `state.db.schema-2`; without a copy the state begins anew. Gives a sentence
    about what was done, or None where nothing was to do. Raises StateError where the file is in use.
    """
    found = _schema(file) if file.is_file() else 0
    if found <= SCHEMA_VERSION:
        return None
    aside, copy = kept_copy(file, found), kept_copy(file, SCHEMA_VERSION)
    try:
        os.replace(file, aside)  # noqa: PTH105  (says that it replaces)
        if not copy.is_file():
            return f"{file} is of schema {found}: moved to {aside.name}; each mailbox is looked for anew"
        os.replace(copy, file)  # noqa: PTH105  (same)
    except OSError as error:
        raise StateError(
            "unusable",
            file,
            f"cannot be replaced by {copy.name} ({error.strerror}); stop the service, and do it by hand",
        ) from error
    return f"{file} was of schema {found}: moved to {aside.name}, and {copy.name} put in its place"


def _schema(file: Path) -> int:
    """Read the schema's number, with what stands in the log beside the file put into it; 0 where it is no database."""
    try:
        with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _IN_USE:
            raise StateError("locked", file, "is in use; stop the service first") from error
        return 0  # whoever starts with it moves it aside
