import os
import sys
import time
from pathlib import Path

import pytest

from rainbow_exchange import private_files


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("")

    with pytest.raises(OSError, match="folder"):
        private_files.write_private(target, b"content")

    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_draft_that_a_kill_left_behind_goes_with_the_next_write_but_none_that_is_being_written(
    tmp_path: Path,
) -> None:
    left, fresh, not_ours = "web-token.0badcafe.new", "web-token.0badcaff.new", "web-token.backup.new"
    for name in (left, fresh, not_ours, "runtime.json.0badcafe.new"):
        (tmp_path / name).write_text("secret")
    for name in (left, not_ours):
        os.utime(tmp_path / name, (time.time() - 90, time.time() - 90))

    private_files.write_private(tmp_path / "web-token", b"content")

    assert {file.name for file in tmp_path.iterdir()} == {
        "web-token",
        fresh,
        not_ours,
        "runtime.json.0badcafe.new",
    }


def test_a_folder_that_may_be_written_into_and_not_listed_takes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Administrators may list every folder, so that the system's refusal is played."""

    def refuse(_: Path) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        private_files.write_private(tmp_path / "file", b"content")

    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.skipif(sys.platform == "win32", reason="a stand-in for Windows' own program")
class TestOnWindows:
    """With a stand-in for icacls, since a file's mode says nothing there."""

    @pytest.fixture
    def system(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        system = tmp_path / "windows"
        (system / "System32").mkdir(parents=True)
        monkeypatch.setenv("SYSTEMROOT", str(system))
        monkeypatch.setattr(sys, "platform", "win32")
        return system

    def program(self, system: Path, script: str) -> None:
        icacls = system / "System32" / "icacls.exe"
        icacls.write_text(f"#!/bin/sh\n{script}\n")
        icacls.chmod(0o700)

    def test_others_lose_access_before_anything_is_written(self, system: Path, tmp_path: Path) -> None:
        self.program(system, f'wc -c < "$1" > "{tmp_path}/size"; echo "$@" > "{tmp_path}/arguments"')

        private_files.write_private(tmp_path / "file", b"secret")

        assert (tmp_path / "file").read_bytes() == b"secret"
        assert (tmp_path / "size").read_text().strip() == "0"
        arguments = (tmp_path / "arguments").read_text().split()
        assert arguments[1:] == [
            "/inheritance:r",
            "/grant:r",
            "*S-1-5-18:(F)",
            "*S-1-5-32-544:(F)",
            "*S-1-3-4:(F)",
        ]

    def test_a_program_that_has_ended_is_not_waited_for_because_of_what_it_left_running(
        self, system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(private_files, "_ICACLS_SECONDS", 10.0)
        self.program(system, "sleep 15 &")

        private_files.write_private(tmp_path / "file", b"secret")

        assert (tmp_path / "file").read_bytes() == b"secret"

    @pytest.mark.parametrize("script", ["exit 5", "sleep 10"])
    def test_nothing_is_written_where_that_fails(
        self, system: Path, tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(private_files, "_ICACLS_SECONDS", 0.5)
        self.program(system, f"exec {script}" if script.startswith("sleep") else script)

        with pytest.raises(OSError, match="icacls"):
            private_files.write_private(tmp_path / "file", b"secret")

        assert [file.name for file in tmp_path.iterdir()] == ["windows"]


def test_without_replacing_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bundle.zip"

    private_files.write_private(file, b"first", replace=False)
    with pytest.raises(FileExistsError):
        private_files.write_private(file, b"second", replace=False)

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("bundle.zip", b"first")]
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o077 == 0


def test_nor_where_the_file_system_has_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as a FAT or a share says it

    monkeypatch.setattr(Path, "hardlink_to", refused)
    file = tmp_path / "bundle.zip"

    private_files.write_private(file, b"first", replace=False)
    with pytest.raises(FileExistsError):
        private_files.write_private(file, b"second", replace=False)

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("bundle.zip", b"first")]
