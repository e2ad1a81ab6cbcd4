"""This machine, as a service finds it: rights, accounts, folders, variables. What would keep it from running."""

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS, VARIABLE_PREFIX, variable
from rainbow_exchange.errors import UserError
from rainbow_exchange.service.systemd import STATES
from rainbow_exchange.web import runtime

#: folders of which a unit with ProtectHome= and PrivateTmp= sees nothing
_HIDDEN = tuple(Path(folder) for folder in ("/home", "/root", "/run/user", "/tmp", "/var/tmp"))  # noqa: S108  (nothing is written there)
_TRY_SECONDS = 60.0
_NOBODY = 65534


def is_elevated() -> bool:
    """Whether this process may change services."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415  (on Windows only)

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        return os.geteuid() == 0


def interpreter() -> tuple[str, str]:
    """Give the interpreter a service is to start, and that of the virtual environment on Windows ("" outside of one).

    What lies in a virtual environment of Windows is a launcher, which starts the real one as its child.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    if sys.platform == "win32" and sys.prefix != sys.base_prefix and base != sys.executable:
        return base, sys.executable
    return sys.executable, ""


@contextlib.contextmanager
def as_a_service_sees_it() -> Iterator[list[str]]:
    """Take away the variables that are settings, of which a service gets none; give their names. Not for threads."""
    taken = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(VARIABLE_PREFIX) and "__" in name and value.strip()
    }
    for name in taken:
        del os.environ[name]
    try:
        yield sorted(name.upper() for name in taken)
    finally:
        os.environ.update(taken)


def variable_remarks(names: list[str], config_file: str) -> Iterator[str]:
    """Say what becomes of the variables that are set here."""
    secret = {variable(key) for key in SECRETS + SECRET_URLS}
    plain = [name for name in names if name not in secret]
    if plain:
        yield (
            f"{', '.join(plain)}: set here, and the service does not get it. Write it into"
            f" {config_file or 'the settings file'}."
        )
    if found := [name for name in names if name in secret]:
        yield (
            f"{', '.join(found)}: a secret that is set here, and the service does not get it: what a service manager"
            " keeps can be read by others. Give it to the service's own keyring once the service runs"
            " (rainbow-exchange secret set), or in a file that the settings name (<name>_file)."
        )


def port_remarks(settings: Settings, folder: Path) -> Iterator[str]:
    """Say so where another program sits on the port of the local page."""
    host, port = settings.web.host, settings.web.port
    ours = None
    with contextlib.suppress(OSError, ValueError):
        ours = runtime.read(folder)
    if port == 0 or (ours is not None and urlsplit(ours.page).port == port):
        return
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        yield (
            f"Port {port} is taken, perhaps by Rainbow's official connector: the local page will be at another port."
            " A company has one connector: stop and uninstall the official one before this one starts."
        )


def windows_faults(paths: dict[str, str], account: str) -> Iterator[str]:
    """Say which of these (what it is → path) a service of Windows cannot use, and why."""
    user = account.rpartition("\\")[2].casefold()
    for what, path in paths.items():
        parts = [part.casefold() for part in PureWindowsPath(path).parts]
        if not PureWindowsPath(path).is_absolute():
            yield f"{what}: {path} is no absolute path; a service has no folder to begin at."
        elif '"' in path or not path.isprintable():
            yield f"{what}: {path} has a character that no path of Windows has."
        elif "%" in path:
            yield f"{what}: {path} has a percent sign, which NSSM takes for a variable; choose another folder."
        elif "windowsapps" in parts:
            yield (
                f"{what}: {path} is the Microsoft Store's alias, which works only for the person who is signed in."
                " Install Python from python.org for all users, and this package with it."
            )
        elif parts[1:2] == ["users"] and parts[2:3] not in ([user], ["public"]):
            yield (
                f"{what}: {path} lies in a person's profile, which {account} cannot see. Install Python for all users,"
                r" and this package into a folder like C:\Program Files\rainbow-exchange."
            )


def demand_writable(paths: dict[str, str]) -> None:
    """Refuse those (what it is → path) that would end a line of a unit or a script. Raises UserError."""
    faults = [
        f"{what}: {path!r} cannot be written on one line; choose one without what is not printable."
        for what, path in paths.items()
        if not path.isprintable()
    ]
    if faults:
        raise UserError(faults)


def demand_account(account: str) -> None:
    """Refuse what no account of Linux is called: a unit takes % for itself, `chown` the colon. Raises UserError."""
    if not (account.isprintable() and re.fullmatch(r"[^\s:/%-][^\s:/%]{0,255}", account)):
        raise UserError([f"--account: {account!r} is no name of an account; leave out spaces, colons, slashes and %."])


def linux_faults(paths: dict[str, str], folder: str) -> Iterator[str]:
    """Say which of these (what it is → path) the unit cannot use, and why."""
    for what, path in paths.items():
        for seen in dict.fromkeys((Path(path), Path(path).resolve())):
            hidden = next((each for each in _HIDDEN if seen.is_relative_to(each)), None)
            if not seen.is_absolute():
                yield f"{what}: {path} is no absolute path; a service has no folder to begin at."
            elif hidden is not None:
                yield f"{what}: {seen} lies below {hidden}, which services do not see; install it below /opt or /usr."
                break
    if not re.fullmatch(rf"{STATES}(/[^/]+)+", folder):
        yield (
            f"The data folder is {folder}, and a service's lies below {STATES}: write"
            f' state.path = "{STATES}/rainbow-exchange" into the settings, or let the settings file lie there.'
        )


def cannot_start(python: str, account: str) -> str:
    """Try the program as `account`, or as nobody where there is none yet; say what is wrong, "" if nothing. As root."""
    return _tried([python, "-m", "rainbow_exchange", "--version"], account)


def can_read(file: str, account: str) -> bool:
    """Whether `account`, or nobody where there is none yet, may read a file. As root."""
    return _tried(["test", "-r", file], account) == ""


def _tried(command: list[str], account: str) -> str:
    uid = uid_of(account)
    try:
        ended = subprocess.run(  # noqa: S603  (the interpreter that the service will start, or coreutils)
            command,
            user=_NOBODY if uid is None else uid,
            group=_NOBODY if uid is None else _group_of(account),
            extra_groups=[],
            cwd="/",
            env={"PATH": os.defpath},
            capture_output=True,
            timeout=_TRY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return "" if ended.returncode == 0 else (said[-1] if said else f"exit code {ended.returncode}")


def uid_of(account: str) -> int | None:
    """Give the number of an account of this machine; None where there is none of this name."""
    if sys.platform == "win32":
        return None
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import pwd  # noqa: PLC0415  (not on Windows)

        try:
            return pwd.getpwnam(account).pw_uid
        except KeyError:
            return None


def _group_of(account: str) -> int:
    if sys.platform == "win32":
        return _NOBODY
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import pwd  # noqa: PLC0415  (not on Windows)

        return pwd.getpwnam(account).pw_gid
