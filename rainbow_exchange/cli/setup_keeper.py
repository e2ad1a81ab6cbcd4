"""Who tries and keeps what is set up: the running daemon, as the account of the service; without one, this process."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.keepers import demand_own
from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.set_up import PATH, TOTAL, SetUp
from rainbow_exchange.errors import UserError
from rainbow_exchange.state import kept
from rainbow_exchange.state.store import FILE_NAME, Store

#: the trial, and what goes with it
_SECONDS = TOTAL + 30.0

Ask = Callable[..., dict[str, Any]]


@contextmanager
def find(settings: Settings) -> Iterator[tuple[Ask, bool]]:
    """Find whom to ask, and whether that is the daemon. Raises local_api.NoAnswerError where it cannot be told."""
    folder = config.data_folder(settings)
    try:
        local_api.ask(folder, "/api/status")
    except local_api.NoAnswerError as error:
        if error.state != local_api.NOT_RUNNING:
            raise
    else:
        yield lambda **asked: _answer(local_api.ask(folder, PATH, content=asked, seconds=_SECONDS)), True
        return
    demand_own(folder)
    store = Store.open(folder / FILE_NAME)
    try:
        kept.restore(store)
        here = SetUp(lambda: settings, store, now=lambda: datetime.now(UTC), random=random.random)
        yield lambda **asked: _answer(asyncio.run(here.answer(asked))), False
    finally:
        store.close()


def _answer(answered: Mapping[str, Any]) -> dict[str, Any]:
    if problems := answered.get("problems"):
        raise UserError([str(problem) for problem in problems])
    answer: dict[str, Any] = answered["answer"]
    return answer
