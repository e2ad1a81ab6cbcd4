from pathlib import Path

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, ["powershell", *arguments])
    return result.exit_code, result.stdout, result.stderr


def settings(tmp_path: Path, text: str) -> str:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_account_is_that_of_the_settings_unless_another_is_named(tmp_path: Path) -> None:
    config = settings(tmp_path, '[exchange]\nusername = "ACME\\\\svc"\n')
    code, out, _ = run("throttling", "--config", config)
    assert (code, out.count("-Identity 'ACME\\svc'")) == (0, 2)
    _, out, _ = run("throttling", "--config", config, "--account", "other")
    assert out.count("-Identity 'other'") == 2
    _, out, _ = run("impersonation", "--config", config, "--scope", "Department -eq 'R'")
    assert "-User 'ACME\\svc'" in out
    assert "$filter = 'Department -eq ''R'''" in out


def test_without_an_account_it_is_asked_for(tmp_path: Path) -> None:
    token = '[exchange]\ntoken_url = "https://adfs.acme.test/adfs/oauth2/token"\nclient_id = "0f8fad5b"\n'
    for text in ("", token):
        code, out, error = run("impersonation", "--config", settings(tmp_path, text))
        assert (code, out) == (2, "")
        assert "--account NAME, or set exchange.username" in error


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ("throttling --undo --account a", "Set-ThrottlingPolicyAssociation -Identity 'a' -ThrottlingPolicy $null"),
        ("impersonation --undo", "Remove-ManagementRoleAssignment -Identity 'rainbow-exchange' -Confirm:$false"),
        ("impersonation --undo --name x'y", "Remove-ManagementRoleAssignment -Identity 'x''y' -Confirm:$false"),
    ],
)
def test_undo(arguments: str, first: str) -> None:
    code, out, _ = run(*arguments.split())
    assert (code, out.splitlines()[1]) == (0, first)


def test_group_and_scope_exclude_each_other() -> None:
    code, _, error = run("impersonation", "--account", "a", "--group", "g", "--scope", "s")
    assert code == 2
    assert "exclude each other" in error


@pytest.mark.parametrize("option", ["--group", "--scope"])
@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize("more", [[], ["--undo"]])
def test_an_empty_group_or_scope_is_not_everybody(option: str, value: str, more: list[str]) -> None:
    code, out, error = run("impersonation", "--account", "a", option, value, *more)
    assert (code, out) == (2, "")
    assert f"{option} is empty" in error


def test_a_name_that_cannot_be_quoted_is_refused() -> None:
    code, out, error = run("throttling", "--account", "a\nRemove-Item x")
    assert (code, out) == (2, "")
    assert "not printable" in error


@pytest.mark.parametrize("command", ["throttling", "impersonation"])
def test_the_help_shows_an_example(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"rainbow-exchange powershell {command} --" in out
