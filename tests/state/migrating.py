"""A file of the first version, and a later version of this program that brings it forward."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.state import migration as module
from rainbow_exchange.state.store import Remembered

#: written by the first version, and by nothing else since
FIRST = Path(__file__).parents[2] / "fixtures" / "state" / "schema-1.db"
ADA = Remembered(
    user_id="5f01",
    identifier_kind="external-uid",
    identifier="ada",
    address="ada@acme.test",
    principal="S-1-5-21-1-2-3-1103",
    read_mode="own",
)
#: two steps that rebuild a table, as SQLite has it done
LATER = (
    """
    CREATE TABLE anew (user_id TEXT PRIMARY KEY, identifier_kind TEXT NOT NULL, identifier TEXT NOT NULL,
        address TEXT NOT NULL, principal TEXT, read_mode TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    INSERT INTO anew SELECT user_id, identifier_kind, identifier, address, principal, read_mode, 7 FROM remembered;
    DROP TABLE remembered;
    ALTER TABLE anew RENAME TO remembered;
    """,
    "CREATE TABLE later (value TEXT); INSERT INTO later VALUES ('made');",
)


def first(folder: Path) -> Path:
    """Give a copy of the file of the first version."""
    return Path(shutil.copyfile(FIRST, folder / "state.db"))


def be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this version be a later one."""
    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS[:1], *LATER))
    monkeypatch.setattr(module, "SCHEMA_VERSION", 3)


def content(file: Path) -> tuple[int, list[tuple[Any, ...]]]:
    """Give the schema, and whose mailbox is which."""
    with closing(sqlite3.connect(file)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        return version, connection.execute("SELECT user_id, address FROM remembered").fetchall()
