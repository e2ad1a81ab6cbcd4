"""`rainbow-exchange explain`: why one person is shown as he is, from the Rainbow user to Rainbow's last question."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from rainbow_exchange import config
from rainbow_exchange.cli import explain_screen, local_api
from rainbow_exchange.cli.terminal import config_option, here, json_option, print_lines
from rainbow_exchange.diagnosis.when import FORMS, past_instant

SCHEMA_VERSION = 1
PATIENCE = 15.0
_EXIT_CODES = {True: 0, False: 1, None: 0}


@click.command()
@click.argument("address")
@config_option
@json_option
@click.option("--at", metavar="TIME", help=f"How it was then, within the last 24 hours: {FORMS}; this machine's zone.")
def explain(address: str, config_file: Path | None, as_json: bool, at: str | None) -> None:
    """Say why one user is shown as he is, or was: the whole chain, and its first broken link.

    Nothing is asked of Exchange or Rainbow, nothing is changed, and no subject is shown.

    \b
    Exit code: 0 shown right, or about to be, 1 a link of the chain is broken, or nobody has this address,
    3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange explain ada@acme.test --at 08:00
    """  # noqa: D301  (\b is click's: keep these lines)
    if not address.strip():
        raise click.UsageError("Name a user's address.")
    content = {"address": address}
    if at is not None:
        try:
            content["at"] = past_instant(at, datetime.now(UTC)).isoformat()
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--at") from None
    folder = config.data_folder(config.load(config_file))
    answer = local_api.ask(folder, "/api/explain", content=content, schema=SCHEMA_VERSION, seconds=PATIENCE)
    if as_json:
        click.echo(json.dumps(answer))
    else:
        print_lines(explain_screen.lines(answer, here))
    sys.exit(_EXIT_CODES[answer["verdict"]["right"]])
