"""`rainbow-exchange login`: sign in to Rainbow once, so that the connector has an account of its own."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config, credentials, logs
from rainbow_exchange.bridge.login_causes import Offer
from rainbow_exchange.cli import keepers, local_api
from rainbow_exchange.cli.administrator_options import administrator_options, collect, options_from
from rainbow_exchange.cli.keepers import Chosen
from rainbow_exchange.cli.steps import ShownSteps
from rainbow_exchange.cli.terminal import config_option, is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.sign_up.activation import Activation
from rainbow_exchange.sign_up.administrator import Administrator, Done, Order, Refusal, SeveralCompanies
from rainbow_exchange.sign_up.keeping import Found
from rainbow_exchange.sign_up.rainbow_account import rainbow_url, way_to_rainbow

SCHEMA_VERSION = 1
CANNOT_TELL = 4
INTERRUPTED = 130
EXIT_CODES = {"refused": 1, "not kept": 1, "left alone": 3, "wait": 5}
#: how a command goes the ways that are open after a refusal
_OPTIONS: Mapping[Offer, str] = {
    "as-account": "To run as an administrator's account itself: --as-account.",
    "take-over": "To ask for one all the same, or to remove that one: --take-over.",
    "confirm": "To confirm: at the terminal, or with --yes.",
    "try-password": "To try the password all the same: --try-password.",
    "token": "To paste a token: --token.",
    "application": "To give another application: --app-id and --app-secret-file.",
    "company": "To name a company: --company-id.",
    "log-out": "To log out: rainbow-exchange logout.",
    "administrator": "To have an administrator do it: --login and --password-file, or --token.",
    "here-only": "To forget it here only: --local.",
}


@click.command()
@config_option
@administrator_options
@click.option("--company-id", metavar="ID", help="The company, for an administrator of several.")
@click.option("--url", metavar="URL", help="Rainbow's server.  [default: https://openrainbow.com]")
@click.option("--as-account", is_flag=True, help="Run as this account itself; no connector is activated.")
@click.option("--take-over", is_flag=True, help="Ask for a connector although the company has one (it is explained).")
@click.option("--try-password", is_flag=True, help="Send the password although Rainbow says single sign-on.")
@click.option("--yes", is_flag=True, help="Answer every question with yes.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one line of JSON at the end; the steps go to standard error."
)
def login(  # noqa: PLR0917  (click hands them in by name)
    config_file: Path | None,
    company_id: str | None,
    url: str | None,
    as_account: bool,
    take_over: bool,
    try_password: bool,
    yes: bool,
    as_json: bool,
    **typed: Any,
) -> None:
    """Sign in to Rainbow as a company administrator, and have the connector given an account of its own.

    What is missing is asked for. First it looks: how this login signs in, and whether the company has a connector
    already; one that was not made here is left alone. Then Rainbow makes a connector user, whose login and password are
    kept (its password and the application's secret in the keyring of the account that the service runs as, or in the
    files that rainbow.password_file and rainbow.app_secret_file name), and the connector runs as it from then on; a
    running service at once. Your own password is not kept. rainbow-exchange logout takes it all back.

    The application id and its secret come from Rainbow's portal for developers, https://developers.openrainbow.com:
    sign in there with a Rainbow account that has developer rights (Rainbow's support or your Rainbow partner gives
    them), create an application, and copy its id and its secret key.

    With single sign-on, paste a token (--token), or use an administrator's account that has a password of its own.

    \b
    Exit code: 0 set up, 1 refused or out of reach, 2 something is missing or faulty, or the secrets cannot be kept,
    3 a connector that was not made here was left alone, 4 cannot tell what the running service does, 5 Rainbow asks to
    come back later, 130 interrupted (the next call goes on).
    \b
    Examples:
        rainbow-exchange login
        rainbow-exchange login --login admin@acme.test --app-id 0123456789abcdef0123456789abcdef
        rainbow-exchange login --login admin@acme.test --password-file pw --app-id 0123… --app-secret-file secret --yes
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("error")
    settings = config.load(config_file)
    secrets = credentials.resolve(settings)
    steps = ShownSteps(yes=yes, to_stderr=as_json)
    if as_account and typed["token"]:
        raise click.UsageError("--as-account needs the account's password, not a token.")
    with ended_well(steps), keepers.find(settings) as chosen:
        found = asyncio.run(chosen.keeper.look())
        who = collect(options_from(typed), settings, secrets, found.settings, ask)
        order = Order(
            url=_url(url or found.settings.get("url", settings.rainbow.url)),
            login=who.login,
            password=who.password,
            token=who.token,
            app_id=who.app_id,
            app_secret=who.app_secret,
            company_id=company_id or found.settings.get("company"),
            as_account=as_account,
            take_over=take_over,
            try_password=try_password,
        )
        way = way_there(config_file, settings, secrets, found, url=order.url)
        done = asyncio.run(_run(order, chosen, steps, way))
        _tell(done, chosen, found, as_json=as_json)


async def _run(order: Order, chosen: Chosen, steps: ShownSteps, proxy: Any) -> Done:
    administrator = Administrator(order, steps=steps, ssl=client_context(), proxy=proxy, now=lambda: datetime.now(UTC))
    return await Activation(administrator, chosen.keeper).run()


def way_there(config_file: Path | None, settings: Settings, secrets: Secrets, found: Found, *, url: str) -> Proxy:
    """Give the proxy to Rainbow at `url`: that of the settings here, else the one that the service goes through.

    Its password is not told, so it is asked for.
    """
    more: dict[str, str] = {"url": url}
    if not (settings.rainbow.proxy_url or secrets.rainbow_proxy_url):
        more |= {name: found.settings[name] for name in ("proxy_url", "proxy_username") if name in found.settings}
        if username := more.get("proxy_username"):
            secrets = replace(secrets, rainbow_proxy_password=secrets.rainbow_proxy_password or _of_proxy(username))
    return way_to_rainbow(config.load(config_file, {"rainbow": more}), secrets)


def _of_proxy(username: str) -> str:
    if not is_terminal(sys.stdin):
        name = variable("rainbow.proxy_password")
        raise UserError([f"The password of {username} at the proxy to Rainbow is missing: give {name}."])
    return ask(f"Password of {username} at the proxy", True)  # noqa: FBT003  (hidden, as the signature has it)


def _url(url: str) -> str:
    """Read an address as the setting is read."""
    try:
        return rainbow_url(url)
    except ValueError as error:
        raise UserError([f"--url {error}."]) from None


def ask(what: str, hidden: bool) -> str:
    """Ask at the terminal."""
    return str(click.prompt(what, hide_input=hidden, err=True)).strip("\r\n")


def _tell(done: Done, chosen: Chosen, found: Found, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {
                    "schema_version": SCHEMA_VERSION,
                    "login": done.login,
                    "company_id": done.company_id,
                    "connector_id": done.connector_id or None,
                    "kept": done.kept or None,
                    "remark": done.remark or None,
                    "in_use": chosen.daemon,
                }
            )
        )
        return
    click.echo(f"The connector runs as {done.login} (company {done.company_id}).")
    if chosen.daemon:
        click.echo("The running service uses it from now on; see rainbow-exchange status.")
    else:
        click.echo(
            f"Kept for {found.whose}, as whom this ran. If the service runs as another account, it cannot read that:"
            " start the service and call this again, and it keeps it itself. Otherwise start it: rainbow-exchange run."
        )
    if done.remark:
        click.echo(done.remark)


class ended_well:  # noqa: N801  (reads as a sentence where it is used)
    """End the command with its sentence and exit code where it did not end well."""

    def __init__(self, steps: ShownSteps) -> None:
        self._steps = steps

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        """End."""
        self._steps.end()
        match error:
            case Refusal():
                ways = [_OPTIONS[each] for each in error.offers]
                _end(error.text, " ".join([error.action, *ways]), EXIT_CODES[error.kind])
            case SeveralCompanies():
                raise UserError([f"{error.problems[0]} {_OPTIONS['company']}"]) from None
            case local_api.NoAnswerError():
                _end(
                    f"{error.state.capitalize()}: {error}.",
                    f"{error.action[0].upper()}{error.action[1:]}.",
                    CANNOT_TELL,
                )
            case KeyboardInterrupt() | click.Abort():
                _end("Interrupted.", "Call it again: it goes on from here.", INTERRUPTED)


def _end(text: str, action: str, code: int) -> None:
    click.echo(f"{text}\nNext step: {action}", err=True)
    sys.exit(code)
