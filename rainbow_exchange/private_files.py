"""Files that hold a secret: written in one step, readable by their account and administrators only.

All of it blocks: on Windows for as long as the system's own program for access lists takes.
"""

import contextlib
import errno
import os
import re
import secrets
import sys
import time
from pathlib import Path

from rainbow_exchange import programs

_ICACLS_SECONDS = 20
# Much longer than it takes to write one: whoever began an older draft was killed.
_DRAFT_SECONDS = 60.0


def write_private(
    path: Path,
    content: bytes,
    *,
    owner: tuple[int, int] | None = None,
    mode: int = 0o600,
    reader: str = "",
    replace: bool = True,
) -> None:
    """Put `content` at `path` in one step, readable by this account and administrators only. Raises OSError.

    `owner` (user and group) and `mode` count where files have them, and give the file to another account; on Windows
    `reader` names one that may read it, too. Without `replace` a file that is there is left alone: FileExistsError.
    Drafts of it that a kill has left behind are removed: they hold secrets.
    """
    _remove_old_drafts(path)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _close_to_others(draft, reader)
            _hand_over(descriptor, owner, mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            draft.replace(path)
        else:
            _put(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _put(draft: Path, path: Path) -> None:
    """Give a draft its name, unless there is such a file."""
    if sys.platform == "win32":
        draft.rename(path)  # which replaces nothing there
    else:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            draft.rename(path)
        else:
            draft.unlink()


def _remove_old_drafts(path: Path) -> None:
    ours = re.compile(re.escape(path.name) + r"\.[0-9a-f]{8}\.new")
    try:
        drafts = [file for file in path.parent.iterdir() if ours.fullmatch(file.name)]
    except PermissionError:  # a folder may be one to write into and not to list
        return
    for draft in drafts:
        with contextlib.suppress(OSError):  # somebody else has removed it
            if abs(time.time() - draft.stat().st_mtime) > _DRAFT_SECONDS:
                draft.unlink()


def _hand_over(descriptor: int, owner: tuple[int, int] | None, mode: int) -> None:
    if sys.platform == "win32":
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        if owner is not None:
            os.fchown(descriptor, *owner)
        if mode != 0o600:  # noqa: PLR2004  (as it was made)
            os.fchmod(descriptor, mode)


def _close_to_others(path: Path, reader: str) -> None:
    """On Windows, where a file's mode says nothing: full access for SYSTEM, Administrators and the owner, none else."""
    if sys.platform != "win32":
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        icacls = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
        grants = ("*S-1-5-18:(F)", "*S-1-5-32-544:(F)", "*S-1-3-4:(F)", *([f"{reader}:(R)"] if reader else []))
        command = [str(icacls), str(path), "/inheritance:r", "/grant:r", *grants]
        try:
            code, _ = programs.run(command, seconds=_ICACLS_SECONDS)
        except TimeoutError as error:
            raise OSError(f"icacls did not end within {_ICACLS_SECONDS} s for {path}") from error
        if code != 0:
            raise OSError(f"icacls could not restrict {path}: exit code {code}")
