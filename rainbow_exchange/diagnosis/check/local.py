"""What the check looks at on this machine: the settings, the secrets, and whose account reads them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rainbow_exchange import config, credentials, secret_places
from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.bridge.login_causes import how_to_set
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRETS
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.diagnosis.check.results import Finding, failed, passed, warned
from rainbow_exchange.diagnosis.settings_shown import short
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import few
from rainbow_exchange.words import _, joined, sentences

_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class _Some:
    """Some of the secrets, for `credentials.resolve`."""

    given: Mapping[str, tuple[str | None, Path | None]]

    def given_secrets(self) -> Mapping[str, tuple[str | None, Path | None]]:
        """See `config.Settings`."""
        return self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Settings and secrets to be checked, with what was wrong with reading them.

    `account` is whom this runs as; `service` whom the running service does, "" where that is not known, and
    `service_has` which secrets that one finds, None where it was not asked. `state_fault` says why the state was of no
    use, `service_fault` why a service that seems to run cannot be asked.
    """

    settings: Settings
    secrets: Secrets
    secret_faults: Mapping[str, str]
    account: str = ""
    service: str = ""
    service_has: frozenset[str] | None = None
    state_fault: str = ""
    service_fault: str = ""


def resolve(settings: Settings) -> tuple[Secrets, dict[str, str]]:
    """Find every secret that can be found, and say of each other what is wrong. Blocks."""
    given = settings.given_secrets()
    in_files = [
        key
        for key, (value, file) in given.items()
        if not value and (file is not None or credentials.handed_by_systemd(key) is not None)
    ]
    found = credentials.resolve(_Some({key: place for key, place in given.items() if key not in in_files}))
    faults: dict[str, str] = {}
    values = {each.name: getattr(found, each.name) for each in fields(found)}
    values["exposed"] = credentials.exposed_files(settings)
    for key in in_files:
        name = key.replace(".", "_")
        try:
            values[name] = getattr(credentials.resolve(_Some({key: given[key]})), name)
        except UserError as error:
            faults[key] = error.problems[0]
    return Secrets(**values), faults


def missing(candidate: Candidate) -> tuple[list[str], list[str]]:
    """Name what is missing on this machine for Rainbow, and for Exchange."""
    settings, secrets = candidate.settings, candidate.secrets
    return config.missing_for_rainbow(settings, secrets), config.missing_for_exchange(settings, secrets)


def settings_step(candidate: Candidate, *, sides: Sequence[str]) -> Finding:
    """Say where the settings come from, and which are missing."""
    settings = candidate.settings
    origins = Counter(_kind(settings.origin(key)) for key in _given(settings))
    listed = [_("{number} from {origin}", number=number, origin=origin) for origin, number in origins.most_common()]
    where = joined(", ", listed)
    facts = {"folder": str(config.data_folder(settings)), "origins": dict(origins)}
    rainbow, exchange = missing(candidate)
    lacking = [key for key in rainbow if key not in SECRETS] if "rainbow" in sides else []
    if "rainbow" not in sides:
        lacking += [key for key in exchange if key not in SECRETS]
    if lacking and candidate.state_fault:
        text = _(
            "Settings are missing: {lacking}. What login has kept is not known: {state_fault}.",
            lacking=", ".join(lacking),
            state_fault=candidate.state_fault,
        )
        return failed(Cause("state-unusable", text, _("Run this as the account of the service.")), **facts)
    if lacking:
        text = _("Settings are missing: {lacking}.", lacking=", ".join(lacking))
        return failed(Cause("settings-missing", text, sentences(*how_to_set(lacking))), **facts)
    if candidate.state_fault:
        text = _(
            "What this machine has kept (login, mailboxes that were found) is not known: {state_fault}.",
            state_fault=candidate.state_fault,
        )
        return warned(Cause("state-unusable", text, _("Run this as the account of the service.")), **facts)
    if candidate.service_fault:
        text = _("Whether the service runs cannot be told: {service_fault}.", service_fault=candidate.service_fault)
        return warned(Cause("cannot-tell", text, _("See rainbow-exchange status.")), **facts)
    return passed(_("{where}.", where=where) if where else _("None are given."), **facts)


def secrets_step(candidate: Candidate, *, sides: Sequence[str]) -> Finding:
    """Say who reads the secrets, from where, and which cannot be read."""
    settings, secrets, account = candidate.settings, candidate.secrets, candidate.account or _("this account")
    rainbow, exchange = missing(candidate)
    wanted = (rainbow if "rainbow" in sides else []) + (exchange if "exchange" in sides else [])
    lacking = [key for key in wanted if key in SECRETS and key not in candidate.secret_faults]
    places = {
        key: str(secret_places.place_of(settings, key))
        for key in SECRETS
        if getattr(secrets, key.replace(".", "_")) and key.partition(".")[0] in sides
    }
    facts = {"account": account, "service_account": candidate.service or None, "read": places}
    if faults := list(candidate.secret_faults.values()):
        text = _("{account} cannot read every secret: {faults}", account=account, faults=few(faults, _MOST_FAULTS))
        return failed(Cause("secret-unreadable", text, _("Correct that, as the account of the service.")), **facts)
    if "rainbow" in sides and from_rainbow(candidate):
        lacking = [key for key in lacking if key in rainbow]
    if (found := _of_service(candidate, [*places, *lacking], lacking)) is not None:
        cause, fails = found
        return (failed if fails else warned)(cause, **facts)
    if lacking:
        text = _("{account} finds no {lacking}.", account=account, lacking=", ".join(lacking))
        if why := secrets.keyring_problem:
            text = _("{account} finds no {lacking} ({why}).", account=account, lacking=", ".join(lacking), why=why)
        return failed(Cause("settings-missing", text, sentences(*how_to_set(lacking))), **facts)
    if secrets.exposed:
        return warned(Cause("secret-exposed", secrets.exposed, _("Take that right away from them.")), **facts)
    where = joined("; ", (_("{key} from {place}", key=key, place=place) for key, place in places.items()))
    also = (
        _("The service, as {service}, finds them, too.", service=candidate.service)
        if candidate.service_has is not None
        else ""
    )
    as_whom = _("As {account}: {where}.", account=account, where=where or _("none is needed"))
    return passed(sentences(as_whom, also), **facts)


def _of_service(candidate: Candidate, wanted: Sequence[str], lacking: Sequence[str]) -> tuple[Cause, bool] | None:
    """Say what differs between what this account finds and the service's, and whether that fails; None: nothing."""
    who, has = candidate.service, candidate.service_has
    as_it = _("Run this as {who} (on Linux: runuser -u {who} -- rainbow-exchange check).", who=who)
    if has is not None and (absent := [key for key in wanted if key not in has]):
        text = _("The service, which runs as {who}, finds no {absent}.", who=who, absent=", ".join(absent))
        action = _("rainbow-exchange secret set {absent} gives it to the running service.", absent=absent[0])
        return Cause("other-account" if set(absent) - set(lacking) else "settings-missing", text, action), True
    if not who or not candidate.account or who == candidate.account:
        return None
    if lacking:
        absent_here = ", ".join(lacking)
        text = (
            _(
                "This runs as {account}, which finds no {lacking}, and the service as {who}, which does.",
                account=candidate.account,
                lacking=absent_here,
                who=who,
            )
            if has is not None
            else _(
                "This runs as {account}, which finds no {lacking}, and the service as {who}.",
                account=candidate.account,
                lacking=absent_here,
                who=who,
            )
        )
        return Cause("other-account", text, as_it), True
    if has is None:
        text = _(
            "This runs as {account}, and the service as {who}: what {who} can read is not known from here.",
            account=candidate.account,
            who=who,
        )
        return Cause("other-account", text, as_it), False
    return None


def from_rainbow(candidate: Candidate) -> bool:
    """Whether Rainbow's administration has a say in where Exchange is, or who signs in there."""
    exchange, secrets = candidate.settings.exchange, candidate.secrets
    signs_in = exchange.username or exchange.client_id or secrets.exchange_password or secrets.exchange_client_secret
    has_place = exchange.url is not None or exchange.autodiscover_url is not None
    return not has_place or (not signs_in and bool(missing(candidate)[1]))


def _given(settings: Settings) -> list[str]:
    """Name the settings that somebody has set."""
    groups = {name: getattr(settings, name) for name in type(settings).model_fields}
    return [f"{group}.{name}" for group, values in groups.items() for name in sorted(values.model_fields_set)]


def _kind(origin: str) -> str:
    return _("variables") if origin.startswith("variable ") else short(origin)
