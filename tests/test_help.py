"""What every command says of itself: how it ends, an example, and JSON with a version. Every new one is held to it."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from docs.made.commands import every_command, how_it_ends
from rainbow_exchange import config
from rainbow_exchange.cli import main
from rainbow_exchange.cli.summaries import SUMMARIES

ALL = dict(every_command())
LEAVES = {name: command for name, command in ALL.items() if not isinstance(command, click.Group)}


def codes(text: str) -> list[int]:
    """Give the exit codes that a sentence names, each at the beginning of a part of it."""
    return [int(code) for code in re.findall(r"(?:^|[,;] |with --strict )(\d+) ", text)]


def test_there_are_commands() -> None:
    assert {"run", "status", "config show", "throttling-policy print"} <= LEAVES.keys()
    assert {"config", "throttling-policy"} <= ALL.keys() - LEAVES.keys()


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_help_has_an_example(name: str) -> None:
    text = ALL[name].help or ""
    examples = re.findall(rf"^\s+rainbow-exchange {name}\b", text, re.MULTILINE)

    assert examples, f"The help of `{name}` shows no example that begins with `rainbow-exchange {name}`."
    assert "\n\b\nExample" in re.sub(r"[ \t]+", "", text), f"`{name}`: put a \\b before `Example:`."


def test_the_list_of_commands_has_the_first_sentence_of_each() -> None:
    context = click.Context(main.commands)
    first = {name: ALL[name].get_short_help_str(1000) for name in main.commands.list_commands(context)}

    assert first == SUMMARIES


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_the_help_says_how_it_ends(name: str) -> None:
    said = how_it_ends(LEAVES[name])

    assert said, f"The help of `{name}` has no paragraph `Exit code: 0 …, 2 …`, with a \\b before it."
    assert 0 in codes(said), f"`{name}` does not say what it means that it ends with 0."


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_options_that_all_have_are_alike(name: str) -> None:
    options = {opt: each for each in LEAVES[name].params if isinstance(each, click.Option) for opt in each.opts}

    if each := options.get("--config"):
        assert (each.name, each.metavar, each.envvar) == ("config_file", "FILE", "RAINBOW_EXCHANGE_CONFIG")
    if each := options.get("--json"):
        assert each.is_flag


#: how each command that has --json is run here, without a daemon
RUNNABLE = {
    "check": "check --json",
    "config check": "config check --json",
    "config show": "config show --json",
    "secret list": "secret list --json",
    "secret where": "secret where exchange.password --json",
    "service print": "service print --for linux --json",
    "service status": "service status --json",
    "status": "status --json",
}


def test_every_other_command_that_prints_json_has_a_test_that_looks_at_its_version() -> None:
    """Those that take a daemon, a Rainbow or a service: in a module of tests that is named after the command."""
    with_json = {name for name, command in LEAVES.items() if any("--json" in each.opts for each in command.params)}
    tests = Path(__file__).parent
    silent = []
    for name in sorted(with_json - RUNNABLE.keys()):
        module = f"test_{name.split(' ')[0].replace('-', '_')}.py"
        files = [*(tests / "cli").glob(module), *(tests / "diagnosis").glob(module)]
        if not any("schema_version" in file.read_text(encoding="utf-8") for file in files):
            silent.append(f"{name}: tests/cli/{module} does not look at schema_version")

    assert silent == []
    assert RUNNABLE.keys() <= with_json


@pytest.mark.parametrize("name", sorted(RUNNABLE))
def test_json_is_one_line_with_a_version(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "default_folder", lambda: tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    result = CliRunner().invoke(main.commands, shlex.split(RUNNABLE[name]), prog_name="rainbow-exchange")

    assert result.stdout.count("\n") == 1, result.output
    assert json.loads(result.stdout)["schema_version"] == 1
