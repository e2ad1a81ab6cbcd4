"""What a person at a terminal sees: progress at the start, then one line per change."""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from rainbow_exchange.network.shown import counted, printable

#: so many users are listed without a word on the way
LISTED_SILENTLY = 1000

F = TypeVar("F", bound=Callable[..., object])


def prepare_streams() -> None:
    """Let no character stop the program that a terminal (cp1252, say) or a file cannot show."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # None without a console, or replaced by a test
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def config_option(command: F) -> F:
    """Give a command the option `--config FILE`, as its parameter `config_file`."""
    return click.option(
        "--config",
        "config_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        envvar="RAINBOW_EXCHANGE_CONFIG",
        help="Settings file; state and token lie beside it unless state.path says otherwise. Also as the variable"
        " RAINBOW_EXCHANGE_CONFIG.",
    )(command)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one line of JSON (docs/reference/commands.md)."
)


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines, without what steers a terminal."""
    for line in lines:
        click.echo(printable(line), err=err)


def here(instant: datetime) -> datetime:
    """Give an instant in this machine's zone."""
    return instant.astimezone()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at this stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


class Progress:
    """Prints what the daemon says while it works. Events it does not know are left out."""

    def __init__(self, write: Callable[[str], object], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now
        self._line_is_open = False

    def __call__(self, event: str, /, **values: Any) -> None:
        """Take one event of `daemon.Observer`."""
        match event:
            case "serving":
                self._line(f"Local page at {values['url']}; to sign in, once and within 10 minutes:")
                self._line(f"  {values['sign_in']}")
            case "listing_users" if values["total"] > LISTED_SILENTLY:
                self._rewrite(f"Listing users {values['done']}/{values['total']}", last=False)
            case "users_listed":
                self._line(f"Rainbow lists {counted(values['count'], 'user')}.")
            case "subscribed":
                self._rewrite(f"Subscribed {values['done']}/{values['total']}", last=values["done"] >= values["total"])
            case "change_told":
                self.say_now(f"{values['mailbox']}: {values['kind']} told to Rainbow after {values['seconds']:.1f} s")
            case "problem":
                self.say_now(f"Problem: {values['text']} {values['action']}")
            case "stopping":
                self._line("Stopping ...")
            case "stopped":
                self._line("Stopped.")
            case _:
                pass

    def say(self, text: str) -> None:
        """Print a line."""
        self._line(text)

    def say_now(self, text: str) -> None:
        """Print a line with the time of day."""
        self._line(f"{self._now().astimezone():%H:%M:%S}  {text}")

    def _line(self, text: str) -> None:
        self._out(("\n" if self._line_is_open else "") + text + "\n")
        self._line_is_open = False

    def _rewrite(self, text: str, *, last: bool) -> None:
        self._out(f"\r{text}" + ("\n" if last else ""))
        self._line_is_open = not last

    def _out(self, text: str) -> None:
        try:
            self._write(text)
        except (OSError, ValueError):  # the terminal is gone; the work goes on
            self._write = _nowhere


def _nowhere(_text: str) -> None:
    pass
