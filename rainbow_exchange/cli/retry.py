"""`rainbow-exchange retry`: do not wait for the next try."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.terminal import config_option, json_option
from rainbow_exchange.network.shown import printable

SCHEMA_VERSION = 1
UNKNOWN = 1


@click.command()
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option(
    "--all", "everybody", is_flag=True, help="Everybody whose mailbox is not streamed, as without an ADDRESS."
)
@json_option
@config_option
def retry(*, addresses: tuple[str, ...], everybody: bool, as_json: bool, config_file: Path | None) -> None:
    """Try mailboxes now that are to be tried later, once their cause is mended: those of ADDRESS, or all.

    Credentials that Exchange or Rainbow has refused are tried once more as well, and what Rainbow asked to wait with.
    Nothing is read anew that could be read: that is rainbow-exchange resync.

    \b
    Exit code: 0 tried, 1 it is not clear who is meant by one of these addresses,
    3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange retry ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    if addresses and everybody:
        raise click.UsageError("Name the users' addresses, or --all.")
    folder = config.data_folder(config.load(config_file))
    content = {"addresses": list(addresses)} if addresses else {"all": True}
    answer = local_api.ask(folder, "/api/retry", content=content)
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | answer))
    else:
        _tell(answer, named=bool(addresses))
    missed = answer["unknown"] or answer.get("several") or (addresses and answer.get("reason"))
    sys.exit(UNKNOWN if missed else 0)


def _tell(answer: Mapping[str, Any], *, named: bool) -> None:
    said = {
        "retried": "tried now; see rainbow-exchange status",
        "read": "streamed already; its calendar, which could not be read, is read again now",
        "streamed": "streamed already",
    }
    missed = {
        "unknown": "no user of the company has this address",
        "several": "several users have this address, and none as login; write the login of the one who is meant",
    }
    for name, words in (said | missed).items():
        for address in answer.get(name, []):
            click.echo(printable(f"{address}: {words}"), err=name in missed)
    if reason := answer.get("reason"):
        known = "It is not known yet who has an address" if named else "There is no mailbox to try yet"
        click.echo(printable(f"{known}: {reason}"), err=named)
    if not any(answer.get(name) for name in (*said, *missed)):
        nobody = "" if answer.get("reason") else "No mailbox waits for a try. "
        click.echo(f"{nobody}Whatever Exchange or Rainbow had refused is tried now: see rainbow-exchange status.")
