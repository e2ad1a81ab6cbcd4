import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rainbow_exchange import __version__
from rainbow_exchange.cli import main
from rainbow_exchange.state.errors import StateError


def test_help_names_every_command_and_an_example() -> None:
    result = CliRunner().invoke(main.commands, ["--help"])

    assert result.exit_code == 0
    for command in main._COMMANDS:
        assert f"\n  {command} " in result.output
    assert "rainbow-exchange run --lab 20" in result.output


@pytest.mark.parametrize("command", sorted(main._COMMANDS))
def test_help_of_each_command_teaches_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main.commands, [command, "-h"], prog_name="rainbow-exchange")

    assert result.exit_code == 0
    assert f"rainbow-exchange {command}" in result.output.split("\n", 1)[1]


def test_version() -> None:
    result = CliRunner().invoke(main.commands, ["--version"], prog_name="rainbow-exchange")

    first, second = result.output.splitlines()
    assert first.startswith(f"rainbow-exchange {__version__} (Python ")
    assert second == "state schema 1, status schema 1"


def test_an_unknown_command_is_2() -> None:
    result = CliRunner().invoke(main.commands, ["fly"])

    assert result.exit_code == 2
    assert "No such command 'fly'" in result.output


def test_a_state_that_cannot_be_used_is_1_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("broken")
    def broken() -> None:
        raise StateError("locked", Path("state.db"), "is in use; stop the other one")

    monkeypatch.setattr(main._Commands, "get_command", lambda *_: broken)
    result = CliRunner().invoke(main.commands, ["broken"])

    assert (result.exit_code, result.output) == (1, "Error: state.db is in use; stop the other one.\n")


def test_the_package_is_a_command() -> None:
    command = [sys.executable, "-m", "rainbow_exchange", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603  (ours)

    assert done.stdout.startswith("rainbow-exchange ")
