"""Who keeps secrets for a command: the running daemon, whose keyring is the service's; without one, this process."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_desk import PATH, Desk

#: a keyring may be slow, and the daemon builds a side anew meanwhile
_SECONDS = 60.0

Ask = Callable[..., dict[str, Any]]


def find(settings: Settings) -> tuple[Ask, bool]:
    """Give who keeps secrets: the running daemon, else this process; raises NoAnswerError where it cannot be told."""
    folder = config.data_folder(settings)

    def ask(**asked: Any) -> dict[str, Any]:
        return _answer(local_api.ask(folder, PATH, content=asked, seconds=_SECONDS))

    desk = Desk(lambda: settings)

    def do(**asked: Any) -> dict[str, Any]:
        return _answer(asyncio.run(desk.answer(asked)))

    try:
        local_api.ask(folder, "/api/status")
    except local_api.NoAnswerError as error:
        if error.state != local_api.NOT_RUNNING:
            raise
        return do, False
    return ask, True


def places_of(ask: Ask, name: str) -> list[dict[str, Any]]:
    """Give the places of a secret as whoever keeps it sees them."""
    found: list[dict[str, Any]] = next(each["places"] for each in ask(do="look")["secrets"] if each["name"] == name)
    return found


def _answer(answered: Any) -> dict[str, Any]:
    if isinstance(answered, dict) and (problems := answered.get("problems")):
        raise UserError([str(problem) for problem in problems])
    answer = answered.get("answer") if isinstance(answered, dict) else None
    return answer if isinstance(answer, dict) else {}


def views(settings: Settings) -> tuple[dict[str, Any] | None, dict[str, Any], str]:
    """Give what the service sees, None where it does not answer; what this account sees; and how the service is."""
    own, service, state = asyncio.run(Desk(lambda: settings).look()), None, "running"
    try:
        service = _answer(local_api.ask(config.data_folder(settings), PATH, content={"do": "look"}, seconds=_SECONDS))
    except local_api.NoAnswerError as error:
        state = error.state
        click.echo(f"The service does not say what it can read. {state.capitalize()}: {error}.", err=True)
    return service, own, state
