"""Files that hold a secret: written in one step, readable by their account and administrators only."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

_ICACLS_SECONDS = 20


def write_private(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, readable by this account and administrators only. Raises OSError."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _close_to_others(draft)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _close_to_others(path: Path) -> None:
    """On Windows, where a file's mode says nothing: full access for SYSTEM, Administrators and the owner, none else."""
    if sys.platform != "win32":
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        icacls = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
        grants = ("*S-1-5-18:(F)", "*S-1-5-32-544:(F)", "*S-1-3-4:(F)")
        command = [str(icacls), str(path), "/inheritance:r", "/grant:r", *grants]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_ICACLS_SECONDS, check=False)  # noqa: S603  (fixed program, our own path)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"icacls did not end within {_ICACLS_SECONDS} s for {path}") from error
        if done.returncode != 0:
            raise OSError(f"icacls could not restrict {path}: exit code {done.returncode}")
