"""`rainbow-exchange web-url`: where the local page is, with a way in."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.terminal import config_option, json_option
from rainbow_exchange.network.address import is_loopback
from rainbow_exchange.web import runtime

SCHEMA_VERSION = 1


@click.command("web-url")
@json_option
@config_option
def web_url(*, as_json: bool, config_file: Path | None) -> None:
    """Print the address of the local page, with a code that signs in once.

    The running daemon makes the code after it has proved that it is the daemon. It lasts ten minutes. No browser is
    opened; whoever has the address first is let in, so pass it on to nobody.

    \b
    Exit code: 0 printed, 3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange web-url
    """  # noqa: D301  (\b is click's: keep these lines)
    folder = config.data_folder(config.load(config_file))
    answer = local_api.ask(folder, "/api/sign-in", content={}, schema=SCHEMA_VERSION)
    found = runtime.read(folder)
    if found is None:
        raise local_api.NoAnswerError(local_api.CANNOT_TELL, "the daemon has ended this moment", "try again")
    url = f"{found.page}{answer['path']}"
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "url": url, "seconds": answer["seconds"]}))
    else:
        click.echo(url)
        where = " on this machine" if is_loopback(urlsplit(found.page).hostname) else ""
        click.echo(f"Open it in a browser{where}: it signs in once, within 10 minutes.", err=True)
