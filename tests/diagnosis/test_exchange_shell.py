"""Texts for the Exchange Management Shell, compared with literals: no PowerShell is needed to read them."""

import re
from pathlib import Path

import pytest

from rainbow_exchange.diagnosis import exchange_shell
from rainbow_exchange.errors import UserError

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "throttling.md"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("svc-rainbow", "'svc-rainbow'"),
        ("ACME\\svc", "'ACME\\svc'"),
        ("O'Brien", "'O''Brien'"),
        ("a\u2019b\u2018c\u201ad\u201be", "'a\u2019\u2019b\u2018\u2018c\u201a\u201ad\u201b\u201be'"),
        ('$(Remove-Item x) `n "q"', "'$(Remove-Item x) `n \"q\"'"),
    ],
)
def test_nothing_in_a_name_is_anything_but_a_name(text: str, written: str) -> None:
    assert exchange_shell.quoted(text) == written


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "", "a\u2028b"])
def test_what_would_end_the_line_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="PowerShell"):
        exchange_shell.quoted(text)


def commands(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_policy_is_set_assigned_verified_and_undone() -> None:
    limits = (
        "-EwsMaxConcurrency 100 -EwsMaxSubscriptions 20000"
        " -EwsMaxBurst 1200000 -EwsRechargeRate 3600000 -EwsCutoffBalance 12000000"
    )
    assert commands(exchange_shell.throttling("O'Brien", "p")) == [
        "if (-not (Get-ThrottlingPolicy | Where-Object Name -eq 'p')) {",
        "New-ThrottlingPolicy -Name 'p' -ThrottlingPolicyScope Regular",
        "}",
        f"Set-ThrottlingPolicy -Identity 'p' {limits}",
        "Set-ThrottlingPolicyAssociation -Identity 'O''Brien' -ThrottlingPolicy 'p'",
        "Get-ThrottlingPolicyAssociation -Identity 'O''Brien' | Format-List 'Name', 'ThrottlingPolicyId'",
        "Get-ThrottlingPolicy -Identity 'p' | Format-List 'Name', 'Ews*'",
    ]
    assert commands(exchange_shell.throttling_undone("svc", "p")) == [
        "Set-ThrottlingPolicyAssociation -Identity 'svc' -ThrottlingPolicy $null",
        "Get-ThrottlingPolicy | Where-Object Name -eq 'p' | Remove-ThrottlingPolicy -Confirm:$false",
        "Get-ThrottlingPolicy | Where-Object Name -eq 'p'",
    ]


def test_the_role_is_given_for_a_group_for_a_filter_or_for_all() -> None:
    shown = "'Name', 'Role', 'RoleAssigneeName', 'CustomRecipientWriteScope'"
    verified = ["Get-ManagementRoleAssignment -Identity 'r' |", f"Format-List {shown}"]
    assigned = "New-ManagementRoleAssignment -Name 'r' -Role 'ApplicationImpersonation' -User 'svc'"
    found = "(Get-ManagementScope -Identity 'r').RecipientFilter"
    set_scope = [
        "if (Get-ManagementScope | Where-Object Name -eq 'r') {",
        "Set-ManagementScope -Identity 'r' -RecipientRestrictionFilter $filter",
        "} else {",
        "New-ManagementScope -Name 'r' -RecipientRestrictionFilter $filter",
        "}",
    ]
    replaced = [
        "Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq 'r' |",
        "Remove-ManagementRoleAssignment -Confirm:$false",
    ]
    scoped = [
        *set_scope,
        *replaced,
        f"{assigned} -CustomRecipientWriteScope 'r'",
        *verified,
        f"Get-Recipient -ResultSize Unlimited -RecipientPreviewFilter {found}",
    ]
    assert commands(exchange_shell.impersonation("svc", "r", group="L'équipe", scope=None)) == [
        "$group = (Get-DistributionGroup -Identity 'L''équipe').DistinguishedName.Replace(\"'\", \"''\")",
        "$filter = \"MemberOfGroup -eq '$group'\"",
        *scoped,
    ]
    assert commands(exchange_shell.impersonation("svc", "r", group=None, scope="CustomAttribute1 -eq 'x'")) == [
        "$filter = 'CustomAttribute1 -eq ''x'''",
        *scoped,
    ]
    assert commands(exchange_shell.impersonation("svc", "r", group=None, scope=None)) == [
        *replaced,
        assigned,
        *verified,
    ]


def test_the_role_is_taken_away_with_its_scope() -> None:
    assert commands(exchange_shell.impersonation_undone("r")) == [
        "Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq 'r' |",
        "Remove-ManagementRoleAssignment -Confirm:$false",
        "Get-ManagementScope | Where-Object Name -eq 'r' | Remove-ManagementScope -Confirm:$false",
        "Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq 'r'",
        "Get-ManagementScope | Where-Object Name -eq 'r'",
    ]


def test_the_page_shows_what_the_command_prints() -> None:
    shown = re.findall(r"```powershell\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    name = "rainbow-exchange"
    assert shown == [
        exchange_shell.throttling("svc-rainbow", name),
        exchange_shell.impersonation("svc-rainbow", name, group="Rainbow users", scope=None),
    ]
