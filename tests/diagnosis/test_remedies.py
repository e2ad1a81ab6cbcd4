"""Lines for Exchange's administrator, compared with literals and judged by a grammar of PowerShell."""

import pytest

from rainbow_exchange.diagnosis.remedies import remedies
from tests.powershell import commands, faults


@pytest.mark.parametrize(
    ("cause", "called"),
    [
        ("mailbox-impersonation-denied", ["New-ManagementRoleAssignment"]),
        ("mailbox-denied", ["New-ManagementRoleAssignment", "Add-MailboxFolderPermission"]),
        ("exchange-impersonation-off", ["New-ManagementRoleAssignment"]),
        ("exchange-busy-only", ["New-ManagementRoleAssignment", "Add-MailboxFolderPermission"]),
        ("exchange-out-of-office-unreadable", ["New-ManagementRoleAssignment", "Set-OrganizationConfig"]),
        ("exchange-subscriptions-exceeded", ["Set-ThrottlingPolicy"]),
        ("exchange-busy", ["Set-ThrottlingPolicy"]),
        ("exchange-forbidden", ["Set-CASMailbox"]),
    ],
)
def test_each_missing_right_has_its_lines(cause: str, called: list[str]) -> None:
    found = remedies(cause, "ACME\\svc", "o'brien@acme.test")

    assert [faults(each.lines) for each in found] == [[]] * len(found)
    every = [name for each in found for name in commands(each.lines)]
    assert set(called) <= set(every)
    assert all("'ACME\\svc'" in each.lines for each in found if "MailTips" not in each.lines)


def test_a_calendar_is_named_as_its_owner_s_language_has_it() -> None:
    [*_, reviewer] = remedies("exchange-busy-only", "svc", "o'brien@acme.test")

    assert reviewer.lines == (
        "$calendar = Get-MailboxFolderStatistics -Identity 'o''brien@acme.test' -FolderScope Calendar |\n"
        "    Where-Object FolderType -eq 'Calendar'\n"
        "$folder = 'o''brien@acme.test' + ':' + $calendar.FolderPath.Replace('/', '\\')\n"
        "Add-MailboxFolderPermission -Identity $folder -User 'svc' -AccessRights Reviewer"
    )


@pytest.mark.parametrize(("cause", "account"), [("exchange-certificate", "svc"), ("exchange-forbidden", "a\nb")])
def test_nothing_is_made_up(cause: str, account: str) -> None:
    assert remedies(cause, account, "ada@acme.test") == []
