"""A version's folder: a virtual environment of its own, filled from a folder of wheels or from the internet."""

import re
from pathlib import Path

from rainbow_exchange.installation.layout import Layout
from rainbow_exchange.installation.product import call
from rainbow_exchange.installation.pythons import Python
from rainbow_exchange.installation.refused import RefusedError

_MAKE_SECONDS = 600.0
_FILL_SECONDS = 1800.0
_WHEEL = re.compile(r"rainbow_exchange-(?P<version>[^-]+)-py3-none-any\.whl")
_LIST = re.compile(r"python-(\d+)\.(\d+)\.txt")


def version_of(wheel: Path) -> str:
    """Give the version that a wheel holds, by its name. Raises RefusedError."""
    parts = _WHEEL.fullmatch(wheel.name)
    if parts is None or not wheel.is_file():
        raise RefusedError(f"{wheel} is no wheel of rainbow-exchange; name rainbow_exchange-<version>-py3-none-any.whl")
    return parts["version"]


def only_wheel(folder: Path) -> Path:
    """Give the wheel of this program that lies in a folder. Raises RefusedError unless there is exactly one."""
    if not folder.is_dir():
        raise RefusedError(
            f"there is no folder {folder}; it holds the wheels, and comes with the installation's archive"
        )
    found = sorted(file for file in folder.iterdir() if _WHEEL.fullmatch(file.name))
    if len(found) == 1:
        return found[0]
    names = ", ".join(file.name for file in found) or "none"
    raise RefusedError(f"{folder} should hold one wheel of rainbow-exchange, and holds {names}; name it: --wheel FILE")


def fitting(folder: Path) -> frozenset[tuple[int, int]] | None:
    """Give the versions of Python that a folder of wheels is for; None where it does not say so."""
    lists = [parts for file in folder.iterdir() if (parts := _LIST.fullmatch(file.name))]
    return frozenset((int(parts[1]), int(parts[2])) for parts in lists) or None


def make(layout: Layout, version: str, *, python: Python, wheel: Path, online: bool) -> None:
    """Make the folder of a version, whole. Raises FailedError; the folder is gone then.

    Without the internet only `wheel`'s folder is looked into, and its list for this Python says which versions to take.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    layout.remove(version)
    try:
        call([python.executable, "-I", "-m", "venv", layout.folder(version)], seconds=_MAKE_SECONDS)
        call([layout.program(version, "python"), "-I", *_fill(wheel, python, online=online)], seconds=_FILL_SECONDS)
    except BaseException:
        layout.remove(version)
        raise
    layout.set_whole(version)


def _fill(wheel: Path, python: Python, *, online: bool) -> list[str]:
    command = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
    if not online:
        command += ["--no-index", "--find-links", str(wheel.parent)]
    known = wheel.parent / "python-{}.{}.txt".format(*python.version)
    if known.is_file():
        command += ["--constraint", str(known)]
    return [*command, str(wheel)]
