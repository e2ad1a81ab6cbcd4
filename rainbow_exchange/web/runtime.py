"""How commands on this machine find and recognise the running daemon (`docs/reference/status.md`).

The daemon writes `runtime.json` and `web-token` into the data folder, readable by its own account and administrators
only. A command first sends a random challenge; whoever answers it with `proof(nonce, challenge)` knows the nonce and is
the daemon. Only then the command sends the token, so another program that sits on the port learns nothing; nor does
whoever has put such files into a folder that others may write into.
"""

import contextlib
import errno
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import sys
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from rainbow_exchange.json_text import read_json
from rainbow_exchange.private_files import write_private

RUNTIME_NAME = "runtime.json"
TOKEN_NAME = "web-token"  # noqa: S105  (a file's name)
SCHEMA_VERSION = 1

_CHALLENGE = re.compile(r"[0-9a-f]{32,128}")
_MAX_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where the daemon listens for commands, and what it proves itself with. `started` is ISO 8601 in UTC.

    `page` is the address of the local page, which may be another where that is served by TLS.
    """

    host: str
    port: int
    pid: int
    nonce: str
    started: str
    page: str

    def __repr__(self) -> str:
        """Leave the nonce out."""
        return f"Runtime(host={self.host!r}, port={self.port}, pid={self.pid})"


def new_secret() -> str:
    """Make a nonce or a token: 32 random bytes, in hexadecimal."""
    return secrets.token_hex(32)


def new_challenge() -> str:
    """Make a challenge for `proof`."""
    return secrets.token_hex(32)


def is_challenge(text: str) -> bool:
    """Whether `text` may be answered: 16 to 64 bytes in hexadecimal."""
    return _CHALLENGE.fullmatch(text) is not None


def proof(nonce: str, challenge: str) -> str:
    """HMAC-SHA256 of the challenge under the nonce, in hexadecimal."""
    return hmac.new(nonce.encode(), b"rainbow-exchange runtime\n" + challenge.encode(), hashlib.sha256).hexdigest()


def publish(folder: Path, *, host: str, port: int, page: str = "", nonce: str, token: str, now: datetime) -> Runtime:
    """Write `web-token` and `runtime.json`; `page` is named where it is not served there. Raises OSError."""
    started = now.isoformat(timespec="seconds")
    page = page or _plain(host, port)
    runtime = Runtime(host=host, port=port, page=page, pid=os.getpid(), nonce=nonce, started=started)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / TOKEN_NAME, token.encode())
    # Last, so that whoever sees it finds the token as well.
    content = {"schema_version": SCHEMA_VERSION} | asdict(runtime)
    write_private(folder / RUNTIME_NAME, json.dumps(content, indent=1).encode())
    return runtime


def withdraw(folder: Path, runtime: Runtime) -> None:
    """Remove both files, unless another daemon has put its own in their place."""
    with contextlib.suppress(OSError, ValueError):
        if read(folder) == runtime:
            (folder / RUNTIME_NAME).unlink(missing_ok=True)
            (folder / TOKEN_NAME).unlink(missing_ok=True)


def read(folder: Path) -> Runtime | None:
    """Read `runtime.json`; None when there is none. Raises OSError, and ValueError when it is not what we write."""
    try:
        content: Any = read_json(_read(folder / RUNTIME_NAME))
    except FileNotFoundError:
        return None
    kinds = {field.name: field.type for field in fields(Runtime)}
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError("not of the known schema version")
    host, port = content.get("host"), content.get("port")
    content = {"page": _plain(str(host), port)} | content  # a daemon from before pages were served by TLS names none
    if any(type(content.get(name)) is not kind for name, kind in kinds.items()):
        raise ValueError("a value is missing or of the wrong type")
    return Runtime(**{name: content[name] for name in kinds})


def host_in_url(host: str) -> str:
    """Write a host as an address of the web has it."""
    return f"[{host}]" if ":" in host else host


def _plain(host: str, port: object) -> str:
    return f"http://{host_in_url(host)}:{port}"


def read_token(folder: Path) -> str:
    """Read the token. Raises OSError and ValueError."""
    return _read(folder / TOKEN_NAME).strip()


def _read(path: Path) -> str:
    with open(path, "rb", opener=_without_waiting) as stream:
        _demand_ours(path, os.fstat(stream.fileno()))
        content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError("larger than it may be")
    return content.decode()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _demand_ours(path: Path, found: os.stat_result) -> None:
    """Refuse what some other account has put there. Raises OSError.

    A daemon runs as this account, or as root; root asks that of any account, whose folder it then is.
    """
    if sys.platform == "win32":
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file, and no daemon has written it")
        account = os.geteuid()
        if found.st_uid not in {0, account, path.parent.stat().st_uid if account == 0 else account}:
            raise OSError(errno.EPERM, f"it was written by another account, number {found.st_uid}: see who that is")
