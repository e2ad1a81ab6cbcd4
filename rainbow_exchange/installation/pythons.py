r"""Which Python makes the virtual environment: one that the service's account finds, too.

Python's installer registers itself under `SOFTWARE\Python\\PythonCore\<version>` (PEP 514): for all users in
HKEY_LOCAL_MACHINE, for one user in that user's HKEY_CURRENT_USER. A service runs as another account, which may not
even read a user's folder. Microsoft Store's Python is an alias that works for one user only, and not in a service.
"""

import contextlib
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from rainbow_exchange import programs
from rainbow_exchange.installation.refused import RefusedError

#: as in pyproject.toml
OLDEST = (3, 11)
_BITS = 64
_SECONDS = 60.0
_KEY = r"SOFTWARE\Python\PythonCore"
_HOW = (
    "Install Python for all users: the 64-bit installer from python.org, 'Customize installation', then"
    " 'Install Python for all users'; without a screen: python-3.13.9-amd64.exe /quiet InstallAllUsers=1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """A Python on this machine."""

    executable: str
    version: tuple[int, int]
    bits: int = _BITS
    all_users: bool = True

    def __str__(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]} ({self.bits} bits, {self.executable})"


def choose(found: Iterable[Python], *, fitting: frozenset[tuple[int, int]] | None) -> Python:
    """Give the newest that will do. `fitting`: the versions that the folder of wheels is for. Raises RefusedError."""
    refused = []
    usable = []
    for python in found:
        if reason := unfit(python, fitting=fitting):
            refused.append(f"{python}: {reason}")
        else:
            usable.append(python)
    if usable:
        return max(usable, key=lambda python: python.version)
    raise RefusedError("\n    ".join(["no Python here will do.", *(refused or ["None was found."]), f"{_HOW}."]))


def unfit(python: Python, *, fitting: frozenset[tuple[int, int]] | None) -> str | None:
    """Say why this one will not do."""
    if "windowsapps" in (part.lower() for part in PureWindowsPath(python.executable).parts):
        return "it is the Microsoft Store's, which works for one user only and not in a service"
    if not python.all_users:
        return "it is installed for one user only; the service's account cannot use it"
    if python.version < OLDEST:
        return f"older than {OLDEST[0]}.{OLDEST[1]}"
    if python.bits != _BITS:
        return f"it has {python.bits} bits; {_BITS} are needed"
    if fitting is not None and python.version not in fitting:
        known = ", ".join(f"{major}.{minor}" for major, minor in sorted(fitting))
        return f"the folder of wheels is for Python {known}"
    return None


def ask(executable: str) -> Python:
    """Ask a Python what it is. Raises RefusedError."""
    question = "import struct, sys; print(*sys.version_info[:2], struct.calcsize('P') * 8)"
    try:
        code, said = programs.run([executable, "-I", "-c", question], seconds=_SECONDS)
        major, minor, bits = (int(word) for word in said.split()[-3:])
    except OSError as error:
        raise RefusedError(f"{executable} is no Python that works here ({error})") from error
    except ValueError as error:
        raise RefusedError(f"{executable} is no Python that works here (exit code {code})") from error
    return Python(
        executable=executable, version=(major, minor), bits=bits, all_users=not _belongs_to_a_user(executable)
    )


def _belongs_to_a_user(executable: str) -> bool:
    """Say whether it lies below the folder of all profiles; PUBLIC is one of them, on every Windows."""
    profiles = PureWindowsPath(os.environ.get("PUBLIC") or r"C:\Users\Public").parent
    return PureWindowsPath(executable).is_relative_to(profiles)


def of_this_machine() -> list[Python]:
    """List the Pythons of this machine; on Windows those that are registered, elsewhere the one that runs this."""
    if sys.platform == "win32":
        found = [
            registered(tag, folder, all_users=all_users)
            for all_users in (True, False)
            for tag, folder in _entries(all_users=all_users)
        ]
        return list(dict.fromkeys(python for python in found if python is not None))
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        version = (sys.version_info[0], sys.version_info[1])
        return [Python(executable=sys.executable, version=version, bits=struct.calcsize("P") * 8)]


if sys.platform == "win32":
    import winreg

    def _entries(*, all_users: bool) -> Iterator[tuple[str, str]]:
        """Give tag and folder of each Python that is registered for all users, or for this one."""
        hive = winreg.HKEY_LOCAL_MACHINE if all_users else winreg.HKEY_CURRENT_USER
        for view in (winreg.KEY_WOW64_64KEY, winreg.KEY_WOW64_32KEY):
            with contextlib.suppress(OSError), winreg.OpenKey(hive, _KEY, 0, winreg.KEY_READ | view) as core:
                for tag in [winreg.EnumKey(core, number) for number in range(winreg.QueryInfoKey(core)[0])]:
                    with contextlib.suppress(OSError):  # a key without a folder
                        yield tag, winreg.QueryValue(core, rf"{tag}\InstallPath")


def registered(tag: str, folder: str, *, all_users: bool) -> Python | None:
    """Make one of what stands in the registry: `3.12`, `3.12-32`, `3.13t`; None where the folder holds none."""
    parts = re.fullmatch(r"(\d+)\.(\d+)(-32)?", tag)
    executable = Path(folder) / "python.exe"
    if parts is None or not executable.is_file():
        return None
    return Python(
        executable=str(executable),
        version=(int(parts[1]), int(parts[2])),
        bits=32 if parts[3] else 64,
        all_users=all_users and not _belongs_to_a_user(str(executable)),
    )
