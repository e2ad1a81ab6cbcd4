"""What `login` leaves on this machine, and how `logout` takes it back: settings, secrets, and what was made at Rainbow.

Settings and the connector's id go into the state; secrets where the settings say that they are kept.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from rainbow_exchange import credentials, secret_places
from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import Given, beneath, stands_above
from rainbow_exchange.errors import UserError
from rainbow_exchange.json_text import read_json
from rainbow_exchange.own_keyring import whose
from rainbow_exchange.rainbow import connectors
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError, RainbowError
from rainbow_exchange.rainbow.trial import try_account
from rainbow_exchange.secret_places import Place, place_of
from rainbow_exchange.sign_up.rainbow_account import own_account
from rainbow_exchange.state import connector, made
from rainbow_exchange.state import kept as kept_values
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.state.store import Store
from rainbow_exchange.words import _, joined

log = structlog.get_logger()

SECRETS = ("rainbow.password", "rainbow.app_secret")
BY = "login"
_KEPT_SECRETS = "login_secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there: the connector that this installation made, settings in force, and which secrets are kept."""

    connector: OurConnector | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    by_login: bool = False
    whose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of trying what is kept: `wrong` is "" where it works; `sure`: Rainbow itself has refused it."""

    wrong: str = ""
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be kept: settings by key, secrets by key; None stands for one that Rainbow will generate."""

    values: Mapping[str, str | None]
    secrets: Mapping[str, str | None] = field(repr=False)


class Keeper(Protocol):
    """Whoever keeps it: this process, or the daemon. Each raises UserError for what a person can mend."""

    async def look(self) -> Found:
        """Tell what is there."""
        ...

    async def try_out(self, wanted: Wanted) -> None:
        """Raise UserError with everything that would keep `wanted` from being kept or from having an effect."""
        ...

    async def note(self, made: OurConnector | None) -> None:
        """Keep what is about to be made at Rainbow, or None: there is nothing."""
        ...

    async def keep(self, wanted: Wanted, made: OurConnector | None) -> str:
        """Keep it, without using it yet; say where the secrets are now."""
        ...

    async def put_back(self) -> None:
        """Have it again as it was before the last `keep`."""
        ...

    async def works(self) -> Trial:
        """Try what is kept, as the connector would."""
        ...

    async def delete(self) -> str:
        """Delete the connector that was made here, in its own name; say why that was not done, "" when it was."""
        ...

    async def use(self) -> str:
        """Use what was kept from now on; say what that needs, "" for nothing."""
        ...

    async def forget(self) -> None:
        """Remove all that `login` has left here."""
        ...


async def use_later() -> str:
    """Say that nobody is there to use it yet."""
    return ""


class Keeping:
    """Keeps it in the open `store`. `settings` gives those above what is made here; `use` has them used."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        *,
        now: Callable[[], datetime],
        use: Callable[[], Awaitable[str]] = use_later,
    ) -> None:
        self._given = settings
        self._store = store
        self._now = now
        self._use = use
        self._before: tuple[Wanted, OurConnector | None, str | None] | None = None

    @property
    def _settings(self) -> Settings:
        return self._given()

    async def look(self) -> Found:
        """Tell what is there."""
        places = [place_of(self._settings, key) for key in SECRETS]
        secrets = await asyncio.to_thread(lambda: [place.key for place in places if secret_places.read(place)])
        rainbow = effective(self._settings, self._store).rainbow
        settings = {"url": rainbow.url, "login": rainbow.login, "app_id": rainbow.app_id, "company": rainbow.company_id}
        # without who signs in there, which is a secret
        settings |= {"proxy_url": None if "@" in (rainbow.proxy_url or "") else rainbow.proxy_url}
        settings |= {"proxy_username": rainbow.proxy_username}
        return Found(
            connector=connector.read(self._store),
            settings={name: value for name, value in settings.items() if value},
            secrets=tuple(secrets),
            by_login=any(each.by == BY for each in made.read(self._store).values()),
            whose=whose(),
        )

    async def try_out(self, wanted: Wanted) -> None:
        """Raise UserError with everything that would keep `wanted` from being kept or from having an effect."""
        faults: list[str] = [
            _(
                "{key} is given by {origin}, which stands above what login keeps; take it out there, or run as the"
                " account that it names.",
                key=key,
                origin=self._settings.origin(key),
            )
            if key == "rainbow.login"
            else _(
                "{key} is given by {origin}, which stands above what login keeps; take it out there.",
                key=key,
                origin=self._settings.origin(key),
            )
            for key, value in wanted.values.items()
            if stands_above(self._settings, key) and _above(self._settings, key) != value
        ]
        secrets = self._places(wanted.secrets)
        faults += await asyncio.to_thread(secret_places.try_out, secrets)
        if faults:
            raise UserError(faults)

    async def note(self, made: OurConnector | None) -> None:
        """Keep what is about to be made at Rainbow, or None: there is nothing."""
        connector.keep(self._store, made)
        await self._copied()

    async def keep(self, wanted: Wanted, made: OurConnector | None) -> str:
        """Keep it, without using it yet; say where the secrets are now."""
        secrets = self._places(wanted.secrets)
        if self._before is None:
            kept = self._store.value(_KEPT_SECRETS)
            self._before = await self._now_kept(), connector.read(self._store), kept
        # The id first: whatever happens from here on, the next login knows that this one is ours.
        connector.keep(self._store, made)
        await self._copied()
        await self._write(wanted)
        return joined("; ", (_("{key} in {place}", key=place.key, place=place) for place in secrets))

    async def put_back(self) -> None:
        """Have it again as it was before the last `keep`."""
        if self._before is not None:
            wanted, ours, kept = self._before
            await self._write(wanted)
            self._store.set_value(_KEPT_SECRETS, kept)
            connector.keep(self._store, ours)
            await self._copied()
            self._before = None

    async def works(self) -> Trial:
        """Try what is kept, as the connector would."""
        try:
            async with self._account() as client:
                await try_account(client)
        except (RainbowAuthenticationError, RainbowApiError) as error:
            return Trial(wrong=str(error))
        except (RainbowError, UserError) as error:
            return Trial(wrong=str(error), sure=False)
        return Trial()

    async def delete(self) -> str:
        """Delete the connector that was made here, in its own name; say why that was not done, "" when it was."""
        ours = connector.read(self._store)
        if ours is None or not ours.id or not ours.created:
            return ""
        try:
            async with self._account() as client:
                await connectors.delete(client, ours.id)
        except (RainbowError, UserError) as error:
            return str(error)
        return ""

    @asynccontextmanager
    async def _account(self) -> AsyncIterator[RainbowClient]:
        settings = effective(self._settings, self._store)
        secrets = await asyncio.to_thread(credentials.resolve, settings)
        async with own_account(settings, secrets, now=self._now) as client:
            yield client

    async def use(self) -> str:
        """Use what was kept from now on; say what that needs, "" for nothing."""
        self._before = None
        return await self._use()

    async def forget(self) -> None:
        """Remove all that `login` has left here."""
        kept = self._kept()
        await self._write(Wanted(values=dict.fromkeys(self._made()), secrets=dict.fromkeys(kept)))
        connector.keep(self._store, None)
        await self._copied()
        self._before = None
        await self._use()

    def _places(self, secrets: Mapping[str, str | None]) -> dict[Place, str | None]:
        return {place_of(self._settings, key): secret for key, secret in secrets.items()}

    async def _now_kept(self) -> Wanted:
        places = {key: place_of(self._settings, key) for key in SECRETS}
        secrets = await asyncio.to_thread(
            lambda: {key: secret_places.read(place) for key, place in places.items() if not place.fixed}
        )
        return Wanted(values=self._made(), secrets=secrets)

    async def _write(self, wanted: Wanted) -> None:
        """Keep these; None takes one away."""
        secrets = {place: secret for place, secret in self._places(wanted.secrets).items() if not place.fixed}

        def write() -> None:
            for place, secret in secrets.items():
                if secret is None:
                    secret_places.remove(place)
                else:
                    secret_places.write(place, secret)

        await asyncio.to_thread(write)
        values = {key: value for key, value in wanted.values.items() if not stands_above(self._settings, key)}
        made.keep(self._store, dict.fromkeys(self._made()) | values, by=BY, at=self._now())
        kept = [place.key for place, secret in secrets.items() if secret is not None]
        self._store.set_value(_KEPT_SECRETS, json.dumps(kept) if kept else None)
        await self._copied()

    async def _copied(self) -> None:
        """Write the copy that outlives the state."""
        await asyncio.to_thread(kept_values.copying(self._store))

    def _made(self) -> dict[str, str]:
        return {key: str(each.value) for key, each in made.read(self._store).items() if each.by == BY}

    def _kept(self) -> list[str]:
        try:
            keys = read_json(self._store.value(_KEPT_SECRETS) or "[]")
        except ValueError:
            return []
        return [key for key in SECRETS if key in keys]


def effective(settings: Settings, store: Store) -> Settings:
    """Give `settings` with what was made on this machine beneath."""
    layer = {key: Given(each.value, each.origin) for key, each in made.read(store).items()}
    layered, faults = beneath(settings, layer)
    for fault in faults:
        log.warning("made_setting_left_out", reason=fault)
    return layered


def _above(settings: Settings, key: str) -> object:
    group, _, name = key.partition(".")
    return getattr(getattr(settings, group), name)
