"""What can be said of the state's files without opening them, also while the daemon holds them. No content."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from rainbow_exchange.state.migration import SCHEMA_VERSION
from rainbow_exchange.state.store import APPLICATION_ID, FILE_NAME

#: of SQLite's header (https://www.sqlite.org/fileformat.html): user version and application id, four bytes each
_HEADER_BYTES, _USER_VERSION, _APPLICATION = 100, slice(60, 64), slice(68, 72)
#: files of a folder that are named
_MOST = 100


def library_version() -> str:
    """Name the version of the database library."""
    return sqlite3.sqlite_version


def of_folder(folder: Path) -> dict[str, Any]:
    """Say which files there are, how large and since when, and the schema of the state. Raises OSError."""
    files = []
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        about = entry.stat(follow_symlinks=False)
        files.append(
            {"name": entry.name, "bytes": about.st_size, "changed": int(about.st_mtime), "mode": oct(about.st_mode)}
        )
    return {
        "folder": str(folder),
        "schema": _schema(folder / FILE_NAME),
        "schema_known": SCHEMA_VERSION,
        "files": files[:_MOST],
        "files_left_out": max(0, len(files) - _MOST),
    }


def _schema(file: Path) -> int | str:
    """Give the schema, as of the last time that the file was brought up to date; a sentence where there is none."""
    try:
        with file.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
    except OSError as error:
        return f"not known ({error.strerror})"
    if len(header) < _HEADER_BYTES or int.from_bytes(header[_APPLICATION]) != APPLICATION_ID:
        return "not known (it is no state file of this program)"
    return int.from_bytes(header[_USER_VERSION])
