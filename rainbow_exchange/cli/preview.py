"""`rainbow-exchange preview`: what would leave the building about one person, and by which rule."""

import json
import sys
from pathlib import Path

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api, preview_screen
from rainbow_exchange.cli.terminal import config_option, json_option, print_lines

SCHEMA_VERSION = 1
#: seconds: the daemon itself may wait for Exchange
PATIENCE = 15.0
NOTHING_SHOWN = 1


@click.command()
@click.argument("address")
@config_option
@json_option
def preview(address: str, config_file: Path | None, as_json: bool) -> None:
    """Show what Rainbow would be told of one user now, with the rule that made each field so.

    Nothing is sent. What is masked for Rainbow is masked here, too.

    \b
    Exit code: 0 shown, 1 nobody, or more than one, has this address, or there is no bridge to Exchange at present,
    3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange preview ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    if not address.strip():
        raise click.UsageError("Name a user's address.")
    folder = config.data_folder(config.load(config_file))
    answer = local_api.ask(
        folder, "/api/preview", content={"address": address}, schema=SCHEMA_VERSION, seconds=PATIENCE
    )
    if as_json:
        click.echo(json.dumps(answer))
    else:
        print_lines(preview_screen.lines(answer))
    sys.exit(0 if answer["state"] == "shown" else NOTHING_SHOWN)
