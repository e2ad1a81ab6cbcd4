"""What is wanted of the process: by the settings of this machine, until it is to stop. Acting on it is the daemon's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One side as it is wanted. Two are equal when nothing has to be built anew to get from one to the other.

    `missing` names the settings that it cannot be built without.
    """

    missing: tuple[str, ...]
    key: tuple[object, ...] = field(repr=False)
    settings: Settings = field(compare=False)
    secrets: Secrets = field(compare=False, repr=False)


class Wanted:
    """Holds the settings in force; whoever acts on them waits here for them to change."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self.secrets = secrets
        self.stopping = False
        #: whether anything is wanted now that was not at the start
        self.anew = False
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Want nothing any more."""
        self.stopping = True
        self._tell()

    def use(self, settings: Settings, secrets: Secrets) -> None:
        """Put these settings of this machine in force."""
        self.settings, self.secrets, self.anew = settings, secrets, True
        self._tell()

    def rainbow(self) -> Wish:
        """How the Rainbow side is wanted."""
        return Wish(
            missing=tuple(config.missing_for_rainbow(self.settings, self.secrets)),
            key=(self.settings.rainbow, *_of("rainbow", self.secrets)),
            settings=self.settings,
            secrets=self.secrets,
        )

    def exchange(self) -> Wish:
        """How the Exchange side and the bridge are wanted."""
        return Wish(
            missing=tuple(config.missing_for_exchange(self.settings, self.secrets)),
            key=(self.settings.exchange, self.settings.bridge, *_of("exchange", self.secrets)),
            settings=self.settings,
            secrets=self.secrets,
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until this holds of what is wanted."""
        while not condition():
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _of(side: str, secrets: Secrets) -> tuple[object, ...]:
    return tuple(getattr(secrets, each.name) for each in fields(secrets) if each.name.startswith(side))
