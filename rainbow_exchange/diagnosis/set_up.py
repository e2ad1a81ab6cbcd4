"""Settings that are entered on this machine: tried by the steps of `check`, then kept, and used at once.

The command `setup` and the page share it. Settings go into the state, beneath those of file and environment; secrets
where the settings say, the keyring of whoever does this otherwise: the running daemon, so that they are the service's.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from rainbow_exchange import own_keyring, secret_places
from rainbow_exchange.bridge.discovery import found_before
from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import Given, as_entered, beneath, stands_above
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.diagnosis import check
from rainbow_exchange.diagnosis.check.local import Candidate, resolve
from rainbow_exchange.diagnosis.settings_shown import short
from rainbow_exchange.diagnosis.withheld import withheld
from rainbow_exchange.errors import UserError
from rainbow_exchange.rainbow.entered import Entered as OfRainbow
from rainbow_exchange.secret_desk import demand_sound
from rainbow_exchange.secret_places import Place, place_of
from rainbow_exchange.sides import holds
from rainbow_exchange.sides.combined import combine
from rainbow_exchange.sign_up.keeping import effective
from rainbow_exchange.state import kept, made
from rainbow_exchange.state.store import Store
from rainbow_exchange.words import _, sentences

log = structlog.get_logger()

PATH = "/api/setup"
#: what settings are kept by: the command, the local page
BY, PAGE = "setup", "page"
#: seconds for all steps of a trial
TOTAL = 120.0
_KEPT, _ENTERED = _("what is kept from here"), _("what was entered")
#: steps that look at what was entered, which is nowhere yet
_LOCAL = ("settings", "secrets")
#: whom it must refuse is not asked here
_NOBODY_NAMED = "must-refuse"
#: those that need somebody's mailbox
_OF_MAILBOX = ("mailbox", "impersonation", "subscription", "stream", "availability", "out-of-office")


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs together: settings, secrets, and the side of the check that tries them; its steps, () for all.

    `finds`: the address is whom autodiscover is asked about, and nothing of this is ever kept.
    """

    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    side: check.Side
    steps: tuple[str, ...] = ()
    finds: bool = False


_WAY = ("proxy", "name", "tcp", "tls")
_EXCHANGE = Part(
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
)
PARTS = {
    "exchange": _EXCHANGE,
    "exchange-place": replace(_EXCHANGE, steps=("exchange-place",), finds=True),
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
    """Does it in the open `store`. `settings` gives those above what is made here; `use` reads all anew.

    `of_rainbow` is what Rainbow's administration says.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        use: Callable[[], Awaitable[None]] | None = None,
        of_rainbow: Callable[[], OfRainbow] = OfRainbow,
    ) -> None:
        self._given = settings
        self._store = store
        self._now = now
        self._random = random
        self._use = use
        self._of_rainbow = of_rainbow
        #: where Exchange was before that was taken back: what is kept for it stays so
        self._was_at = ""

    async def answer(self, body: object) -> Mapping[str, Any]:
        """Do what was asked over the wire. Raises ValueError for what is not understood."""
        asked = body if isinstance(body, dict) else {}
        entered = _entered(asked)
        try:
            match asked.get("do"):
                case "look":
                    return {"answer": await self.look(entered.part)}
                case "try":
                    return {"answer": {"steps": await self._tried(entered)}}
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

    async def try_out(self, entered: Entered) -> AsyncGenerator[check.Began | check.Result, None]:
        """Try it as the connector would, without keeping anything; give what each step says. Raises UserError.

        To be left by `aclosing`: then nothing stays open anywhere.
        """
        part, settings = PARTS[entered.part], await self._layered(entered)
        secrets, faults = await asyncio.to_thread(resolve, settings)
        new: dict[str, Any] = {key.replace(".", "_"): secret for key, secret in entered.secrets.items()}
        account = own_keyring.whose()
        counting = combine(settings, replace(secrets, **new), self._said_by_rainbow(part))
        if counting.unconfirmed and part.side == "exchange":
            yield _unconfirmed(counting.unconfirmed, settings)
            return
        candidate = Candidate(
            settings=counting.settings,
            secrets=counting.secrets,
            secret_faults={
                key: fault for key, fault in faults.items() if key in part.secrets and key not in entered.secrets
            },
            account=account,
            service=account,
        )
        last = steps_of(entered.part, entered.address)[-1]
        # An empty memory of refused passwords: whoever enters one means it to be tried.
        with closing(Store.in_memory()) as store:
            going = check.run(
                candidate,
                store=store,
                now=self._now,
                random=self._random,
                sides=(part.side,),
                address="" if part.finds else entered.address,
                find_by=entered.address if part.finds else "",
                total=TOTAL,
            )
            async with aclosing(going) as steps:
                async for each in steps:
                    if not _is_shown(each, part):
                        continue
                    yield each
                    if isinstance(each, check.Result) and each.step == last:
                        break

    def _said_by_rainbow(self, part: Part) -> OfRainbow:
        """Give what Rainbow's administration says; not where Exchange is, where just that is looked for."""
        said = self._of_rainbow()
        if not part.finds:
            return said
        return replace(said, values={name: value for name, value in said.values.items() if name != "url"})

    async def withheld(self, entered: Entered) -> list[str]:
        """Say which secrets that are kept would be told to a server that they were not given for. Raises UserError."""
        part, tried = PARTS[entered.part], await self._layered(entered)
        secrets, _faults = await asyncio.to_thread(resolve, tried)
        held = [key for key in part.secrets if key not in entered.secrets and getattr(secrets, key.replace(".", "_"))]
        counts = combine(effective(self._given(), self._store), secrets, self._of_rainbow()).settings
        found = self._was_at or found_before(self._store)
        return [*withheld(counts, tried, held, find_by=entered.address if part.finds else "", found=found)]

    async def _tried(self, entered: Entered) -> list[dict[str, Any]]:
        async with aclosing(self.try_out(entered)) as steps:
            return [asdict(each) async for each in steps if isinstance(each, check.Result)]

    async def keep(self, entered: Entered, *, by: str = BY) -> dict[str, Any]:
        """Keep it, and use it. Raises UserError: then all is as it was. `by` is what it is made by."""
        given = self._given()
        await self._layered(entered)
        places = {place_of(given, key): secret for key, secret in entered.secrets.items()}
        if faults := await asyncio.to_thread(secret_places.try_out, {p: s for p, s in places.items() if s is not None}):
            raise UserError(faults)
        await asyncio.to_thread(_write, {place: secret for place, secret in places.items() if not place.fixed})
        values = {key: value for key, value in entered.values.items() if not stands_above(given, key)}
        self._was_at = effective(given, self._store).exchange.url or self._was_at
        made.keep(self._store, values, by=by, at=self._now())
        await asyncio.to_thread(kept.copying(self._store))
        log.info("set_up", part=entered.part, settings=sorted(values), secrets=sorted(entered.secrets))
        remark = ""
        if self._use is not None:
            try:
                await self._use()
            except UserError as error:
                remark = sentences(*error.problems)
        where = [
            _("{key} in {place}", key=place.key, place=str(place))
            for place, secret in places.items()
            if secret is not None
        ]
        return {"account": own_keyring.whose(), "kept": where, "remark": remark}

    async def _layered(self, entered: Entered) -> Settings:
        """Give the settings as they would count. Raises UserError with everything that speaks against it."""
        given, faults = self._given(), list[str]()
        for key, secret in entered.secrets.items():
            if secret is not None:
                demand_sound(key, secret)
        for key, value in entered.values.items():
            if stands_above(given, key) and _normal(key, value) != _plain(given, key):
                faults.append(
                    _(
                        "{key} is given by {origin}, which stands above {kept}; change it there.",
                        key=key,
                        origin=short(given.origin(key)),
                        kept=_KEPT,
                    )
                )
        layer = {key: Given(each.value, each.origin) for key, each in made.read(self._store).items()}
        layer |= {key: Given(value, _ENTERED) for key, value in entered.values.items()}
        counting = {key: each for key, each in layer.items() if each.value is not None}
        # In a thread: a file is looked at, which may lie on a server that does not answer.
        settings, left_out = await asyncio.to_thread(beneath, given, counting)
        faults += map(as_entered, left_out)
        if faults:
            raise UserError(faults)
        return settings


def _is_shown(each: check.Began | check.Result, part: Part) -> bool:
    if each.step == _NOBODY_NAMED:
        return False
    if each.step in _LOCAL:
        return isinstance(each, check.Result) and each.verdict is check.Verdict.FAIL and not part.steps
    return not part.steps or each.step in part.steps


def steps_of(part: str, address: str) -> tuple[str, ...]:
    """Name the steps of a trial in their order; those of a mailbox only where one is named."""
    of_exchange = tuple(step for step in check.TITLES if step.startswith("exchange-"))
    return PARTS[part].steps or (*of_exchange, *(_OF_MAILBOX if address else ()))


def _unconfirmed(host: str, settings: Settings) -> check.Result:
    """Say that this host has to be confirmed before anything is sent there."""
    hold = holds.unconfirmed(host, settings.exchange.allowed_hosts)
    return check.Result(
        step="exchange-place",
        verdict=check.Verdict.FAIL,
        text=hold.text,
        fix=hold.action,
        cause=hold.problem,
        facts={"host": host},
    )


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
