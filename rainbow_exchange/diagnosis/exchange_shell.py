"""What an administrator types in the Exchange Management Shell: set, assign, verify and undo. Pure text.

Parameters: Microsoft's pages on New-ThrottlingPolicy, Set-ThrottlingPolicyAssociation, New-ManagementScope and
New-ManagementRoleAssignment; which of them matter to EWS: "EWS throttling in Exchange".
"""

from rainbow_exchange.errors import UserError
from rainbow_exchange.service.quoting import powershell_text

#: what the policy sets, in the order in which it is printed; milliseconds are of the server's time
_LIMITS = {
    "EwsMaxConcurrency": 100,
    "EwsMaxSubscriptions": 20_000,
    "EwsMaxBurst": 1_200_000,
    "EwsRechargeRate": 3_600_000,
    "EwsCutoffBalance": 12_000_000,
}

_THROTTLING = "## Throttling policy: more requests, subscriptions and server time for the account\n"
_IMPERSONATION = "## Role ApplicationImpersonation: a limit on streams for each mailbox, in place of one for all\n"
#: stands where the role would, as long as nobody has said for whom
FOR_WHOM = f"""\
{_IMPERSONATION}\
# Left out, since nobody has said whom the account may impersonate: --group NAME (the members of a distribution group,
# recommended), --scope FILTER (whom a recipient filter finds) or --everybody.
"""


def quoted(text: str) -> str:
    """Write a text in single quotes, where PowerShell expands nothing. Raise UserError for control characters."""
    if not text or not text.isprintable():
        raise UserError([f"{text!r} cannot be written on one line of PowerShell: leave out what is not printable."])
    return powershell_text(text)


def throttling(account: str, name: str) -> str:
    """Give the commands that let `account` ask for more, by a policy called `name`."""
    who, policy = quoted(account), quoted(name)
    limits = " ".join(f"-{limit} {value}" for limit, value in _LIMITS.items())
    return f"""\
{_THROTTLING}# Set: a policy of its own, above the stock numbers (27, 5000, 300000, 900000, 3000000)
if (-not (Get-ThrottlingPolicy | Where-Object Name -eq {policy})) {{
    New-ThrottlingPolicy -Name {policy} -ThrottlingPolicyScope Regular
}}
Set-ThrottlingPolicy -Identity {policy} {limits}
# Assign
Set-ThrottlingPolicyAssociation -Identity {who} -ThrottlingPolicy {policy}
# Verify: the account has the policy, the policy has the numbers
Get-ThrottlingPolicyAssociation -Identity {who} | Format-List 'Name', 'ThrottlingPolicyId'
Get-ThrottlingPolicy -Identity {policy} | Format-List 'Name', 'Ews*'
{_later(_take_policy_away(account, name))}"""


def throttling_undone(account: str, name: str) -> str:
    """Give the commands that take the policy away again."""
    return _THROTTLING + _take_policy_away(account, name)


def _take_policy_away(account: str, name: str) -> str:
    who, policy = quoted(account), quoted(name)
    return f"""\
# Undo: the account follows the default policy again
Set-ThrottlingPolicyAssociation -Identity {who} -ThrottlingPolicy $null
Get-ThrottlingPolicy | Where-Object Name -eq {policy} | Remove-ThrottlingPolicy -Confirm:$false
# Verify: nothing is listed
Get-ThrottlingPolicy | Where-Object Name -eq {policy}
"""


def impersonation(account: str, name: str, *, group: str | None, scope: str | None) -> str:
    """Give the commands that let `account` impersonate: the members of `group`, those in `scope` (OPATH), or all."""
    who, role = quoted(account), quoted(name)
    narrow = f" -CustomRecipientWriteScope {role}" if group or scope else ""
    return f"""\
{_IMPERSONATION}{_scope(role, group, scope)}# Assign the role, instead of what was assigned by that name before
Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq {role} |
    Remove-ManagementRoleAssignment -Confirm:$false
New-ManagementRoleAssignment -Name {role} -Role 'ApplicationImpersonation' -User {who}{narrow}
# Verify: who has the role, for whom; it may take up to an hour until Exchange knows
Get-ManagementRoleAssignment -Identity {role} |
    Format-List 'Name', 'Role', 'RoleAssigneeName', 'CustomRecipientWriteScope'
{_members(role) if narrow else ""}{_later(_take_role_away(name))}"""


def reviewer(account: str, mailbox: str) -> str:
    """Give the commands that let `account` read the calendar of `mailbox`, whatever that folder is called there."""
    who, box = quoted(account), quoted(mailbox)
    return f"""\
$calendar = Get-MailboxFolderStatistics -Identity {box} -FolderScope Calendar |
    Where-Object FolderType -eq 'Calendar'
$folder = {box} + ':' + $calendar.FolderPath.Replace('/', '\\')
Add-MailboxFolderPermission -Identity $folder -User {who} -AccessRights Reviewer
"""


def impersonation_undone(name: str) -> str:
    """Give the commands that take the role away again, and its scope if it has one."""
    return _IMPERSONATION + _take_role_away(name)


def _take_role_away(name: str) -> str:
    role = quoted(name)
    return f"""\
# Undo: the account may impersonate nobody any more
Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq {role} |
    Remove-ManagementRoleAssignment -Confirm:$false
Get-ManagementScope | Where-Object Name -eq {role} | Remove-ManagementScope -Confirm:$false
# Verify: nothing is listed
Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' | Where-Object Name -eq {role}
Get-ManagementScope | Where-Object Name -eq {role}
"""


def _scope(role: str, group: str | None, scope: str | None) -> str:
    if group:
        return f"""\
# Set the scope: the direct members of a group; those of groups within it are none
$group = (Get-DistributionGroup -Identity {quoted(group)}).DistinguishedName.Replace("'", "''")
$filter = "MemberOfGroup -eq '$group'"
{_set_scope(role)}"""
    if scope:
        return f"""\
# Set the scope: whoever the filter finds
$filter = {quoted(scope)}
{_set_scope(role)}"""
    return "# No scope: the account may impersonate every mailbox\n"


def _set_scope(role: str) -> str:
    return f"""\
if (Get-ManagementScope | Where-Object Name -eq {role}) {{
    Set-ManagementScope -Identity {role} -RecipientRestrictionFilter $filter
}} else {{
    New-ManagementScope -Name {role} -RecipientRestrictionFilter $filter
}}
"""


def _members(role: str) -> str:
    return f"""\
Get-Recipient -ResultSize Unlimited -RecipientPreviewFilter (Get-ManagementScope -Identity {role}).RecipientFilter
"""


def _later(undo: str) -> str:
    """Write commands as remarks, so that they stand there and nobody runs them by pasting it all."""
    return "# To take it away again, run these lines without their first #\n" + "".join(
        f"# {line}\n" for line in undo.splitlines()
    )
