"""The entry point: wherever its output leads, and whenever Ctrl-C comes, it ends in order and without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rainbow_exchange.cli import local_api
from tests.processes import until

PRINT = ["throttling-policy", "print", "--account", "a"]
HAS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
RUN = "import sys; from rainbow_exchange import __main__; sys.argv = ['rainbow-exchange', *sys.argv[1:]]; "


def run(*arguments: str, code: str = "__main__.main()", stdout: int = subprocess.PIPE) -> tuple[int, bytes, bytes]:
    command = [sys.executable, "-c", RUN + code, *arguments]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False)  # noqa: S603  (ours)
    return done.returncode, done.stdout or b"", done.stderr


@HAS_FULL
def test_a_full_disk_is_said_and_is_1() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    code, _, said = run(*PRINT, stdout=full)
    os.close(full)

    assert (code, said) == (1, b"Error: the output cannot be written (No space left on device).\n")


def test_whoever_closed_the_pipe_wants_no_word_of_it() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    code, _, said = run(*PRINT, stdout=theirs)
    os.close(theirs)

    assert (code, said) == (1, b"")


INTERRUPTED = """
import signal
class Field:
    def __set_name__(self, owner, name):
        signal.raise_signal(signal.SIGINT)
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == AT:
            class Body:
                field = Field()
sys.meta_path.insert(0, Interrupting())
__main__.main()
"""


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("cli.main", b""),
        ("cli.throttling_policy", b""),
        ("diagnosis.exchange_shell", b""),  # which that command imports
        ("config", b"Interrupted.\n"),  # which it needs only where no account is given
    ],
)
def test_ctrl_c_while_it_reads_itself_is_130(at: str, said: bytes) -> None:
    """Also within the body of a class, where Python 3.11 makes another exception of it."""
    code, out, error = run(*PRINT[:2], code=f"AT = 'rainbow_exchange.{at}'\n{INTERRUPTED}")

    assert (code, out, error.replace(b"\r", b"")) == (130, b"", said)


LOOKED = """
import gc
looked = []
gc.callbacks.append(lambda phase, info: looked.append(info["generation"]))
try:
    __main__.main()
finally:
    print(2 in looked, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def test_garbage_is_looked_for_once_it_has_read_itself_and_not_among_that() -> None:
    """Looking through all modules again and again, as they come, is a seventh of what a start takes."""
    code, out, _ = run("run", "--help", code=LOOKED)

    assert (code, out.split()[-3:]) == (0, [b"False", b"True", b"True"])


NO_CONSOLE = "sys.stdout = sys.stderr = sys.stdin = None; __main__.main()"


@pytest.mark.parametrize(("arguments", "code"), [(PRINT, 0), (["fly"], 2)])
def test_without_a_console_only_the_exit_code_is_left(arguments: list[str], code: int) -> None:
    """As under pythonw.exe, or a service that has none."""
    assert run(*arguments, code=NO_CONSOLE) == (code, b"", b"")


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_the_service_runs_without_a_console(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    environment |= {
        "RAINBOW_EXCHANGE_STATE__PATH": str(tmp_path),
        "RAINBOW_EXCHANGE_WEB__PORT": "0",
        "RAINBOW_EXCHANGE_LOG__FILE": str(tmp_path / "log"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    process = subprocess.Popen([sys.executable, "-c", RUN + NO_CONSOLE, "run"], env=environment)  # noqa: S603  (ours)
    try:
        until(lambda: answers(tmp_path), "a daemon that answers")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert '"stopped"' in (tmp_path / "log").read_text(encoding="utf-8")


def answers(folder: Path) -> bool:
    try:
        return bool(local_api.ask(folder, "/api/status"))
    except local_api.NoAnswerError:
        return False
