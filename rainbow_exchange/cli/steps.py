"""Steps of a sign-in, as a person at a terminal or a script reads them."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

import click

from rainbow_exchange.cli.terminal import is_terminal
from rainbow_exchange.network.shown import printable

#: as long as a person waits at a terminal, in seconds
_PATIENCE = 120.0


class ShownSteps:
    """Prints a line for each step: in a terminal it stands while the step goes on, elsewhere when it is done.

    `yes` answers every question.
    """

    def __init__(self, *, yes: bool, to_stderr: bool = False) -> None:
        self._yes = yes
        self._err = to_stderr
        self._rewrites = is_terminal(sys.stderr if to_stderr else sys.stdout)
        self._open = 0

    def begin(self, text: str) -> None:
        """Say what is being done."""
        if self._rewrites:
            self._line(f"{text} ...", end="")

    def done(self, text: str) -> None:
        """Say what was done."""
        self._line(text if text.endswith(".") else f"{text}.")

    def end(self) -> None:
        """End a line that stands."""
        if self._open:
            self._write("\n")
            self._open = 0

    async def confirm(self, question: str, *, by_yes: bool = True) -> bool:
        """Ask at the terminal; without one nobody is there to agree."""
        self.end()
        if self._yes and by_yes:
            self._line(f"{question} Yes (--yes).")
            return True
        if not is_terminal(sys.stdin):
            return False
        with at_the_keyboard():
            return click.confirm(printable(question), err=self._err)

    async def wait(self, seconds: float, text: str) -> bool:
        """Wait at a terminal, if it is not for long."""
        if not self._rewrites or seconds > _PATIENCE:
            return False
        for left in range(max(1, round(seconds)), 0, -1):
            self._line(f"{text} {left} s left (Ctrl-C ends it) ...", end="")
            await asyncio.sleep(1)
        return True

    def _line(self, text: str, *, end: str = "\n") -> None:
        text = printable(text)
        self._write(("\r" if self._open else "") + text.ljust(self._open) + end)
        self._open = 0 if end else len(text)

    def _write(self, text: str) -> None:
        click.echo(text, nl=False, err=self._err)


@contextlib.contextmanager
def at_the_keyboard() -> Iterator[None]:
    """Let Ctrl-C end a question at once; the running loop would only take note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
