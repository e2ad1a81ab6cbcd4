"""The folder of the program: a folder for each version, which is a virtual environment, and which of them is in use.

Beside the versions stand `installed.json`, which says the latter and with which options the service was registered, and
`rainbow-exchange.cmd` (Linux: a link `rainbow-exchange`), which leads to the version in use.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rainbow_exchange.installation.refused import RefusedError

COMMAND = "rainbow-exchange"
#: stands in a folder that is whole
_WHOLE = "whole"
#: as wheels write one
_VERSION = re.compile(r"\d+(\.\d+)*[a-z0-9.+]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """With which options the service is registered: those of `rainbow-exchange service`."""

    name: str = COMMAND
    account: str | None = None
    nssm: str | None = None

    def options(self) -> list[str]:
        """Give the options that every command of it takes."""
        return ["--name", self.name, *([] if self.nssm is None else ["--nssm", self.nssm])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What `installed.json` says. `service`: None where none is wanted. `config`: the settings file, if named."""

    current: str | None = None
    previous: str | None = None
    service: Service | None = None
    config: str | None = None


def default_root() -> Path:
    """Give the folder of the program, where nobody names another."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMFILES") or r"C:\Program Files") / COMMAND
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        return Path("/opt") / COMMAND


class Layout:
    """The folder of the program, under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, version: str) -> Path:
        """Give the folder of a version. Raises RefusedError where that is no version."""
        if not _VERSION.fullmatch(version):
            raise RefusedError(f"{version!r} is not the number of a version")
        return self.root / version

    def program(self, version: str, name: str = COMMAND) -> Path:
        """Give a program of a version: ours, or its `python`."""
        if sys.platform == "win32":
            return self.folder(version) / "Scripts" / f"{name}.exe"
        else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
            return self.folder(version) / "bin" / name

    def is_whole(self, version: str) -> bool:
        """Say whether an installation into this folder once came to its end."""
        return (self.folder(version) / _WHOLE).is_file()

    def set_whole(self, version: str) -> None:
        """Note that it has."""
        (self.folder(version) / _WHOLE).touch()

    def installed(self) -> Installed:
        """Read what is in use. Raises RefusedError where that cannot be read."""
        file = self.root / "installed.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            service = content.pop("service")
            return Installed(**content, service=None if service is None else Service(**service))
        except FileNotFoundError:
            return Installed()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RefusedError(f"{file} cannot be read ({error}); put it back, or remove it to begin anew") from error

    def use(self, installed: Installed) -> None:
        """Note what is in use from now on, in one step, and have the command lead there."""
        draft = self.root / "installed.json.new"
        draft.write_text(json.dumps(asdict(installed), indent=2) + "\n", encoding="utf-8")
        draft.replace(self.root / "installed.json")
        if installed.current is not None:
            self._lead_to(installed.current)
        else:
            self._command().unlink(missing_ok=True)

    def _command(self) -> Path:
        return self.root / (f"{COMMAND}.cmd" if sys.platform == "win32" else COMMAND)

    def _lead_to(self, version: str) -> None:
        program = self.program(version).relative_to(self.root)
        command = self._command()
        draft = command.with_name(f"{command.name}.new")
        draft.unlink(missing_ok=True)
        if sys.platform == "win32":
            draft.write_text(f'@"%~dp0{program}" %*\n', encoding="ascii")
        else:
            draft.symlink_to(program)
        draft.replace(command)

    def remove(self, version: str) -> None:
        """Remove a version, if it is there. What is still in use stays, as Windows wants it, and is no longer whole."""
        folder = self.folder(version)
        (folder / _WHOLE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def remove_others(self, installed: Installed) -> list[str]:
        """Remove every version but those in `installed`; give their numbers."""
        kept = {installed.current, installed.previous}
        others = [folder.name for folder in self.root.iterdir() if _VERSION.fullmatch(folder.name) and folder.is_dir()]
        removed = sorted(name for name in others if name not in kept)
        for version in removed:
            self.remove(version)
        return removed


def after_going_back(installed: Installed) -> Installed:
    """Say what is in use once the version before is: the one that is left stays, for another try."""
    return replace(installed, current=installed.previous, previous=installed.current)
