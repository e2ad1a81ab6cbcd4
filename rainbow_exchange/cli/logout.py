"""`rainbow-exchange logout`: take back what `login` made, at Rainbow and on this machine."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config, credentials, logs
from rainbow_exchange.cli import keepers
from rainbow_exchange.cli.administrator_options import Options, administrator_options, collect, options_from
from rainbow_exchange.cli.keepers import Chosen
from rainbow_exchange.cli.login import ask, ended_well, way_there
from rainbow_exchange.cli.steps import ShownSteps
from rainbow_exchange.cli.terminal import config_option, is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.sign_up import taking_back
from rainbow_exchange.sign_up.administrator import Administrator, Order
from rainbow_exchange.sign_up.keeping import Found
from rainbow_exchange.state.connector import OurConnector


@click.command()
@config_option
@administrator_options
@click.option("--local", is_flag=True, help="Forget it on this machine only; Rainbow is not asked.")
def logout(config_file: Path | None, local: bool, **typed: Any) -> None:
    """Take back what login made: the connector at Rainbow, its credentials here.

    Only a connector that this installation made is deleted, by the id that it noted then. The connector tries that in
    its own name first; where it may not, an administrator signs in, as with login. A running service stops using it at
    once and says what it misses. Settings in the file or the environment stay as they are.

    \b
    Exit code: 0 taken back, or nothing was there; 1 refused or out of reach; 2 something is missing or faulty;
    4 cannot tell what the running service does; 5 Rainbow asks to come back later; 130 interrupted.
    \b
    Examples:
        rainbow-exchange logout
        rainbow-exchange logout --local
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("error")
    settings = config.load(config_file)
    steps = ShownSteps(yes=False)
    with ended_well(steps), keepers.find(settings) as chosen:
        found = asyncio.run(chosen.keeper.look())
        ours = found.connector
        if ours is None and not found.by_login:
            click.echo("There is nothing to take back: login made nothing here.")
            return
        if ours is not None and not local and taking_back.is_to_delete(ours, steps):
            _delete(ours, chosen, found, steps, config_file, settings=settings, options=options_from(typed))
        asyncio.run(chosen.keeper.forget())
        click.echo("Forgotten on this machine: login, company, application and their secrets.")
        if chosen.daemon:
            click.echo("The running service does not use it any more.")
        if ours is not None and local and ours.id:
            click.echo(taking_back.left_there(ours))


def _delete(
    ours: OurConnector,
    chosen: Chosen,
    found: Found,
    steps: ShownSteps,
    config_file: Path | None,
    *,
    settings: Settings,
    options: Options,
) -> None:
    if options == Options():
        refused = asyncio.run(taking_back.by_itself(ours, chosen.keeper, steps))
        if not refused:
            return
        if not is_terminal(sys.stdin):
            raise taking_back.not_by_itself(ours, refused)
    secrets = credentials.resolve(settings)
    who = collect(options, settings, secrets, found.settings, ask)
    order = Order(
        url=ours.url,
        login=who.login,
        password=who.password,
        token=who.token,
        app_id=who.app_id,
        app_secret=who.app_secret,
        company_id=ours.company_id,
    )
    way = way_there(config_file, settings, secrets, found, url=ours.url)
    administrator = Administrator(order, steps=steps, ssl=client_context(), proxy=way, now=lambda: datetime.now(UTC))
    asyncio.run(taking_back.by_administrator(ours, administrator))
