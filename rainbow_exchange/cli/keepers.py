"""Who keeps what `login` leaves: the running daemon, whose keyring is the service's; without one, this process."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.sign_up.keeping import Keeper, Keeping
from rainbow_exchange.sign_up.keeping_wire import PATH, DistantKeeper
from rainbow_exchange.state import kept
from rainbow_exchange.state.store import FILE_NAME, Store

#: the daemon may sign in to Rainbow meanwhile, or its keyring be slow
_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A keeper; `daemon` tells whether it is the running daemon."""

    keeper: Keeper
    daemon: bool


@contextmanager
def find(settings: Settings) -> Iterator[Chosen]:
    """Find the keeper for the data folder of `settings`. Raises local_api.NoAnswerError where it cannot be told."""
    folder = config.data_folder(settings)

    async def send(asked: Mapping[str, Any]) -> Any:
        return await asyncio.to_thread(local_api.ask, folder, PATH, content=asked, seconds=_SECONDS)

    if local_api.is_running(folder):
        yield Chosen(DistantKeeper(send), daemon=True)
        return
    with own_state(folder) as store:
        yield Chosen(Keeping(lambda: settings, store, now=lambda: datetime.now(UTC)), daemon=False)


@contextmanager
def own_state(folder: Path) -> Iterator[Store]:
    """Open the state in `folder` to write into it, while no daemon has it. Raises UserError and StateError."""
    demand_own(folder)
    store = Store.open(folder / FILE_NAME)
    try:
        kept.restore(store)
        yield store
    finally:
        store.close()


def demand_own(folder: Path) -> None:
    """Refuse to write into another account's folder: the service could neither read it nor the keyring."""
    if sys.platform == "win32" or not folder.exists():
        return
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        owner = folder.stat().st_uid
        if owner == os.geteuid():
            return
        try:
            name = folder.owner()
        except KeyError:  # nobody's name
            name = str(owner)
        text = f"{folder} belongs to {name}, as whom the service runs: it could not read what this account keeps."
        step = f"Start the service first, and it keeps it itself; or run this as {name} (runuser -u {name} -- …)."
        raise UserError([f"{text} {step}"])
