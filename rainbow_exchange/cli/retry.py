"""`rainbow-exchange retry`: do not wait for the next try."""

import sys
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.terminal import config_option

UNKNOWN = 1


@click.command()
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Everybody whose mailbox is not streamed.")
@config_option
def retry(addresses: tuple[str, ...], everybody: bool, config_file: Path | None) -> None:
    """Try mailboxes now that are to be tried later, once their cause is mended.

    Credentials that Exchange or Rainbow has refused are tried once more as well, and what Rainbow asked to wait with.

    \b
    Exit code: 0 tried, 1 nobody has one of these addresses, 3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange retry ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    if bool(addresses) == everybody:
        raise click.UsageError("Name the users' addresses, or --all.")
    folder = config.data_folder(config.load(config_file))
    answer = local_api.ask(folder, "/api/retry", content={"all": True} if everybody else {"addresses": list(addresses)})
    _tell(answer)
    sys.exit(UNKNOWN if answer["unknown"] else 0)


def _tell(answer: dict[str, Any]) -> None:
    for address in answer["retried"]:
        click.echo(f"{address}: tried now; see rainbow-exchange status")
    for address in answer.get("read", []):
        click.echo(f"{address}: streamed already; its calendar, which could not be read, is read again now")
    for address in answer["streamed"]:
        click.echo(f"{address}: streamed already")
    for address in answer["unknown"]:
        click.echo(f"{address}: no user of the company has this address", err=True)
    if not any(answer.values()):
        click.echo(
            "No mailbox waits for a try. Whatever Exchange or Rainbow had refused is tried now: see rainbow-exchange"
            " status."
        )
