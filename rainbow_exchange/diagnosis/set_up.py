"""Settings that are entered on this machine: tried by the steps of `check`, then kept, and used at once.

The command `setup` and the page share it. Settings go into the state, beneath those of file and environment; secrets
where the settings say, the keyring of whoever does this otherwise: the running daemon, so that they are the service's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from rainbow_exchange import own_keyring, secret_places
from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import Given, beneath, stands_above
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.diagnosis import check
from rainbow_exchange.diagnosis.check.local import Candidate, resolve
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_desk import demand_sound
from rainbow_exchange.secret_places import Place, place_of
from rainbow_exchange.sign_up.keeping import effective
from rainbow_exchange.state import kept, made
from rainbow_exchange.state.store import FILE_NAME, Store

log = structlog.get_logger()

PATH = "/api/setup"
BY = "setup"
#: seconds for all steps of a trial
TOTAL = 120.0
_KEPT, _ENTERED = "what is kept from here", "what was entered"
#: steps that look at what was entered, which is nowhere yet
_LOCAL = ("settings", "secrets")
#: the last that need nobody's mailbox
_UP_TO = "exchange-version"


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs together: settings, secrets, and the side of the check that tries them; its steps, () for all."""

    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    side: check.Side
    steps: tuple[str, ...] = ()


_WAY = ("proxy", "name", "tcp", "tls")
PARTS = {
    "exchange": Part(
        settings=tuple(
            f"exchange.{name}"
            for name in (
                "url",
                "autodiscover_url",
                "username",
                "auth",
                "impersonation",
                "ca_file",
                "client_id",
                "token_url",
                "token_scope",
                "token_resource",
                "proxy_url",
            )
        ),
        secrets=("exchange.password", "exchange.client_secret", "exchange.proxy_url"),
        side="exchange",
    ),
    "exchange-proxy": Part(
        settings=("exchange.proxy_url",),
        secrets=("exchange.proxy_url",),
        side="exchange",
        steps=("exchange-place", *(f"exchange-{step}" for step in _WAY)),
    ),
    "rainbow-proxy": Part(
        settings=("rainbow.proxy_url", "rainbow.proxy_username"),
        secrets=("rainbow.proxy_url", "rainbow.proxy_password"),
        side="rainbow",
        steps=tuple(f"rainbow-{step}" for step in _WAY),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What somebody has entered of a part; None takes a value back. `address` is whom it is tried with."""

    part: str
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    address: str = ""


class SetUp:
    """Does it in the open `store`. `settings` gives those above what is made here; `use` reads all anew."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        use: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._given = settings
        self._store = store
        self._now = now
        self._random = random
        self._use = use

    async def answer(self, body: object) -> Mapping[str, Any]:
        """Do what was asked over the wire. Raises ValueError for what is not understood."""
        asked = body if isinstance(body, dict) else {}
        entered = _entered(asked)
        try:
            match asked.get("do"):
                case "look":
                    return {"answer": await self.look(entered.part)}
                case "try":
                    return {"answer": {"steps": await self.try_out(entered)}}
                case "keep":
                    return {"answer": await self.keep(entered)}
        except UserError as error:
            return {"problems": list(error.problems)}
        raise ValueError("nothing that can be done")

    async def look(self, part: str) -> dict[str, Any]:
        """Tell what counts now: each setting with its origin, each secret with whether it is set, and for whom."""
        settings, wanted = effective(self._given(), self._store), PARTS[part]
        seen = await asyncio.to_thread(secret_places.seen, self._given(), wanted.secrets)
        return {
            "account": own_keyring.whose(),
            "settings": {
                key: {"value": _plain(settings, key), "origin": settings.origin(key)} for key in wanted.settings
            },
            "secrets": {key: any(place.counts and place.has for place in places) for key, places in seen.items()},
        }

    async def try_out(self, entered: Entered) -> list[dict[str, Any]]:
        """Try it as the connector would, without keeping anything; give the results. Raises UserError."""
        part, settings = PARTS[entered.part], self._layered(entered)
        secrets, faults = await asyncio.to_thread(resolve, settings)
        new: dict[str, Any] = {key.replace(".", "_"): secret for key, secret in entered.secrets.items()}
        account = own_keyring.whose()
        candidate = Candidate(
            settings=settings,
            secrets=replace(secrets, **new),
            secret_faults={
                key: fault for key, fault in faults.items() if key in part.secrets and key not in entered.secrets
            },
            account=account,
            service=account,
        )
        results: list[dict[str, Any]] = []
        # Not the memory of refused passwords: whoever enters one means it to be tried.
        with TemporaryDirectory(prefix="rainbow-exchange-") as folder:
            store = Store.open(Path(folder) / FILE_NAME)
            try:
                going = check.run(
                    candidate,
                    store=store,
                    now=self._now,
                    random=self._random,
                    sides=(part.side,),
                    address=entered.address,
                    total=TOTAL,
                )
                async with aclosing(going) as steps:
                    async for each in steps:
                        if not isinstance(each, check.Result) or not _is_shown(each, part):
                            continue
                        results.append(asdict(each))
                        if each.step == (part.steps[-1] if part.steps else "" if entered.address else _UP_TO):
                            break
            finally:
                store.close()
        return results

    async def keep(self, entered: Entered) -> dict[str, Any]:
        """Keep it, and use it. Raises UserError: then all is as it was."""
        given = self._given()
        self._layered(entered)
        places = {place_of(given, key): secret for key, secret in entered.secrets.items()}
        if faults := await asyncio.to_thread(secret_places.try_out, {p: s for p, s in places.items() if s is not None}):
            raise UserError(faults)
        await asyncio.to_thread(_write, {place: secret for place, secret in places.items() if not place.fixed})
        values = {key: value for key, value in entered.values.items() if not stands_above(given, key)}
        made.keep(self._store, values, by=BY, at=self._now())
        await asyncio.to_thread(kept.copying(self._store))
        log.info("set_up", part=entered.part, settings=sorted(values), secrets=sorted(entered.secrets))
        remark = ""
        if self._use is not None:
            try:
                await self._use()
            except UserError as error:
                remark = " ".join(error.problems)
        where = [f"{place.key} in {place}" for place, secret in places.items() if secret is not None]
        return {"account": own_keyring.whose(), "kept": where, "remark": remark}

    def _layered(self, entered: Entered) -> Settings:
        """Give the settings as they would count. Raises UserError with everything that speaks against it."""
        given, faults = self._given(), []
        for key, secret in entered.secrets.items():
            if secret is not None:
                demand_sound(key, secret)
        for key, value in entered.values.items():
            if stands_above(given, key) and _normal(key, value) != _plain(given, key):
                faults.append(f"{key} is given by {given.origin(key)}, which stands above {_KEPT}; change it there.")
        layer = {key: Given(each.value, each.origin) for key, each in made.read(self._store).items()}
        layer |= {key: Given(value, _ENTERED) for key, value in entered.values.items()}
        settings, left_out = beneath(given, {key: each for key, each in layer.items() if each.value is not None})
        faults += [fault.replace("; it is left out.", ".") for fault in left_out]
        if faults:
            raise UserError(faults)
        return settings


def _is_shown(result: check.Result, part: Part) -> bool:
    if result.step in _LOCAL:
        return result.verdict is check.Verdict.FAIL and not part.steps
    return not part.steps or result.step in part.steps


def _entered(asked: Mapping[str, Any]) -> Entered:
    """Read what came over the wire. Raises ValueError."""
    part, values, secrets = asked.get("part"), asked.get("values", {}), asked.get("secrets", {})
    address = asked.get("address", "")
    if part not in PARTS or not isinstance(values, dict) or not isinstance(secrets, dict):
        raise ValueError("no part that can be set up")
    if not set(values) <= set(PARTS[part].settings) or not set(secrets) <= set(PARTS[part].secrets):
        raise ValueError("settings that do not belong to it")
    if not isinstance(address, str) or not all(isinstance(each, str | None) for each in secrets.values()):
        raise ValueError("no texts")
    if not all(isinstance(each, str | bool | None) for each in values.values()):
        raise ValueError("no values")
    return Entered(part=part, values=values, secrets=secrets, address=address)


def _normal(key: str, value: object) -> object:
    """Read a value as the setting is read, where it can be."""
    group, _, name = key.partition(".")
    try:
        return _plain(Settings.model_validate({group: {} if value is None else {name: value}}), key)
    except ValueError:
        return value


def _plain(settings: Settings, key: str) -> object:
    """Give a setting as JSON has it; a proxy's address without who signs in there."""
    group, _, name = key.partition(".")
    value = getattr(getattr(settings, group), name)
    if isinstance(value, Path):
        return str(value)
    return None if key in SECRETS or (key in SECRET_URLS and "@" in str(value)) else value


def _write(secrets: Mapping[Place, str | None]) -> None:
    """Keep all of them or none; None takes one away. Raises UserError."""
    before = {place: secret_places.read(place) for place in secrets}
    done: list[Place] = []
    try:
        for place, secret in secrets.items():
            done.append(place)
            _put(place, secret)
    except UserError:
        for place in done:
            if secret_places.read(place) != before[place]:
                _put(place, before[place])
        raise


def _put(place: Place, secret: str | None) -> None:
    if secret is None:
        secret_places.remove(place)
    else:
        secret_places.write(place, secret)


def as_results(steps: object) -> list[check.Result]:
    """Read results that came over the wire. Raises ValueError."""
    if not isinstance(steps, list):
        raise ValueError("no results of a trial")  # noqa: TRY004  (of the JSON, which is one kind of fault)
    try:
        return [check.Result(**(step | {"verdict": check.Verdict(step["verdict"])})) for step in steps]
    except (TypeError, KeyError) as error:
        raise ValueError("no results of a trial") from error
