"""What `setup` is told: options first, then a question at a terminal, with what counts now as the proposal."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from rainbow_exchange.cli.login import ask
from rainbow_exchange.cli.secret_value import read_option
from rainbow_exchange.cli.steps import at_the_keyboard
from rainbow_exchange.cli.terminal import is_terminal
from rainbow_exchange.errors import UserError

Values = dict[str, Any]
Secrets = dict[str, str | None]


def exchange(typed: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Values, Secrets, str]:
    """Put together settings, secrets and the mailbox to try them with; `now` is what counts. Raises UserError."""
    known = {key.partition(".")[2]: each["value"] for key, each in now["settings"].items()}
    values = {
        name: typed[name]
        for name in ("auth", "impersonation", "client_id", "token_url", "proxy_url")
        if typed[name] is not None
    }
    if typed["ca_file"] is not None:
        values["ca_file"] = str(typed["ca_file"].expanduser().absolute())
    values |= _place(typed, known)
    oauth = bool(values.get("token_url") or known["token_url"])
    client = bool(values.get("client_id") or known["client_id"])
    negotiates = (values.get("auth") or known["auth"]) == "negotiate"
    if typed["username"] is not None:
        values["username"] = typed["username"].strip() or None
    elif not (oauth or client or negotiates):
        values["username"] = asked("Service account", "--username", known["username"])
    secrets: Secrets = {}
    wants_password = bool(values.get("username")) and not oauth
    _add(secrets, "password", typed["password_file"], "Password of the service account", now, wanted=wants_password)
    _add(secrets, "client_secret", typed["client_secret_file"], "Client secret", now, wanted=oauth or client)
    return {f"exchange.{name}": value for name, value in values.items()}, secrets, _mailbox(typed["mailbox"])


def _place(typed: Mapping[str, Any], known: Mapping[str, Any]) -> Values:
    if typed["find"]:
        return {"url": None}
    if typed["url"] is None and known["autodiscover_url"]:
        return {}
    return {
        "url": typed["url"] or asked("EWS address of Exchange", "--url (or --find)", known["url"]),
        "autodiscover_url": None,
    }


def _add(secrets: Secrets, name: str, file: Any, what: str, now: Mapping[str, Any], *, wanted: bool) -> None:
    """Add a secret that was given or is typed; one that is set already stays where nothing is typed."""
    key, option = f"exchange.{name}", f"--{name.replace('_', '-')}-file"
    secret = read_option(file, option)
    if secret is None and wanted:
        is_set = bool(now["secrets"].get(key))
        if is_terminal(sys.stdin):
            secret = _kept_or_typed(what) if is_set else hidden(what)
        elif not is_set:
            raise UserError([f"{what} is missing: give {option}."])
    if secret is not None:
        secrets[key] = secret


def _mailbox(address: str | None) -> str:
    if address is None and is_terminal(sys.stdin):
        with at_the_keyboard():
            question = "Mailbox to try it with (Enter: none)"
            address = str(click.prompt(question, default="", show_default=False, err=True))
    return (address or "").strip()


def _kept_or_typed(what: str) -> str | None:
    with at_the_keyboard():
        text = f"{what} (Enter: the one that is kept)"
        return str(click.prompt(text, default="", show_default=False, hide_input=True, err=True)) or None


def asked(what: str, option: str, now: str | None) -> str:
    """Ask at a terminal, with what counts now as the proposal; without one that is taken."""
    if not is_terminal(sys.stdin):
        if not now:
            raise UserError([f"{what} is missing: give {option}."])
        return now
    with at_the_keyboard():
        return str(click.prompt(what, default=now, err=True)).strip()


def hidden(what: str) -> str:
    """Ask for a secret at a terminal."""
    with at_the_keyboard():
        return ask(what, True)  # noqa: FBT003  (hidden, as the signature has it)
