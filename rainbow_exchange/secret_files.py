"""Files that hold one secret: read, and looked at for who else may read them (`docs/how-to/secrets.md`).

Nothing is refused for its permissions, as mounts of containers and of systemd have their own: it is said.
"""

import os
import stat
import sys
from pathlib import Path

from rainbow_exchange.windows_acl import others_who_read
from rainbow_exchange.words import _

_MAX_BYTES = 64 * 1024


def read_file(file: Path, *, may_wait: bool = False) -> str:
    """Give the secret in `file`, without the line end that editors add. Raises ValueError with what is wrong.

    A pipe or a terminal, which may never give anything, is read only for somebody who `may_wait` for it.
    """
    try:
        with open(file.expanduser(), "rb", opener=None if may_wait else _without_waiting) as stream:
            if not (may_wait or stat.S_ISREG(os.fstat(stream.fileno()).st_mode)):
                raise ValueError(_("is a pipe or a device, which may give nothing for ever; name an ordinary file"))
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ValueError(_("is not there; write the secret into it, or correct the path")) from None
    except OSError as error:
        raise ValueError(
            _("cannot be read ({strerror}); correct the path or let this account read it", strerror=error.strerror)
        ) from None
    return decode(content)


def _without_waiting(path: str, flags: int) -> int:
    """Open it also where nobody writes into it yet: only then it can be seen what it is."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode(content: bytes) -> str:
    """Give the secret that a file, or standard input, holds. Raises ValueError with what is wrong."""
    if len(content) > _MAX_BYTES:
        raise ValueError(_("is larger than 64 KiB; name a file that holds the secret alone"))
    try:
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(_("is not UTF-8; save it as UTF-8")) from None
    if not secret:
        raise ValueError(_("is empty; write the secret into it"))
    return secret


def exposed(file: Path) -> str:
    """Say who may read or change a secret's file that need not, and the next step; "" where nobody may, or none tells.

    Readable by a group is right where root owns it (root:service, 0640), and anything is on a mount that is read-only,
    which is what containers are handed (their modes are 0444 and 0644 there).
    """
    path = file.expanduser()
    try:
        if sys.platform == "win32":
            named = others_who_read(path)
            remedy = f'icacls "{path}" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F "ACCOUNT-OF-THE-SERVICE:R"'
            return (
                _(
                    "{path} may be read by {named}; close it: {remedy}.",
                    path=path,
                    named=", ".join(named),
                    remedy=remedy,
                )
                if named
                else ""
            )
        else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
            found = path.stat()
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                return ""
            return by_mode(path, stat.S_IMODE(found.st_mode), owner=found.st_uid, account=os.geteuid())
    except OSError:
        return ""  # whoever reads it says so


def by_mode(path: Path, mode: int, *, owner: int, account: int) -> str:
    """Say it of a file of this mode and owner, as `account` sees it; 0 is root."""
    shown = f"{path} (mode {mode:04o})"
    said = ""
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        said = (
            _("may be read by every account of this machine")
            if mode & stat.S_IROTH
            else _("may be changed by every account of this machine")
        )
    elif mode & stat.S_IWGRP or (mode & stat.S_IRGRP and owner != 0):
        said = _("may be changed by its group") if mode & stat.S_IWGRP else _("may be read by its group")
    if said:
        remedy = _remedy(path, owner=owner, account=account)
        return _("{shown} {said}; {remedy}.", shown=shown, said=said, remedy=remedy)
    if account != 0 and owner not in {0, account}:
        return _(
            "{shown} belongs to another account than this one, which can change it; chown it to this one.", shown=shown
        )
    return ""


def _remedy(path: Path, *, owner: int, account: int) -> str:
    """Say how it is closed without closing it to the service, which may read it as anybody does."""
    if account not in {0, owner}:
        return _("chown it to this account, then chmod 600 {path}", path=path)
    if owner == 0:
        return _("chmod 600 {path}, and chown it to the account of the service where that is another", path=path)
    return f"chmod 600 {path}"
