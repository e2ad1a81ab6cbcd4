"""What Exchange's administrator types against a cause that the check has found, ready to be copied. Pure.

Cmdlets: Microsoft's pages on New-ManagementRoleAssignment, Add-MailboxFolderPermission, Set-CASMailbox and
Set-OrganizationConfig. Whoever runs them is the administrator of Exchange, in the Exchange Management Shell.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rainbow_exchange.diagnosis import exchange_shell
from rainbow_exchange.errors import UserError
from rainbow_exchange.words import _

#: what is made in Exchange is called so
_NAME = "rainbow-exchange"
_GROUP = "Rainbow users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Lines for the Exchange Management Shell, and what they are for."""

    title: str
    lines: str


def remedies(cause: str, account: str, mailbox: str) -> list[Remedy]:
    """Give what can be typed against `cause`, for the account that signs in and a mailbox; [] where nothing can."""
    found = []
    for title, lines in _BY_CAUSE.get(cause, ()):
        try:
            found.append(Remedy(title=title, lines=lines(account, mailbox).strip()))
        except UserError:  # a name that cannot be written there, or none
            continue
    return found


def _for_all(account: str, _mailbox: str) -> str:
    return _without_undo(exchange_shell.impersonation(account, _NAME, group=None, scope=None))


def _for_group(account: str, _mailbox: str) -> str:
    return _without_undo(exchange_shell.impersonation(account, _NAME, group=_GROUP, scope=None))


def _reviewer(account: str, mailbox: str) -> str:
    return exchange_shell.reviewer(account, mailbox)


def _more(account: str, _mailbox: str) -> str:
    return _without_undo(exchange_shell.throttling(account, _NAME))


def _ews(account: str, _mailbox: str) -> str:
    who = exchange_shell.quoted(account)
    return f"""\
Set-CASMailbox -Identity {who} -EwsEnabled $true
Get-OrganizationConfig | Format-List 'EwsEnabled', 'EwsApplicationAccessPolicy', 'EwsAllowList', 'EwsBlockList'
"""


def _tips(_account: str, _mailbox: str) -> str:
    return "Set-OrganizationConfig -MailTipsAllTipsEnabled $true"


def _without_undo(text: str) -> str:
    return text.partition("# To take it away again")[0]


_Lines = Callable[[str, str], str]
_ACT_FOR: tuple[tuple[str, _Lines], ...] = (
    (
        _("Act for the members of one group (put the name of yours in place of {group})", group=_GROUP),
        _for_group,
    ),
    (_("Act for every mailbox"), _for_all),
)
_REVIEW: tuple[tuple[str, _Lines], ...] = ((_("Or read this one calendar, without acting for its owner"), _reviewer),)
_BY_CAUSE: Mapping[str, tuple[tuple[str, _Lines], ...]] = {
    "mailbox-impersonation-denied": _ACT_FOR,
    "mailbox-denied": (*_ACT_FOR, *_REVIEW),
    "exchange-impersonation-off": _ACT_FOR,
    "exchange-busy-only": (*_ACT_FOR, *_REVIEW),
    "exchange-out-of-office-unreadable": (*_ACT_FOR, (_("Or let Exchange tell mail tips"), _tips)),
    "exchange-subscriptions-exceeded": ((_("Allow the account more subscriptions and requests"), _more),),
    "exchange-busy": ((_("Allow the account more subscriptions and requests"), _more),),
    "exchange-forbidden": ((_("Allow the account Exchange Web Services, and see who else is kept out"), _ews),),
}
