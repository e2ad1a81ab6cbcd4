"""Each shell is driven by what it would ask; bash itself is run, with the Tab key."""

import json
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rainbow_exchange.cli import main
from tests import powershell
from tests.processes import COMMAND


def printed(shell: str) -> str:
    result = CliRunner().invoke(main.commands, ["completion", shell], prog_name="rainbow-exchange")
    assert result.exit_code == 0
    return result.output


def asked(shell: str, **environment: str) -> list[str]:
    """Ask as a shell does; give the lines of the answer."""
    result = CliRunner().invoke(
        main.commands,
        [],
        prog_name="rainbow-exchange",
        env={"_RAINBOW_EXCHANGE_COMPLETE": f"{shell}_complete"} | environment,
    )
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def bash(words: str) -> list[str]:
    return asked("bash", COMP_WORDS=f"rainbow-exchange {words}", COMP_CWORD=str(words.count(" ") + 1))


def test_a_command_is_completed_by_its_name() -> None:
    assert bash("st") == ["plain,status"]
    assert {"plain,run", "plain,status", "plain,throttling-policy"} <= set(bash(""))
    assert bash("throttling-policy ") == ["plain,print"]


def test_options_choices_and_files_are_completed() -> None:
    assert "plain,--config" in bash("run --")
    assert bash("run --config ") == ["file,"]
    assert bash("login --password-file se") == ["file,se"]
    assert bash("throttling-policy print --only ") == ["plain,throttling", "plain,impersonation"]
    assert bash("completion p") == ["plain,powershell"]
    assert {"plain,streamed", "plain,uncovered"} <= set(bash("mailboxes --state "))
    assert "plain,reason" in bash("mailboxes --sort r")
    assert bash("secret set exchange.p") == ["plain,exchange.password", "plain,exchange.proxy_url"]
    assert bash("mailboxes --csv ") == ["file,"]


def test_commands_are_completed_and_listed_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(main._Commands, "get_command", lambda _self, _context, name: read.append(name))

    assert "plain,run" in bash("r")
    assert CliRunner().invoke(main.commands, ["--help"]).output.count("\n  run  ") == 1
    assert read == []


def test_powershell_hands_over_words_as_it_has_read_them() -> None:
    words = ["run", "--config", "C:\\Program Files\\rainbow\\config.toml"]
    assert "plain\t--lab\t" in "\n".join(asked("powershell", COMP_WORDS=json.dumps(words), COMP_WORD="--l"))
    assert asked("powershell", COMP_WORDS='["run", "--config"]', COMP_WORD="'C:\\Pro") == ["file\tC:\\Pro\tC:\\Pro"]
    status = "plain\tstatus\tSay whether the connector is well and, if not, why and what to do."
    assert asked("powershell", COMP_WORDS="[]", COMP_WORD="stat") == [status]


@pytest.mark.parametrize("words", ["", "{}", "[", "null", "[1, null]"])
def test_powershell_gets_no_traceback_whatever_it_says(words: str) -> None:
    assert all(line.count("\t") == 2 for line in asked("powershell", COMP_WORDS=words, COMP_WORD=""))


def test_the_script_for_powershell_is_powershell() -> None:
    script = printed("powershell")

    assert powershell.faults(script) == []
    assert powershell.commands(script)[0] == "Register-ArgumentCompleter"
    assert "-CommandName 'rainbow-exchange'" in script
    assert "$env:_RAINBOW_EXCHANGE_COMPLETE = 'powershell_complete'" in script


@pytest.mark.parametrize(("shell", "asks"), [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")])
def test_the_scripts_ask_by_the_variable_that_is_looked_at(shell: str, asks: str) -> None:
    assert f"_RAINBOW_EXCHANGE_COMPLETE={asks}_complete" in printed(shell)


def test_an_unknown_shell_is_2_and_those_that_are_known_are_named() -> None:
    result = CliRunner().invoke(main.commands, ["completion", "tcsh"])

    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish', 'powershell'" in result.output


def every_command(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from every_command(found, f"{name} {each}".strip())


def test_whatever_takes_a_file_or_a_folder_completes_it() -> None:
    silent = [
        f"{name} {parameter.opts[0]}"
        for name, command in every_command(main.commands)
        for parameter in command.params
        if re.fullmatch(r"(FILE|FOLDER|DIR|PATH)", parameter.make_metavar(click.Context(command)).strip("[]"))
        and not isinstance(parameter.type, click.Path | click.File)
    ]
    assert silent == []


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_by_the_tab_key(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")  # Windows has none
    (tmp_path / "completion").write_text(printed("bash"))
    (tmp_path / "my-settings.toml").write_text("")
    ours, theirs = pty.openpty()
    environment = os.environ | {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "PS1": "> ", "TERM": "dumb"}
    process = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],  # noqa: S607  (wherever it is)
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, b"source ./completion\n")
        for typed, completed in (
            ("rainbow-exchange stat", "us "),
            ("run --config my-s", "ettings.toml "),
            ("throttling-policy print --only im", "personation "),
        ):
            line = typed if typed.startswith("rainbow") else f"rainbow-exchange {typed}"
            os.write(ours, f"{line}\t".encode())
            assert read_until(ours, line + completed)
            os.write(ours, b"\x15")  # Ctrl-U: begin the line anew
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal: int, text: str) -> bool:
    """Whether a text comes from the terminal within a minute."""
    shown, end = "", time.monotonic() + 60
    while text not in shown and time.monotonic() < end:
        readable, _, _ = select.select([terminal], [], [], 1)
        if readable:
            shown += os.read(terminal, 65536).decode(errors="replace")
    return text in shown
