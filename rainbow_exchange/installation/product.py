"""One installed version, asked through its own commands."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rainbow_exchange import programs
from rainbow_exchange.installation.layout import Layout, Service
from rainbow_exchange.installation.refused import FailedError

_COMMAND_SECONDS = 180.0
#: somebody may have to find a password
_ASK_SECONDS = 900.0
#: of `status`: well, or not well; in both the daemon answers
_ANSWERS = {0, 1}
_LOOK_SECONDS = 2.0
#: what would have a Python look for modules elsewhere than in its own folder
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")


def environment() -> dict[str, str]:
    """Give the variables for a program of ours: all of this process, but for what leads a Python elsewhere."""
    return {name: value for name, value in os.environ.items() if name.upper() not in _MISLEADING}


def call(
    command: Sequence[str | Path], *, seconds: float, may_fail: bool = False, shown: bool = False
) -> tuple[int, str]:
    """Run a program to its end; give its exit code and what it says. Raises FailedError where it fails or is too slow.

    What it says is gathered, or else `shown`; then it can also ask for something.
    """
    called = " ".join(str(word) for word in command[:3])
    try:
        code, output = programs.run(
            [str(word) for word in command],
            seconds=seconds,
            shown=shown,
            environment=environment() | {"PYTHONUTF8": "1"},
        )
    except OSError as error:
        raise FailedError(f"{called} ... could not be run ({error})") from error
    said = output.decode(errors="replace").replace("\r\n", "\n")
    if code != 0 and not may_fail:
        last = "".join(f"\n    {line}" for line in said.strip().splitlines()[-12:])
        raise FailedError(f"{called} ... ended with code {code}{last and ':'}{last}")
    return code, said


class Product:
    """A version in its folder, with the settings file that all commands are given."""

    def __init__(self, layout: Layout, version: str, *, config: str | None) -> None:
        self.version = version
        self._program = layout.program(version)
        self._python = layout.program(version, "python")
        self._config = () if config is None else ("--config", config)

    def check(self) -> None:
        """See that it starts at all, is the version meant, and reads the settings. Raises FailedError."""
        said = call([self._program, "--version"], seconds=_COMMAND_SECONDS)[1]
        if self.version not in said.split():
            raise FailedError(f"{self._program} says that it is {said.strip()!r}, not {self.version}")
        call([self._program, "config", "check", *self._config], seconds=_COMMAND_SECONDS)

    def register(self, service: Service) -> None:
        """Have it register its service, in place of another version's. It may ask for a password."""
        account = [] if service.account is None else ["--account", service.account]
        command = [self._program, "service", "install", *service.options(), *account, *self._config]
        call(command, seconds=_ASK_SECONDS, shown=True)

    def unregister(self, service: Service) -> None:
        """Have it stop its service, and take it out."""
        call([self._program, "service", "uninstall", *service.options()], seconds=_COMMAND_SECONDS)

    def start(self, service: Service, *, within: float) -> int:
        """Start its service, and wait until the daemon answers; give the exit code of `status`. Raises FailedError."""
        call([self._program, "service", "start", *service.options(), *self._config], seconds=_COMMAND_SECONDS)
        end = time.monotonic() + within
        while True:
            code, said = call([self._program, "status", *self._config], seconds=_COMMAND_SECONDS, may_fail=True)
            if code in _ANSWERS:
                return code
            if time.monotonic() > end:
                last = "\n    ".join(said.strip().splitlines())
                raise FailedError(f"{self.version} was started, but does not answer within {within:g} s:\n    {last}")
            time.sleep(_LOOK_SECONDS)

    def stop(self, service: Service, *, may_fail: bool = False) -> None:
        """Stop its service."""
        call([self._program, "service", "stop", *service.options()], seconds=_COMMAND_SECONDS, may_fail=may_fail)

    def fit_state(self) -> str:
        """Have the state file be one that it can read; what was done is told. Raises FailedError."""
        command = [self._python, "-I", "-m", "rainbow_exchange.installation", "fit-state", *self._config]
        return call(command, seconds=_COMMAND_SECONDS)[1].strip()
