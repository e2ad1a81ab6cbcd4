"""A file of an older version is brought forward whole or not at all, whatever happens meanwhile; a copy is kept."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange import __version__
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store
from tests.state.migrating import ADA, LATER, be_later, content, first


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return first(tmp_path)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    be_later(monkeypatch)


def test_the_file_of_the_first_version_is_read_by_this_one(path: Path) -> None:
    store = Store.open(path)

    assert store.remembered() == {"5f01": ADA}
    assert store.value("made_settings") == '{"rainbow.login": "connector@acme.test"}'
    assert store.moved_aside is None
    store.close()


@pytest.mark.usefixtures("later")
def test_it_is_brought_forward_over_several_steps_and_the_copy_is_ours_alone(path: Path) -> None:
    store = Store.open(path)

    assert store.remembered() == {"5f01": ADA}
    store.close()
    assert content(path)[0] == 3
    copy = path.with_name("state.db.schema-1")
    assert content(copy) == (1, [("5f01", "ada@acme.test")])
    assert sorted(file.name for file in path.parent.iterdir()) == ["state.db", "state.db.schema-1"]
    if sys.platform != "win32":
        assert copy.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("later")
def test_a_copy_that_was_kept_can_be_put_back_by_hand(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(path).close()
    monkeypatch.undo()
    with pytest.raises(StateError) as refused:
        Store.open(path)
    assert refused.value.kind == "newer"
    assert str(refused.value) == (
        f"{path} was written by a newer version, {__version__} (schema 3; this is {__version__}, which knows schema 1);"
        " install that version again, or put back state.db.schema-1, which was kept beside it"
    )

    path.with_name("state.db.schema-1").replace(path)

    store = Store.open(path)
    assert store.remembered() == {"5f01": ADA}
    store.close()


def test_the_version_that_wrote_it_is_named(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE value SET value = '7.8.9' WHERE key = 'program_version'")
        connection.execute("PRAGMA user_version = 99")
        connection.commit()

    with pytest.raises(StateError, match=r"was written by a newer version, 7\.8\.9 \(schema 99; this is"):
        Store.open(path)


def test_a_newer_file_that_keeps_its_version_elsewhere_is_refused_as_well(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE value")
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StateError, match=r"newer version \(schema 99; this .*or move the file away to begin anew"):
        Store.open(path)


class Killed(sqlite3.Connection):
    """Keeps the files before each statement, as they would be if the process were killed there."""

    folder: Path
    statements = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        cls = type(self)
        shutil.copytree(cls.folder / "alive", cls.folder / f"killed {cls.statements:02}")
        cls.statements += 1
        return super().execute(*arguments)


@pytest.mark.usefixtures("later")
def test_killed_at_any_moment_it_is_the_old_file_or_the_new_one(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alive").mkdir()
    alive = path.rename(tmp_path / "alive" / "state.db")
    Killed.folder, Killed.statements = tmp_path, 0
    connect = sqlite3.connect
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Killed))
        Store.open(alive).close()
    assert Killed.statements > 15

    for number in range(Killed.statements):
        folder = tmp_path / f"killed {number:02}"
        store = Store.open(folder / "state.db")
        assert store.remembered() == {"5f01": ADA}, f"killed before statement {number}"
        assert store.moved_aside is None
        store.close()
        assert content(folder / "state.db")[0] == 3
        assert content(folder / "state.db.schema-1")[0] == 1
        assert not list(folder.glob("*.new"))


DYING = """
import os, signal, sqlite3, sys
from pathlib import Path
from rainbow_exchange.state import migration, store
class Dying(sqlite3.Connection):
    def execute(self, sql, *more):
        if sql == "PRAGMA user_version = 2":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *more)
connect = sqlite3.connect
sqlite3.connect = lambda *a, **k: connect(*a, **k, factory=Dying)
migration.MIGRATIONS = (*migration.MIGRATIONS, {later!r})
migration.SCHEMA_VERSION = 2
store.Store.open(Path({path!r}))
"""

if sys.platform != "win32":  # where signals, limits and modes of files are others
    import resource

    def test_a_process_that_is_killed_while_it_migrates(path: Path) -> None:
        """The real thing, once: in the midst of a step, with pages of it written already."""
        script = DYING.format(later=LATER[0], path=str(path))
        assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == -signal.SIGKILL  # noqa: S603 (our own script)

        store = Store.open(path)

        assert store.remembered() == {"5f01": ADA}
        assert store.moved_aside is None
        store.close()
        assert content(path.with_name("state.db.schema-1")) == (1, [("5f01", "ada@acme.test")])

    @contextmanager
    def room_for(most: int) -> Iterator[None]:
        """Let no file of this process grow beyond so many bytes, as on a disk that is full."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)

    @pytest.mark.usefixtures("later")
    @pytest.mark.parametrize("most", [0, 4096, 8192, 12288, 20480])
    def test_on_a_full_disk_the_file_is_the_old_one_or_the_new_one(path: Path, most: int) -> None:
        with room_for(most), pytest.raises(StateError) as refused:
            Store.open(path)

        assert refused.value.kind == "unusable"
        assert "the space on its disk" in str(refused.value)
        assert content(path) in [(version, [("5f01", "ada@acme.test")]) for version in (1, 3)]
        assert not list(path.parent.glob("*.corrupt-*"))
        store = Store.open(path)
        assert store.remembered() == {"5f01": ADA}
        store.close()

    @pytest.mark.usefixtures("later")
    @pytest.mark.parametrize("read_only", ["file", "folder"])
    def test_what_may_not_be_written_is_left_alone_and_named(read_only: str) -> None:
        user = os.geteuid()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = first(folder)
            if user == 0:  # root may write everything
                os.chown(folder, 65534, 65534)
                os.chown(path, 65534, 65534)
            path.chmod(0o400 if read_only == "file" else 0o600)
            folder.chmod(0o700 if read_only == "file" else 0o500)
            if user == 0:
                os.seteuid(65534)
            try:
                with pytest.raises(StateError) as refused:
                    Store.open(path)
            finally:
                os.seteuid(user)
            assert refused.value.kind == "unusable"
            assert "check its permissions" in str(refused.value)
            folder.chmod(0o700)
            assert content(path) == (1, [("5f01", "ada@acme.test")])
