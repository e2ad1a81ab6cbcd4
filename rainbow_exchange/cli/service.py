"""`rainbow-exchange service`: the connector under NSSM on Windows, under systemd elsewhere."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.service_options import account_option, name_option, nssm_option, python_option
from rainbow_exchange.cli.service_script import as_json, batch, shell
from rainbow_exchange.cli.service_status import state_of, status
from rainbow_exchange.cli.service_wanted import Wanted, data_folder, forget, install_here, plan_shown
from rainbow_exchange.cli.terminal import config_option
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import printable
from rainbow_exchange.service import host
from rainbow_exchange.service.carry_out import StepFailedError, answer, carry_out
from rainbow_exchange.service.plan import Run, Step
from rainbow_exchange.service.states import Found, NoManagerError, find_service

SCHEMA_VERSION = 1
_SYSTEM = "windows" if sys.platform == "win32" else "linux"
#: until the connector answers on the local page; NSSM itself watches its first ten seconds
_START_SECONDS = 90.0


@click.group()
def service() -> None:
    """Run the connector with the machine: by NSSM on Windows, by systemd on Linux.

    What would be done can be read first, and be done by hand.

    \b
    Example, as administrator:
        rainbow-exchange service print
        rainbow-exchange service install
        rainbow-exchange service start
        rainbow-exchange service status
    """  # noqa: D301  (\b is click's: keep these lines)


service.add_command(status)


@service.command()
@name_option
@account_option
@click.option(
    "--password-file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Windows: the account's password, for scripts; - is standard input.  [default: it is asked for]",
)
@click.option(
    "--ask-password", is_flag=True, help="Windows: ask for the password of an account that the service has already."
)
@config_option
@nssm_option
@python_option
def install(
    *,
    name: str,
    account: str | None,
    password_file: Path | None,
    ask_password: bool,
    config_file: Path | None,
    nssm: Path | None,
    python: Path | None,
) -> None:
    """Make the service, or bring the one there is to what is wanted. It is not started.

    Each step is shown. When one fails, those before it are taken back as far as they can be. A service that is there
    keeps its account and its settings file unless another is named.

    \b
    Exit code: 0 done, 1 a step failed, 2 something stands against it (all is named at once).
    \b
    Examples:
        rainbow-exchange service install --config C:\\ProgramData\\rainbow-exchange\\config.toml
        rainbow-exchange service install --account ACME\\svc-rainbow$
    """  # noqa: D301  (\b is click's: keep these lines)
    _demand_rights()
    planned = install_here(Wanted(name, account, config_file, nssm, python, password_file, ask_password))
    for remark in planned.remarks:
        click.echo(f"Note: {printable(remark)}", err=True)
    _do(planned.steps, name)
    done = "has what is wanted; it takes effect with its next start" if planned.exists else "is installed"
    click.echo(f"The service {name} {done}. Start it: rainbow-exchange service start")


@service.command()
@name_option
@nssm_option
def uninstall(name: str, nssm: Path | None) -> None:
    """Stop the service and take it away. Settings, state, log and account stay.

    \b
    Exit code: 0 gone, or there was none; 1 a step failed; 2 not as administrator.
    \b
    Example:
        rainbow-exchange service uninstall
    """  # noqa: D301  (\b is click's: keep these lines)
    _demand_rights()
    found = _find(name, nssm)
    if found.state is None:
        click.echo(f"There is no service {name}.")
        return
    _do(forget(name, nssm), name)
    click.echo(f"The service {name} is gone. Settings, state and log stay, in {config.default_folder()} unless the")
    click.echo("settings say otherwise; remove them by hand if nobody needs them any more.")


@service.command()
@name_option
@config_option
@nssm_option
def start(name: str, config_file: Path | None, nssm: Path | None) -> None:
    """Start the service, and wait until the connector answers.

    \b
    Exit code: 0 it answers, 1 it does not, 2 not as administrator or faulty settings.
    \b
    Example:
        rainbow-exchange service start
    """  # noqa: D301  (\b is click's: keep these lines)
    _demand_rights()
    folder = data_folder(config_file, name, nssm)
    found = _existing(name, nssm)
    code, said = answer(found.start)
    # NSSM waits seconds only, and calls it a failure where the machine is slow and the service is still starting.
    if code != 0 and _find(name, nssm).state != "starting":
        _tell_why(_find(name, nssm), said or f"exit code {code}", folder)
        if found.refused:
            click.echo(found.refused, err=True)
        sys.exit(1)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            shown = local_api.ask(folder, "/api/status")
        except local_api.NoAnswerError as error:
            now = _find(name, nssm)
            if now.is_over or time.monotonic() > deadline:
                _tell_why(now, f"the connector does not answer: {error}", folder)
                sys.exit(1)
            time.sleep(0.5)
        else:
            click.echo(f"The connector answers: {state_of(shown)}. More: rainbow-exchange status")
            return


@service.command()
@name_option
@nssm_option
def stop(name: str, nssm: Path | None) -> None:
    """Stop the service; the connector ends in order within ten seconds.

    \b
    Exit code: 0 stopped, or it was not running; 1 it could not be stopped; 2 not as administrator.
    \b
    Example:
        rainbow-exchange service stop
    """  # noqa: D301  (\b is click's: keep these lines)
    _demand_rights()
    found = _existing(name, nssm)
    _do([Run(what=f"Stop {name}", command=found.stop)], name)
    click.echo(f"The service {name} is stopped.")


@service.command(name="print")
@name_option
@account_option
@config_option
@nssm_option
@python_option
@click.option(
    "--for", "system", type=click.Choice(["windows", "linux"]), default=_SYSTEM, show_default=True, help="Which system."
)
@click.option("--uninstall", "undo", is_flag=True, help="What uninstall would do.")
@click.option("--json", "as_a_line", is_flag=True, help="Print one line of JSON (docs/reference/commands.md).")
def print_(
    *,
    name: str,
    account: str | None,
    config_file: Path | None,
    nssm: Path | None,
    python: Path | None,
    system: str,
    undo: bool,
    as_a_line: bool,
) -> None:
    """Print what install would do, as a script that does it; change nothing.

    What install would refuse is said on standard error. For the other system paths are taken as they are given.

    \b
    Exit code: 0 printed, 2 faulty settings or options.
    \b
    Examples:
        rainbow-exchange service print > install-service.cmd
        rainbow-exchange service print --for linux --config /var/lib/rainbow-exchange/config.toml
    """  # noqa: D301  (\b is click's: keep these lines)
    wanted = Wanted(name, account, config_file, nssm, python)
    planned = plan_shown(wanted, system, undo=undo, here=system == _SYSTEM)
    for remark in planned.remarks:
        click.echo(f"Note: {printable(remark)}", err=True)
    steps = planned.steps
    if as_a_line:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "for": system, "steps": as_json(steps)}))
        return
    for line in batch(steps) if system == "windows" else shell(steps):
        click.echo(line)


def _find(name: str, nssm: Path | None) -> Found:
    try:
        return find_service(name, nssm)
    except NoManagerError as error:
        click.echo(f"Error: {printable(str(error))}.", err=True)
        sys.exit(1)


def _existing(name: str, nssm: Path | None) -> Found:
    found = _find(name, nssm)
    if found.state is None:
        raise UserError([f"There is no service {name}. Make it: rainbow-exchange service install"])
    return found


def _demand_rights() -> None:
    if host.is_elevated():
        return
    if sys.platform == "win32":
        raise UserError(["This needs administrator's rights: open PowerShell as administrator, and repeat it there."])
    raise UserError(["This needs root's rights: repeat it with sudo."])


def _do(steps: Iterable[Step], name: str) -> None:
    """Carry steps out, each shown; a failure ends the command."""
    try:
        carry_out(steps, lambda step: click.echo(f"{step.what} ..."))
    except StepFailedError as error:
        click.echo(f'Error: "{error.step.what}" failed: {printable(str(error))}', err=True)
        if isinstance(error.step, Run) and not error.step.asks_password:
            click.echo(f"It was: {printable(' '.join(error.step.command))}", err=True)
        click.echo(
            f"{error.left}. Mend the cause and repeat it; rainbow-exchange service status --name {name}", err=True
        )
        sys.exit(1)


def _tell_why(now: Found, why: str, folder: Path) -> None:
    detail = f" ({now.detail})" if now.detail else ""
    click.echo(printable(f"The service is {now.state or 'not installed'}{detail}; {why}"), err=True)
    logs = now.where_logs(folder)
    click.echo(f"Next step: look for faulty settings (rainbow-exchange config check), then at {logs}.", err=True)
