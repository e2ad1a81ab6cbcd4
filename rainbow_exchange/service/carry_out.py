"""Carrying out a plan, step by step. What a step that fails leaves behind is taken back, as far as it can be."""

from collections.abc import Callable, Iterable
from pathlib import Path

from rainbow_exchange import programs
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.private_files import write_private
from rainbow_exchange.service.plan import MakeFolder, RemoveFile, Run, Step, WriteFile

#: a stop waits for the connector's ordered end, and for the service manager
_SECONDS = 120.0
_SHOWN_CHARACTERS = 2000
_READ_BYTES = 64 * 1024


class StepFailedError(RainbowExchangeError):
    """A step could not be done; the text is what its program said. `left` says what remains of those before it."""

    def __init__(self, step: Step, text: str, left: str) -> None:
        super().__init__(text)
        self.step = step
        self.left = left


def carry_out(steps: Iterable[Step], say: Callable[[Step], None]) -> None:
    """Do one step after the other, saying each before it. Raises StepFailedError; also Ctrl-C takes back."""
    done: list[tuple[Step, bytes | None]] = []
    for step in steps:
        before = _content(step.path) if isinstance(step, WriteFile) else None
        try:
            say(step)
            _do(step)
        except OSError as error:
            text = str(error) if error.strerror is None else f"{error.strerror}: {error.filename or _named(step)}"
            raise StepFailedError(step, text, _take_back(done)) from None
        except BaseException:
            _take_back(done)
            raise
        done.append((step, before))


def answer(command: Iterable[str], *, seconds: float = _SECONDS) -> tuple[int, str]:
    """Run a command; give its exit code and what it said. Raises OSError where it cannot be run, or does not end."""
    return _run(tuple(command), None, seconds)


def _do(step: Step) -> None:
    match step:
        case Run():
            _demand_success(step.command, step.typed)
        case MakeFolder():
            Path(step.path).mkdir(mode=0o700, parents=True, exist_ok=True)
        case WriteFile():
            write_private(Path(step.path), step.content.encode(), mode=step.mode)
        case RemoveFile():
            Path(step.path).unlink(missing_ok=True)


def _run(command: tuple[str, ...], typed: str | None, seconds: float) -> tuple[int, str]:
    code, content = programs.run(command, seconds=seconds, typed=None if typed is None else f"{typed}\n".encode())
    # NSSM writes UTF-16 into a file, others the system's encoding: of those, what is ASCII is read.
    content = content[:_READ_BYTES]
    said = content.decode("utf-16-le" if b"\0" in content else "utf-8", errors="replace")
    return code, " ".join(said.split())[:_SHOWN_CHARACTERS]


def _take_back(done: list[tuple[Step, bytes | None]]) -> str:
    """Undo what can be undone, the last first; say what is left."""
    if not done:
        return "Nothing was changed"
    left = "What was set before it stays"
    for step, before in reversed(done):
        try:
            if isinstance(step, WriteFile):
                _put_back(step, before)
            elif isinstance(step, Run) and step.back:
                _demand_success(step.back)
            else:
                continue
        except OSError as error:
            return f"What was made before it could not be taken back ({error})"
        left = "What was made before it was taken back; a folder, an account or their rights may stay"
    return left


def _put_back(step: WriteFile, before: bytes | None) -> None:
    if before is None:
        Path(step.path).unlink(missing_ok=True)
    else:
        write_private(Path(step.path), before, mode=step.mode)
    if step.then:
        _demand_success(step.then)


def _demand_success(command: tuple[str, ...], typed: str | None = None) -> None:
    code, said = _run(command, typed, _SECONDS)
    if code != 0:
        raise OSError(f"exit code {code}{f': {said}' if said else ''}")


def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _named(step: Step) -> str:
    return step.command[0] if isinstance(step, Run) else step.path
