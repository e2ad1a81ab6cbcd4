import os
import sys
import threading
from pathlib import Path

import pytest

from rainbow_exchange import secret_files

ROOT, SERVICE, OTHER = 0, 990, 1000


@pytest.mark.parametrize(
    ("mode", "owner", "account", "said"),
    [
        (0o400, SERVICE, SERVICE, ""),
        (0o600, SERVICE, SERVICE, ""),
        (0o600, ROOT, ROOT, ""),
        # an administrator who looks at the service's file
        (0o600, SERVICE, ROOT, ""),
        # handed by root to the group of the service
        (0o640, ROOT, SERVICE, ""),
        (0o640, SERVICE, SERVICE, "f (mode 0640) may be read by its group; chmod 600 f."),
        (0o640, SERVICE, ROOT, "f (mode 0640) may be read by its group; chmod 600 f."),
        (
            0o660,
            ROOT,
            SERVICE,
            "f (mode 0660) may be changed by its group; chown it to this account, then chmod 600 f.",
        ),
        # whoever reads it as anybody does would lose it by chmod alone
        (
            0o644,
            ROOT,
            SERVICE,
            ("f (mode 0644) may be read by every account of this machine; chown it to this account, then chmod 600 f."),
        ),
        (
            0o602,
            ROOT,
            ROOT,
            (
                "f (mode 0602) may be changed by every account of this machine; chmod 600 f, and chown it to the"
                " account of the service where that is another."
            ),
        ),
        (
            0o600,
            OTHER,
            SERVICE,
            "f (mode 0600) belongs to another account than this one, which can change it; chown it to this one.",
        ),
    ],
)
def test_who_may_read_or_change_it_that_need_not_is_said(mode: int, owner: int, account: int, said: str) -> None:
    assert secret_files.by_mode(Path("f"), mode, owner=owner, account=account) == said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists in place of modes")
def test_a_mount_that_is_read_only_has_modes_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers are handed secrets: 0444 of root, or 0644 behind a link."""
    if sys.platform != "win32":
        file, link = tmp_path / "file", tmp_path / "link"
        file.write_text("p")
        file.chmod(0o444)
        link.symlink_to(file)
        assert "may be read by every account" in secret_files.exposed(link)
        found = os.statvfs(file)
        read_only = os.statvfs_result([*found[:8], found.f_flag | os.ST_RDONLY, *found[9:]])
        monkeypatch.setattr(os, "statvfs", lambda _: read_only)

        assert secret_files.exposed(link) == ""


def test_one_that_cannot_be_looked_at_is_for_whoever_reads_it(tmp_path: Path) -> None:
    assert secret_files.exposed(tmp_path / "none") == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_nobody_waits_for_a_pipe_but_who_has_named_it_on_the_command_line(tmp_path: Path) -> None:
    if sys.platform != "win32":
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        with pytest.raises(ValueError, match="is a pipe or a device, which may give nothing for ever"):
            secret_files.read_file(pipe)
        with pytest.raises(ValueError, match="is a pipe or a device"):
            secret_files.read_file(Path("/dev/zero"))

        writer = threading.Thread(target=pipe.write_text, args=["p\n"])
        writer.start()
        assert secret_files.read_file(pipe, may_wait=True) == "p"
        writer.join()
