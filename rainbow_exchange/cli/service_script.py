"""A plan as a script that an administrator can read, keep and run: for a POSIX shell, or a batch file. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from rainbow_exchange.service.plan import MakeFolder, RemoveFile, Run, Step, WriteFile
from rainbow_exchange.service.quoting import batch_line, shell_line

_ASKS = " (it reads one line: the account's password)"


def batch(steps: Iterable[Step]) -> Iterator[str]:
    """Give the lines of a batch file, to be run as administrator; it ends with the first step that fails."""
    yield "@echo off"
    yield "chcp 65001 >nul"
    for step in steps:
        if not (isinstance(step, Run) and step.plain):
            yield f"rem {step.what}{_ASKS if isinstance(step, Run) and step.asks_password else ''}"
        match step:
            case Run():
                yield batch_line(step.command)
                yield "if errorlevel 1 exit /b 1"
            case MakeFolder():
                path = batch_line([step.path])
                yield f"if not exist {path} mkdir {path}"
            case _:
                raise ValueError(f"not for a batch file: {step.what}")


def shell(steps: Iterable[Step]) -> Iterator[str]:
    """Give the lines of a shell script, to be run as root; it ends with the first step that fails."""
    yield "set -eu"
    for step in steps:
        yield f"# {step.what}"
        match step:
            case Run():
                yield shell_line(step.command)
            case MakeFolder():
                yield shell_line(["mkdir", "-p", step.path])
            case WriteFile():
                yield f"cat > {shell_line([step.path])} <<'END'"
                yield from step.content.splitlines()
                yield "END"
                yield shell_line(["chmod", f"{step.mode:04o}", step.path])
            case RemoveFile():
                yield shell_line(["rm", "-f", step.path])


def as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Give the steps as `service print --json` has them (docs/reference/commands.md)."""
    shown: list[dict[str, Any]] = []
    for step in steps:
        match step:
            case Run():
                done: dict[str, Any] = {"command": list(step.command), "asks_password": step.asks_password}
            case MakeFolder():
                done = {"folder": step.path}
            case WriteFile():
                done = {"file": step.path, "mode": f"{step.mode:04o}", "content": step.content}
            case RemoveFile():
                done = {"remove": step.path}
        shown.append({"what": step.what, **done})
    return shown
