"""Start the installed command as its users do, look whether it works, and end it with Ctrl-C.

Run it with the Python that rainbow-exchange is installed in, from a folder without its source. Standard library only.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("rainbow-exchange"))
STARTS_WITHIN = 60.0
ENDS_WITHIN = 30.0
ADDRESSES = '{"schema_version"'
EMOJI = r"[\U0001f300-\U0001faff☕]|\\U0001f|\\ud83|\\u2615"


class Running:
    """A command with its output gathered; its standard output is a pipe or, with `terminal`, a terminal."""

    def __init__(self, *arguments: str, environment: dict[str, str], terminal: bool = False) -> None:
        self.name = " ".join(arguments)
        self.lines: list[str] = []
        # By its name: the module is there on Windows, the function is not.
        open_terminal: Callable[[], tuple[int, int]] = vars(pty)["openpty"]
        ours, theirs = open_terminal() if terminal else os.pipe()
        self.process = subprocess.Popen(  # noqa: S603  (the command under test)
            [COMMAND, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self.reader.start()

    def _read(self, descriptor: int) -> None:
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        try:
            with os.fdopen(descriptor, encoding=encoding, errors="strict", newline=None) as output:
                self.lines.extend(line.rstrip("\n") for line in output)
        except OSError:  # Linux ends a terminal so
            pass
        except UnicodeError as error:
            self.lines.append(f"NOT IN {encoding}: {error}")

    def until(self, what: str, found: Callable[[], object], limit: float = STARTS_WITHIN) -> None:
        """Wait until `found` is true; end with the output where it never is."""
        deadline = time.monotonic() + limit
        while not found():
            if self.process.poll() is not None:
                self.fail(f"ended with {self.process.returncode} before {what}")
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within {limit:.0f} s")
            time.sleep(0.1)
        say(f"{self.name}: {what}")

    def interrupt(self) -> None:
        """Press Ctrl-C: it must end with 0, in time, and without a traceback."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.fail(f"still there {ENDS_WITHIN:.0f} s after Ctrl-C")
        self.reader.join(ENDS_WITHIN)
        if status != 0:
            self.fail(f"ended with {status} after Ctrl-C")
        if any("Traceback" in line or line.startswith("NOT IN") for line in self.lines):
            self.fail("printed a traceback, or what its encoding does not have")
        say(f"{self.name}: ended by Ctrl-C with 0 after {time.monotonic() - started:.1f} s")

    def fail(self, why: str) -> None:
        """End this script with the output so far."""
        self.process.kill()
        sys.exit("\n".join([*self.lines[-60:], f"FAILED: {self.name}: {why}"]))


def say(line: str) -> None:
    """Tell what was found."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def once(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command that ends by itself."""
    return subprocess.run(  # noqa: S603  (the command under test)
        [COMMAND, *arguments], env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=90, check=False
    )


def status(environment: dict[str, str]) -> dict[str, object]:
    """Give what `status --json` says; empty where there is nothing to say yet."""
    ended = once("status", "--json", environment=environment)
    return dict(json.loads(ended.stdout)) if ended.stdout.strip() else {}


def apart(environment: dict[str, str]) -> None:
    """Lab and connector as two commands that know nothing of each other but addresses and passwords."""
    lab = Running("lab", "--users", "5", "--json", environment=environment)
    # Lines of its log may come before: where somebody else listens on the port of its page, it says so.
    lab.until("told its addresses", lambda: any(line.startswith(ADDRESSES) for line in lab.lines))
    addresses = json.loads(next(line for line in lab.lines if line.startswith(ADDRESSES)))
    settings = {
        f"RAINBOW_EXCHANGE_{side.upper()}__{name.upper()}": str(value)
        for side in ("exchange", "rainbow")
        for name, value in addresses[side].items()
        if value is not None
    }
    environment = environment | settings
    connector = Running("run", environment=environment)
    connector.until("is healthy", lambda: status(environment).get("state") == "healthy")
    ended = once("status", environment=environment)
    if ended.returncode != 0 or not ended.stdout:
        connector.fail(f"status ended with {ended.returncode}: {ended.stdout!r} {ended.stderr!r}")
    connector.interrupt()
    lab.interrupt()


def together(environment: dict[str, str], *, terminal: bool) -> None:
    """Run the demonstration, in a terminal or piped, until it has shown a French subject and one with an emoji."""
    both = Running("run", "--lab", "60", environment=environment, terminal=terminal)
    # Piped it is JSON in ASCII; an encoding without emoji gets them as escapes.
    both.until("shows an accent", lambda: any(re.search(r"busy.*([à-ÿ]|\\u00e)", line) for line in list(both.lines)))
    both.until("shows an emoji", lambda: any(re.search(EMOJI, line) for line in list(both.lines)))
    both.interrupt()


def main() -> None:
    """Run all of it in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="smoke ") as folder:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
        environment = ours | {"HOME": folder, "RAINBOW_EXCHANGE_STATE__PATH": str(Path(folder) / "state")}
        apart(environment)
        together(environment, terminal=False)
        together(environment, terminal=True)
    say("the installed command works")


if __name__ == "__main__":
    main()
