"""`rainbow-exchange powershell`: commands for Exchange's administrator, with this installation's account in them."""

from pathlib import Path

import click

from rainbow_exchange import config
from rainbow_exchange.cli import exchange_shell
from rainbow_exchange.cli.terminal import config_option
from rainbow_exchange.errors import UserError

_account = click.option("--account", help="The account.  [default: exchange.username]")
_name = click.option(
    "--name", default="rainbow-exchange", show_default=True, help="What is made in Exchange is called."
)
_undo = click.option("--undo", is_flag=True, help="Print what takes it away again.")


@click.group()
def powershell() -> None:
    """Print what to type in the Exchange Management Shell; nothing is changed by this command.

    \b
    Example:
        rainbow-exchange powershell throttling > policy.ps1
        rainbow-exchange powershell impersonation --group "Rainbow users"
    """  # noqa: D301  (\b is click's: keep these lines)


@powershell.command()
@_account
@_name
@_undo
@config_option
def throttling(account: str | None, name: str, undo: bool, config_file: Path | None) -> None:
    """Set, assign and verify a throttling policy of the account's own.

    It raises the limits on requests, subscriptions and server time. The limit on streams is none of a policy:
    impersonation lifts it (rainbow-exchange powershell impersonation).

    \b
    Example:
        rainbow-exchange powershell throttling --account svc-rainbow
        rainbow-exchange powershell throttling --account svc-rainbow --undo
    """  # noqa: D301  (\b is click's: keep these lines)
    who = _account_of(account, config_file)
    said = exchange_shell.throttling_undone(who, name) if undo else exchange_shell.throttling(who, name)
    click.echo(said, nl=False)


@powershell.command()
@click.option("--group", metavar="NAME", help="Only the members of this distribution group (recommended).")
@click.option("--scope", metavar="FILTER", help="Only those whom this recipient filter finds.")
@_account
@_name
@_undo
@config_option
def impersonation(
    *, group: str | None, scope: str | None, account: str | None, name: str, undo: bool, config_file: Path | None
) -> None:
    """Give the account the role ApplicationImpersonation, for a scope of mailboxes, and verify it.

    \b
    Example:
        rainbow-exchange powershell impersonation --account svc-rainbow --group "Rainbow users"
        rainbow-exchange powershell impersonation --scope "CustomAttribute1 -eq 'rainbow'"
        rainbow-exchange powershell impersonation --undo
    """  # noqa: D301  (\b is click's: keep these lines)
    if group is not None and scope is not None:
        raise click.UsageError("--group and --scope exclude each other; give one of them.")
    for option, value in (("--group", group), ("--scope", scope)):
        if value is not None and not value.strip():
            raise click.UsageError(f"{option} is empty. Name whom you mean, or leave it out if you mean everybody.")
    if undo:
        said = exchange_shell.impersonation_undone(name)
    else:
        said = exchange_shell.impersonation(_account_of(account, config_file), name, group=group, scope=scope)
    click.echo(said, nl=False)


def _account_of(account: str | None, config_file: Path | None) -> str:
    if account is not None:
        return account
    found = config.load(config_file).exchange.username
    if not found:
        raise UserError(["Which account? Give --account NAME, or set exchange.username."])
    return found
