"""What `login` and `logout` need of an administrator: options first, then what the settings say, then a question.

Secrets are never an option's value, where they would stand in the list of processes and in the shell's history.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from rainbow_exchange.bridge.login_causes import WHERE_APPLICATION
from rainbow_exchange.cli.terminal import is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_files import read_file

F = TypeVar("F", bound=Callable[..., object])

_STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    login: str | None = None
    password_file: Path | None = None
    token: bool = False
    app_id: str | None = None
    app_secret_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Who signs in; a token in place of login and password."""

    app_id: str
    app_secret: str = field(repr=False)
    login: str = ""
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def administrator_options(command: F) -> F:
    """Give a command the options of `Options`."""
    file = click.Path(path_type=Path, allow_dash=True)
    for option in reversed(
        (
            click.option("--login", metavar="EMAIL", help="The company administrator's login."),
            click.option("--password-file", metavar="FILE", type=file, help="A file with the password, or -."),
            click.option("--token", is_flag=True, help="Paste a token in place of login and password."),
            click.option("--app-id", metavar="ID", help="Id of a Rainbow application."),
            click.option("--app-secret-file", metavar="FILE", type=file, help="A file with the application's secret."),
        )
    ):
        command = option(command)
    return command


def options_from(values: Mapping[str, Any]) -> Options:
    """Take the options out of a command's parameters."""
    return Options(**{name: values[name] for name in Options.__dataclass_fields__})


def collect(
    options: Options, settings: Settings, secrets: Secrets, found: Mapping[str, str], ask: Callable[[str, bool], str]
) -> Administrator:
    """Find everything, asking at a terminal for what is missing; without one, UserError names all of it."""
    if options.token and (options.login or options.password_file):
        raise UserError(["--token takes the place of --login and --password-file; leave those out."])
    given = {key: value for key, (value, file) in settings.given_secrets().items() if value or file}
    wanted = _Wanted(ask)
    app_id = options.app_id or settings.rainbow.app_id or found.get("app_id")
    app_id = app_id or wanted.text("application id", "--app-id", "rainbow.app_id", explained=WHERE_APPLICATION)
    app_secret = _read(options.app_secret_file, "--app-secret-file") or secrets.rainbow_app_secret
    app_secret = app_secret or wanted.secret(
        "application secret", "--app-secret-file", "rainbow.app_secret", explained=WHERE_APPLICATION
    )
    if options.token:
        token = wanted.secret("token", "--token, with the token on standard input", piped=True)
        wanted.complete()
        return Administrator(app_id=app_id, app_secret=app_secret, token=token)
    own = settings.rainbow.login
    login = options.login or own or wanted.text("login of a company administrator", "--login")
    password = _read(options.password_file, "--password-file")
    if password is None and own == login and "rainbow.password" in given:
        password = secrets.rainbow_password
    whose = f"password of {login}" if login else "password"
    password = password or wanted.secret(whose, "--password-file")
    wanted.complete()
    return Administrator(app_id=app_id, app_secret=app_secret, login=login, password=password)


class _Wanted:
    """Asks for what is missing, or remembers what could not be asked for; each explanation is given once."""

    def __init__(self, ask: Callable[[str, bool], str]) -> None:
        self._ask = ask
        self._missing: list[str] = []
        self._explained: list[str] = []

    def text(self, what: str, option: str, key: str = "", *, explained: str = "") -> str:
        return self._get(what, f"{option} (or {variable(key)})" if key else option, explained, hidden=False)

    def secret(self, what: str, option: str, key: str = "", *, explained: str = "", piped: bool = False) -> str:
        if piped and not is_terminal(sys.stdin):
            return _from_standard_input(option)
        return self._get(what, f"{option} (or {variable(key)})" if key else option, explained, hidden=True)

    def _get(self, what: str, option: str, explained: str, *, hidden: bool) -> str:
        is_new = bool(explained) and explained not in self._explained
        if is_new:
            self._explained.append(explained)
        if is_terminal(sys.stdin):
            if is_new:
                click.echo(explained, err=True)
            return self._ask(what[0].upper() + what[1:], hidden)
        self._missing.append(f"The {what} is missing: give {option}.")
        return ""

    def complete(self) -> None:
        if self._missing:
            raise UserError([*self._missing, *self._explained])


def _read(file: Path | None, option: str) -> str | None:
    if file is None:
        return None
    if file == _STANDARD_INPUT:
        return _from_standard_input(option)
    try:
        return read_file(file, may_wait=True)
    except ValueError as error:
        raise UserError([f"{option}: {file} {error}."]) from None


def _from_standard_input(option: str) -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UserError([f"{option}: standard input holds nothing; write the secret into it, as one line."])
    return line
