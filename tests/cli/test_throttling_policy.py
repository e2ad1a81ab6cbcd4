from pathlib import Path

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests import powershell


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, ["throttling-policy", "print", *arguments])
    return result.exit_code, result.stdout, result.stderr


def settings(tmp_path: Path, text: str) -> str:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


POLICY_SET = [
    *("Get-ThrottlingPolicy", "Where-Object", "New-ThrottlingPolicy", "Set-ThrottlingPolicy"),
    "Set-ThrottlingPolicyAssociation",
    *("Get-ThrottlingPolicyAssociation", "Format-List", "Get-ThrottlingPolicy", "Format-List"),
]
SCOPE_SET = ["Get-ManagementScope", "Where-Object", "Set-ManagementScope", "New-ManagementScope"]
ROLE_GIVEN = [
    *("Get-ManagementRoleAssignment", "Where-Object", "Remove-ManagementRoleAssignment"),
    "New-ManagementRoleAssignment",
    *("Get-ManagementRoleAssignment", "Format-List"),
]
SCOPE_SHOWN = ["Get-Recipient", "Get-ManagementScope"]
POLICY_UNDONE = [
    "Set-ThrottlingPolicyAssociation",
    *("Get-ThrottlingPolicy", "Where-Object", "Remove-ThrottlingPolicy"),
    *("Get-ThrottlingPolicy", "Where-Object"),
]
ROLE_UNDONE = [
    *("Get-ManagementRoleAssignment", "Where-Object", "Remove-ManagementRoleAssignment"),
    *("Get-ManagementScope", "Where-Object", "Remove-ManagementScope"),
    *("Get-ManagementRoleAssignment", "Where-Object", "Get-ManagementScope", "Where-Object"),
]


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        ([], POLICY_SET),
        (["--only", "throttling"], POLICY_SET),
        (
            ["--group", "L'équipe"],
            [*POLICY_SET, "Get-DistributionGroup", *SCOPE_SET, *ROLE_GIVEN, *SCOPE_SHOWN],
        ),
        (["--only", "impersonation", "--scope", "A -eq 'x'"], [*SCOPE_SET, *ROLE_GIVEN, *SCOPE_SHOWN]),
        (["--everybody", "--only", "impersonation"], ROLE_GIVEN),
        (["--undo"], [*POLICY_UNDONE, *ROLE_UNDONE]),
        (["--undo", "--only", "throttling"], POLICY_UNDONE),
        (["--undo", "--only", "impersonation"], ROLE_UNDONE),
    ],
)
def test_what_is_printed_is_powershell_and_calls_what_it_should(arguments: list[str], called: list[str]) -> None:
    code, script, _ = run("--account", "ACME\\svc\u2019s", "--name", 'a "$(b)"', *arguments)

    assert code == 0
    assert powershell.faults(script) == []
    assert powershell.commands(script) == called


def test_the_undo_stands_there_as_a_remark_and_is_powershell_without_the_sign() -> None:
    _, script, _ = run("--account", "a", "--group", "g")
    remarks = [line.removeprefix("# ") for line in script.splitlines() if line.startswith("# ")]
    begun = [index for index, line in enumerate(remarks) if line.startswith("To take it away again")]
    undo = "\n".join(line for index in begun for line in remarks[index + 1 :][:7] if "-" in line)

    assert len(begun) == 2
    assert powershell.faults(undo) == []
    assert "Remove-ThrottlingPolicy -Confirm:$false" in undo
    assert "Remove-ManagementScope -Confirm:$false" in undo


def test_without_a_word_on_whom_nobody_is_impersonated_and_it_is_said() -> None:
    _, script, _ = run("--account", "a")

    assert "nobody has said whom the account may impersonate: --group NAME" in script
    assert "New-ManagementRoleAssignment" not in script


def test_the_account_is_that_of_the_settings_unless_another_is_named(tmp_path: Path) -> None:
    config = settings(tmp_path, '[exchange]\nusername = "ACME\\\\svc"\n')
    code, out, _ = run("--config", config)
    assert (code, out.count("\nSet-ThrottlingPolicyAssociation -Identity 'ACME\\svc'")) == (0, 1)
    _, out, _ = run("--config", config, "--account", "other")
    assert out.count("\nSet-ThrottlingPolicyAssociation -Identity 'other'") == 1
    _, out, _ = run("--config", config, "--scope", "Department -eq 'R'")
    assert "-User 'ACME\\svc'" in out
    assert "$filter = 'Department -eq ''R'''" in out


def test_without_an_account_it_is_asked_for(tmp_path: Path) -> None:
    token = '[exchange]\ntoken_url = "https://adfs.acme.test/adfs/oauth2/token"\nclient_id = "0f8fad5b"\n'
    for text in ("", token):
        code, out, error = run("--everybody", "--config", settings(tmp_path, text))
        assert (code, out) == (2, "")
        assert "--account NAME, or set exchange.username" in error


def test_the_role_can_be_taken_away_without_a_word_on_the_account() -> None:
    code, out, _ = run("--undo", "--only", "impersonation", "--name", "x'y")

    assert code == 0
    assert "Where-Object Name -eq 'x''y'" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--group", "g", "--scope", "s"], "--group and --scope exclude each other"),
        (["--group", "g", "--everybody"], "--group and --everybody exclude each other"),
        (["--group", ""], "--group is empty"),
        (["--group", " "], "--group is empty"),
        (["--scope", ""], "--scope is empty"),
        (["--scope", "", "--undo"], "--scope is empty"),
        (["--group", "g", "--undo"], "--group says nothing here"),
        (["--everybody", "--only", "throttling"], "--everybody says nothing here"),
        (["--only", "impersonation"], "Whom may the account impersonate?"),
        (["--account", "a\nRemove-Item x"], "not printable"),
        (["--name", ""], "not printable"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    code, out, error = run("--account", "a", *arguments)

    assert (code, out) == (2, "")
    assert said in error
