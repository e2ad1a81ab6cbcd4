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
    if local_api.is_running(folder):
        return lambda **asked: answer_in(local_api.ask(folder, PATH, content=asked, seconds=_SECONDS)), True
    desk = Desk(lambda: settings)
    return lambda **asked: answer_in(asyncio.run(desk.answer(asked))), False


def places_of(ask: Ask, name: str) -> list[dict[str, Any]]:
    """Give the places of a secret as whoever keeps it sees them."""
    found: list[dict[str, Any]] = next(each["places"] for each in ask(do="look")["secrets"] if each["name"] == name)
    return found


def answer_in(answered: Any) -> dict[str, Any]:
    """Give the answer of whoever was asked; raises UserError with the problems that stand in its place."""
    found = answered if isinstance(answered, dict) else {}
    if problems := found.get("problems"):
        raise UserError([str(problem) for problem in problems])
    answer = found.get("answer")
    if not isinstance(answer, dict):
        raise local_api.another_version()
    return answer


def views(settings: Settings) -> tuple[dict[str, Any] | None, dict[str, Any], str]:
    """Give what the service sees, None where it does not answer; what this account sees; and how the service is."""
    own, service, state = asyncio.run(Desk(lambda: settings).look()), None, "running"
    try:
        service = answer_in(local_api.ask(config.data_folder(settings), PATH, content={"do": "look"}, seconds=_SECONDS))
    except local_api.NoAnswerError as error:
        state = error.state
        click.echo(f"The service does not say what it can read. {state.capitalize()}: {error}.", err=True)
    return service, own, state
