"""`rainbow-exchange throttling-policy print`: what Exchange's administrator types, with this installation's account."""

from pathlib import Path

import click

from rainbow_exchange.cli.terminal import config_option
from rainbow_exchange.diagnosis import exchange_shell
from rainbow_exchange.errors import UserError


@click.group("throttling-policy")
def throttling_policy() -> None:
    """Have Exchange allow the account more. Nothing is changed by this command: it prints what to type.

    \b
    Exit code: 0 printed, 2 bad settings or options.
    \b
    Example:
        rainbow-exchange throttling-policy print --group "Rainbow users" > policy.ps1
    """  # noqa: D301  (\b is click's: keep these lines)


@throttling_policy.command("print")
@click.option("--group", metavar="NAME", help="Impersonate the direct members of this distribution group alone.")
@click.option("--scope", metavar="FILTER", help="Impersonate those alone whom this recipient filter finds.")
@click.option("--everybody", is_flag=True, help="Impersonate every mailbox there is.")
@click.option(
    "--only", type=click.Choice(["throttling", "impersonation"]), help="Print this section alone.  [default: both]"
)
@click.option("--undo", is_flag=True, help="Print what takes it away again, and nothing else.")
@click.option("--account", metavar="NAME", help="The account.  [default: exchange.username]")
@click.option(
    "--name",
    metavar="NAME",
    default="rainbow-exchange",
    show_default=True,
    help="What is made in Exchange is called so.",
)
@config_option
def print_it(
    *,
    group: str | None,
    scope: str | None,
    everybody: bool,
    only: str | None,
    undo: bool,
    account: str | None,
    name: str,
    config_file: Path | None,
) -> None:
    """Print commands for the Exchange Management Shell: set, assign, verify, undo.

    Two sections: a throttling policy of the account's own, with higher limits on requests, subscriptions and server
    time; and the role ApplicationImpersonation, which lifts the limit on streams. Whom the account may impersonate
    you say by --group, --scope or --everybody; without one of them that section stays out.

    \b
    Exit code: 0 printed, 2 bad settings or options, or no account is known.
    \b
    Examples:
        rainbow-exchange throttling-policy print --account svc-rainbow
        rainbow-exchange throttling-policy print --group "Rainbow users"
        rainbow-exchange throttling-policy print --only impersonation --scope "CustomAttribute1 -eq 'rainbow'"
        rainbow-exchange throttling-policy print --undo
    """  # noqa: D301  (\b is click's: keep these lines)
    given = [option for option, value in (("--group", group), ("--scope", scope), ("--everybody", everybody)) if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other; give one of them.")
    for option, value in (("--group", group), ("--scope", scope)):
        if value is not None and not value.strip():
            raise click.UsageError(f"{option} is empty. Name whom you mean, or give --everybody if you mean everybody.")
    if given and (undo or only == "throttling"):
        raise click.UsageError(f"{given[0]} says nothing here; leave it out.")
    if only == "impersonation" and not (given or undo):
        raise click.UsageError("Whom may the account impersonate? Give --group NAME, --scope FILTER or --everybody.")
    parts = []
    if only != "impersonation":
        policy = exchange_shell.throttling_undone if undo else exchange_shell.throttling
        parts.append(policy(_account_of(account, config_file), name))
    if undo and only != "throttling":
        parts.append(exchange_shell.impersonation_undone(name))
    elif given:
        parts.append(exchange_shell.impersonation(_account_of(account, config_file), name, group=group, scope=scope))
    elif only is None:
        parts.append(exchange_shell.FOR_WHOM)
    click.echo("\n".join(parts), nl=False)


def _account_of(account: str | None, config_file: Path | None) -> str:
    if account is not None:
        return account
    from rainbow_exchange import config  # noqa: PLC0415  (reading settings takes longer than all the rest)

    found = config.load(config_file).exchange.username
    if not found:
        raise UserError(["Which account? Give --account NAME, or set exchange.username."])
    return found
