"""What stands in the code blocks of the documentation can be used: commands, settings, scripts, JSON."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from lxml import etree

from rainbow_exchange import config
from rainbow_exchange.cli.main import commands
from rainbow_exchange.config.sources import variable
from tests.pages import NAMES, PAGES, blocks, code, examples, read

POWERSHELL = dict(examples("powershell"))
#: what looks like a command and is none: the text that a daemon's proof is made of
NO_COMMAND = {"rainbow-exchange runtime"}
#: in a page's name of a variable these stand for any
ANY = {"RAINBOW_EXCHANGE_<GROUP>__<NAME>"}


def typed(page: Path) -> Iterator[list[str]]:
    """Give the words of each `rainbow-exchange …` that a page shows, up to a comment or a pipe.

    On its line may stand before it: a prompt, a path in quotes or without, `&`, `sudo -u rainbow-exchange`.
    """
    before = r"^(?:\$ |PS> |& |sudo (?:-u \S+ )?)?[\"']?(?:[\w.:/\\ ]*[/\\])?"
    lines = "\n".join(line for line in code(page).splitlines() if line not in NO_COMMAND)
    for line in re.findall(rf"{before}rainbow-exchange(?:\.exe)?[\"']?((?: .*)?)$", lines, flags=re.MULTILINE):
        yield re.split(r"\s#|[|>&;…]", line)[0].split()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_and_option_exists(page: Path) -> None:
    unknown = []
    for words in typed(page):
        command: click.Command | None = commands
        if words and not words[0].startswith("-"):
            command = commands.get_command(click.Context(commands), words[0])
        if isinstance(command, click.Group) and words[1:] and not words[1].startswith("-"):
            command = command.get_command(click.Context(command), words[1])
        parameters = command.params if command else []
        options = {option for each in parameters for option in [*each.opts, *each.secondary_opts]}
        shown = {word.strip("[]").partition("=")[0] for word in words if word.strip("[").startswith("--")}
        shown = {option for word in shown for option in word.split("|")} - {"--help", "--version"}
        if command is None or shown - options:
            unknown.append(f"rainbow-exchange {' '.join(words)}")
    assert unknown == []


def test_commands_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`rainbow-exchange status --json`\n\n```powershell\n.venv\\Scripts\\rainbow-exchange run --lab 20\n"
        '& "C:\\Program Files\\RainbowExchange\\rainbow-exchange.exe" check | more\n```\n'
        "```sh\nsudo -u rainbow-exchange rainbow-exchange login # once\n```\n",
        encoding="utf-8",
    )
    assert sorted(typed(page)) == [["check"], ["login"], ["run", "--lab", "20"], ["status", "--json"]]


@pytest.mark.parametrize("name", dict(examples("toml")))
def test_every_example_of_settings_is_read_without_a_fault(name: str, tmp_path: Path) -> None:
    text = dict(examples("toml"))[name]
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    for group in tomllib.loads(text).values():
        for key, value in group.items():
            if key.endswith("_file") and "/" not in value and "\\" not in value:
                (tmp_path / value).touch()

    assert config.read(file)[1] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_variable_sets_something(page: Path) -> None:
    known = {variable(key) for key in config.known()} | ANY
    named = set(re.findall(r"RAINBOW_EXCHANGE_[A-Z<][A-Z_<>]*__[A-Z_<>]+", read(page)))

    assert named - known == set()


@pytest.mark.parametrize("name", dict(examples("json")))
def test_every_example_of_json_is_json(name: str) -> None:
    json.loads(dict(examples("json"))[name])


def test_every_example_of_yaml_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="no PyYAML (pip install --group dev)")

    assert [name for name, block in examples("yaml", "yml") if yaml.safe_load(block) is None] == []


def test_every_example_of_xml_is_xml() -> None:
    for _, block in examples("xml"):
        etree.fromstring(f"<all>{re.sub(r'<[?].*?[?]>', '', block)}</all>")


@pytest.mark.parametrize("name", POWERSHELL)
def test_every_example_of_powershell_is_powershell(name: str) -> None:
    powershell = pytest.importorskip("tests.powershell", reason="no grammar of PowerShell (pip install --group dev)")

    assert powershell.faults(POWERSHELL[name]) == []


def test_every_example_for_a_shell_is_what_a_shell_reads() -> None:
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no sh on this machine")
    for name, block in examples("sh"):
        # what stands for the reader's own, as <port>, would lead somewhere else
        ran = subprocess.run(  # noqa: S603  (it reads, and runs nothing)
            [shell, "-n"], input=re.sub(r"<([\w -]+)>", r"\1", block), capture_output=True, text=True, check=False
        )
        assert (name, ran.returncode, ran.stderr) == (name, 0, "")


def test_nothing_is_called_by_a_language_that_is_not_looked_at() -> None:
    """`text` is whatever no language is; of the last three only Sphinx knows the form, in `make docs`."""
    read_here = {"toml", "json", "powershell", "sh", "xml", "yaml", "yml"}
    named = {kind for page in PAGES for kind in re.findall(r"^ *```([\w-]+)$", read(page), re.MULTILINE)}

    assert named - read_here <= {"text", "console", "ini", "nginx", "apache"}


def test_there_are_examples_of_each_kind() -> None:
    """So that none of the tests above comes to look at nothing."""
    counts = {kind: len(dict(examples(kind))) for kind in ("toml", "json", "powershell", "sh", "xml")}

    assert {kind for kind, count in counts.items() if count < 3} == set()
    assert len([words for page in PAGES for words in typed(page)]) > 300
    assert any(blocks(page) for page in PAGES)
