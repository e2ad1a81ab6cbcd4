"""`rainbow-exchange config`: what the settings are and where each comes from, what is wrong with them, a first file."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from rainbow_exchange import config as settings
from rainbow_exchange.cli import config_screen, settings_check, settings_view
from rainbow_exchange.cli.terminal import config_option, json_option, print_lines
from rainbow_exchange.config.template import template
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import printable
from rainbow_exchange.private_files import write_private

SCHEMA_VERSION = 1
NOT_STRICTLY, FAULTY = 1, 2


@click.group()
def config() -> None:
    """Show, check and begin the settings. Secrets are never shown.

    \b
    Examples:
        rainbow-exchange config init
        rainbow-exchange config check
        rainbow-exchange config show --origin
    """  # noqa: D301  (\b is click's: keep these lines)


@config.command()
@click.option("--origin", "origins", is_flag=True, help="Show beside each value where it comes from.")
@json_option
@config_option
def show(*, origins: bool, as_json: bool, config_file: Path | None) -> None:
    """Show every setting: as the running service has them, else as a service would read them here.

    Of a secret it says whether it is set and where, and nothing more; addresses come without user name and password.
    Nothing is changed, and no server is asked.

    \b
    Exit code: 0 shown, 2 faulty settings.
    \b
    Examples:
        rainbow-exchange config show --origin
        rainbow-exchange config show --json
    """  # noqa: D301  (\b is click's: keep these lines)
    view = settings_view.view(config_file)
    if as_json:
        shown = {
            "schema_version": SCHEMA_VERSION,
            "as": "service" if view.by_daemon else "this account",
            "file": None if view.file is None else str(view.file),
            "settings": [asdict(each) for each in view.settings],
            "remarks": view.remarks,
        }
        click.echo(json.dumps(shown))
        return
    whose = "the running service has them" if view.by_daemon else "this account reads them, for no service is asked"
    click.echo(printable(f"Settings as {whose}; file: {view.file or 'none'}."), err=True)
    print_lines(config_screen.shown(view, origins=origins))
    print_lines(view.remarks, err=True)


@config.command()
@click.option("--strict", is_flag=True, help="End with 1 where anything is missing or looks wrong.")
@json_option
@config_option
def check(*, strict: bool, as_json: bool, config_file: Path | None) -> None:
    """Say all that is wrong with the settings at once: file, variables, and the files of secrets.

    It sees what this account can read. Nothing is changed, and no server is asked: rainbow-exchange check does that.

    \b
    Exit code: 0 the service starts with them, 2 it does not; with --strict 1 where a warning is left or anything
    that it needs to work is missing.
    \b
    Examples:
        rainbow-exchange config check
        rainbow-exchange config check --strict --config config.toml
    """  # noqa: D301  (\b is click's: keep these lines)
    report = settings_check.check(config_file)
    if as_json:
        found = asdict(report) | {"file": None if report.file is None else str(report.file)}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | found))
    else:
        print_lines(config_screen.checked(report))
    if report.faults:
        sys.exit(FAULTY)
    sys.exit(NOT_STRICTLY if strict and (report.warnings or report.missing) else 0)


@config.command()
@click.argument(
    "file", required=False, envvar="RAINBOW_EXCHANGE_CONFIG", type=click.Path(path_type=Path, allow_dash=True)
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(file: Path | None, *, force: bool) -> None:
    """Write a settings file with every setting as a remark: its meaning, its default, its variable.

    It sets nothing until you take a # away. FILE is what the variable RAINBOW_EXCHANGE_CONFIG names, else
    config.toml in the default folder; - is standard output. Only this account (for root: that of the folder) and
    administrators can read it. A file that is there is left alone.

    \b
    Exit code: 0 written, 2 there is a file already, or it cannot be written.
    \b
    Examples:
        rainbow-exchange config init
        rainbow-exchange config init -
        rainbow-exchange config init /etc/rainbow-exchange/config.toml
    """  # noqa: D301  (\b is click's: keep these lines)
    if file is not None and str(file) == "-":
        click.echo(template(), nl=False)
        return
    path = (file or settings.default_folder() / settings.FILE_NAME).absolute()
    try:
        if file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, template().encode(), owner=_owner(path), replace=force)
    except FileExistsError:
        raise UserError([f"{path} is there already; name another file, or replace it by --force."]) from None
    except OSError as error:
        raise UserError([f"{path} cannot be written ({error.strerror or error}); correct the path."]) from None
    click.echo(printable(f"Wrote {path}. Next step: take the # away from what you set, then: {_check(file, path)}"))


def _owner(path: Path) -> tuple[int, int] | None:
    """Say whose root's new file is to be: of whoever has the folder, which may be the service's."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        folder = path.parent.stat()
        return folder.st_uid, folder.st_gid


def _check(file: Path | None, path: Path) -> str:
    return "rainbow-exchange config check" + ("" if file is None else f' --config "{path}"')
