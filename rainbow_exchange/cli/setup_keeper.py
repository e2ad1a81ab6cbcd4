"""Who tries and keeps what is set up: the running daemon, as the account of the service; without one, this process."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.keepers import own_state
from rainbow_exchange.cli.secret_keeper import Ask, answer_in
from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.set_up import PATH, TOTAL, SetUp

#: the trial, and what goes with it
_SECONDS = TOTAL + 30.0


@contextmanager
def find(settings: Settings) -> Iterator[tuple[Ask, bool]]:
    """Find whom to ask, and whether that is the daemon. Raises local_api.NoAnswerError where it cannot be told."""
    folder = config.data_folder(settings)
    if local_api.is_running(folder):
        yield lambda **asked: answer_in(local_api.ask(folder, PATH, content=asked, seconds=_SECONDS)), True
        return
    with own_state(folder) as store:
        here = SetUp(lambda: settings, store, now=lambda: datetime.now(UTC), random=random.random)
        yield lambda **asked: answer_in(asyncio.run(here.answer(asked))), False
