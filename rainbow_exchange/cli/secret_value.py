"""A secret that somebody types or pipes: never an option's value, which the list of processes would show."""

import sys
from pathlib import Path

import click

from rainbow_exchange.cli.steps import at_the_keyboard
from rainbow_exchange.cli.terminal import is_terminal
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_files import decode, read_file

_MAX_BYTES = 64 * 1024
_STANDARD_INPUT = Path("-")

FILE_OPTION = click.option(
    "--file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A file that holds it; - is standard input.",
)


def typed(name: str, file: Path | None) -> str:
    """Give the secret: from the file, else typed twice at a terminal, else from standard input. Raises UserError."""
    if file is not None and file != _STANDARD_INPUT:
        return _of_file(file, "--file")
    if is_terminal(sys.stdin):
        with at_the_keyboard():
            return str(click.prompt(f"New {name}", hide_input=True, confirmation_prompt="The same again", err=True))
    return _piped(name, "--file")


def read_option(file: Path | None, option: str) -> str | None:
    """Give the secret in the file that an option names, or on standard input for -. Raises UserError."""
    if file is None:
        return None
    return _piped("the secret", option) if file == _STANDARD_INPUT else _of_file(file, option)


def _of_file(file: Path, option: str) -> str:
    try:
        return read_file(file, may_wait=True)
    except ValueError as error:
        raise UserError([f"{option}: {file} {error}."]) from None


def _piped(name: str, option: str) -> str:
    try:
        content = sys.stdin.buffer.read(_MAX_BYTES + 1)
    except (AttributeError, OSError, ValueError):  # closed, or never there
        content = b""
    if not content:
        raise UserError([f"Standard input holds nothing; write {name} into it, or name a file: {option}."])
    try:
        return decode(content)
    except ValueError as error:
        raise UserError([f"Standard input {error}."]) from None
