"""`rainbow-exchange service status`: what the service manager says, and the connector."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.service_options import name_option, nssm_option
from rainbow_exchange.cli.service_wanted import data_folder
from rainbow_exchange.cli.status import DEGRADED, EXIT_CODES
from rainbow_exchange.cli.terminal import config_option, json_option, print_lines
from rainbow_exchange.errors import UserError
from rainbow_exchange.service.states import Found, NoManagerError, find_service

SCHEMA_VERSION = 1
ABSENT = "not installed"
_NOT_RUNNING = 3


@click.command()
@name_option
@config_option
@nssm_option
@json_option
def status(name: str, config_file: Path | None, nssm: Path | None, as_json: bool) -> None:
    """Say what the service manager says of the service, and the connector of itself.

    \b
    Exit code: 0 healthy, 1 degraded, 3 not running, 4 cannot tell.
    \b
    Example:
        rainbow-exchange service status --json
    """  # noqa: D301  (\b is click's: keep these lines)
    folder = data_folder(config_file, name, nssm)
    try:
        found = find_service(name, nssm)
    except (NoManagerError, UserError) as error:
        found = Found(manager="unknown", state=local_api.CANNOT_TELL, start=(), stop=(), logs="", detail=str(error))
    try:
        connector = {"state": state_of(local_api.ask(folder, "/api/status")), "reason": "", "action": ""}
    except local_api.NoAnswerError as error:
        connector = {"state": error.state, "reason": str(error), "action": error.action}
    if as_json:
        shown = {"name": name, "manager": found.manager, "state": found.state or ABSENT, "detail": found.detail}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "service": shown, "connector": connector}))
    else:
        print_lines(_lines(name, found, connector))
    if found.state != "running":
        sys.exit(local_api.EXIT_CODES.get(found.state or "", _NOT_RUNNING))
    sys.exit(EXIT_CODES.get(connector["state"], DEGRADED))


def state_of(answer: object) -> str:
    """Give the state in the connector's answer to `/api/status`."""
    return str(answer.get("state")) if isinstance(answer, dict) else local_api.CANNOT_TELL


def _lines(name: str, found: Found, connector: Mapping[str, str]) -> Iterator[str]:
    detail = f" ({found.detail})" if found.detail else ""
    yield f"Service    {name}: {found.state or ABSENT}{detail}; service manager: {found.manager}"
    why = f": {connector['reason']}" if connector["reason"] else ""
    yield f"Connector  {connector['state']}{why}"
    if found.state is None:
        yield "Next step: rainbow-exchange service install"
    elif found.is_over:
        yield "Next step: rainbow-exchange service start"
    elif connector["action"]:
        yield f"Next step: {connector['action']}"
    if (found.state is None or found.is_over) and not connector["reason"]:
        yield "The connector that answers was not started by this service."
