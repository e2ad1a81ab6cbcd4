"""What is wanted of the process: by the settings of this machine, by Rainbow's administration, until it is to stop.

Acting on it is the business of `sides`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.sides import holds
from rainbow_exchange.sides.combined import Combined, combine
from rainbow_exchange.sides.holds import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One side as it is wanted. Two are equal when nothing has to be built anew to get from one to the other.

    `hold` says why it is not to be built at all.
    """

    hold: Hold | None
    key: tuple[object, ...] = field(repr=False)
    settings: Settings = field(compare=False)
    secrets: Secrets = field(compare=False, repr=False)


class Wanted:
    """Holds the settings in force; whoever acts on them waits here for them to change."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self.secrets = secrets
        #: what Rainbow's administration says; None until it was looked at
        self.entered: Entered | None = None
        #: when, on the loop's clock, somebody asked to stop
        self.stopped_at: float | None = None
        #: whether anything is wanted now that was not at the start
        self.anew = False
        #: how often both sides were to begin anew though no setting has changed
        self._beginnings = 0
        self._changed = asyncio.Event()

    @property
    def switched_off(self) -> bool:
        """Whether the company does not want its calendars passed on."""
        return self.entered is not None and self.entered.switch is False

    @property
    def stopping(self) -> bool:
        """Whether nothing is wanted any more."""
        return self.stopped_at is not None

    def stop(self) -> None:
        """Want nothing any more."""
        self.stopped_at = asyncio.get_running_loop().time()
        self._tell()

    def begin_anew(self) -> None:
        """Want both sides built anew, by the same settings."""
        self._beginnings += 1
        self._tell()

    def use(self, settings: Settings, secrets: Secrets) -> None:
        """Put these settings of this machine in force."""
        self.settings, self.secrets, self.anew = settings, secrets, True
        self._tell()

    def take(self, entered: Entered | None) -> None:
        """Put in force what Rainbow's administration says."""
        self.anew = self.anew or (entered is not None and (self.entered is not None or bool(entered.values)))
        self.entered = entered
        self._tell()

    def combined(self) -> Combined:
        """Settings and secrets as they count now."""
        return combine(self.settings, self.secrets, self.entered or Entered())

    def rainbow(self) -> Wish:
        """How the Rainbow side is wanted."""
        missing = config.missing_for_rainbow(self.settings, self.secrets)
        of_exchange = config.missing_for_exchange(self.settings, self.secrets)
        return Wish(
            hold=holds.rainbow_missing(missing, of_exchange, self.settings) if missing else None,
            key=(self.settings.rainbow, self.settings.rainbow_fields, *_of("rainbow", self.secrets), self._beginnings),
            settings=self.settings,
            secrets=self.secrets,
        )

    def exchange(self) -> Wish:
        """How the Exchange side and the bridge are wanted."""
        combined = self.combined()
        settings, secrets = combined.settings, combined.secrets
        return Wish(
            hold=self._hold(combined),
            key=(settings.exchange, settings.bridge, *_of("exchange", secrets)),
            settings=settings,
            secrets=secrets,
        )

    def _hold(self, combined: Combined) -> Hold | None:
        if self.entered is None:
            return holds.NOT_READ
        if self.switched_off:
            return holds.SWITCHED_OFF
        if combined.unconfirmed:
            return holds.unconfirmed(combined.unconfirmed, self.settings.exchange.allowed_hosts)
        missing = config.missing_for_exchange(combined.settings, combined.secrets)
        place = combined.settings.exchange
        if self.entered.pending and (missing or (place.url is None and place.autodiscover_url is None)):
            return holds.NOT_READ
        if missing:
            return holds.exchange_missing(missing, combined, was_read=self.entered.was_read)
        return None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until this holds of what is wanted."""
        while not condition():
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _of(side: str, secrets: Secrets) -> tuple[object, ...]:
    return tuple(getattr(secrets, each.name) for each in fields(secrets) if each.name.startswith(side))
