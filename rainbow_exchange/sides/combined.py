"""The settings of this machine and what was entered in Rainbow's administration, put together (pure).

Endpoint and credentials are one set with one origin: no secret of this machine, and not the identity that the service
runs as, goes to a host that Rainbow alone names, until that host stands in `exchange.allowed_hosts`. Otherwise whoever
may write in Rainbow's administration could have the Exchange password sent anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from rainbow_exchange.config import Settings
from rainbow_exchange.config.accounts import missing_credentials
from rainbow_exchange.config.layers import Given, beneath
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.entered import Entered, Value
from rainbow_exchange.words import _

#: what is shown as the origin of a value
RAINBOW = _("Rainbow's administration")

_PAIRS = (("username", "password"), ("client_id", "client_secret"))
_SECRET = frozenset({"password", "client_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """Settings and secrets as they count. `origins`: setting → where it comes from, of those that Rainbow gives.

    `unconfirmed` is the host that may not be told what is to sign in there, or ""; `left_out` says in sentences what
    Rainbow gives and is not used.
    """

    settings: Settings
    secrets: Secrets = field(repr=False)
    origins: Mapping[str, str]
    unconfirmed: str = ""
    left_out: tuple[str, ...] = ()


def combine(settings: Settings, secrets: Secrets, entered: Entered) -> Combined:
    """Put them together."""
    exchange, values = settings.exchange, entered.values
    has_place = exchange.url is not None or exchange.autodiscover_url is not None
    has_credentials = any(
        (exchange.username, exchange.client_id, secrets.exchange_password, secrets.exchange_client_secret)
    )
    left_out: list[str] = []
    taken: dict[str, Value] = {}
    if "url" in values and has_place:
        left_out.append(_("{rainbow} names an endpoint; that of this machine counts.", rainbow=RAINBOW))
    elif "url" in values:
        taken["url"] = values["url"]
    if has_credentials and any(name in values for pair in _PAIRS for name in pair):
        left_out.append(_("{rainbow} holds credentials for Exchange; those of this machine count.", rainbow=RAINBOW))
    elif not has_credentials:
        for pair in _PAIRS:
            given = [name for name in pair if name in values]
            if len(given) == len(pair):
                taken |= {name: values[name] for name in pair}
            elif given:
                [absent] = set(pair) - set(given)
                left_out.append(
                    _(
                        "{rainbow} gives exchange.{given} without exchange.{absent}; it is not used.",
                        rainbow=RAINBOW,
                        given=given[0],
                        absent=absent,
                    )
                )
    signs_in = any(name in taken for name in ("username", "client_id"))
    host = (urlsplit(taken["url"].text).hostname or "") if "url" in taken else ""
    foreign = bool(host) and host not in exchange.allowed_hosts
    if foreign or (signs_in and not has_place and not host):
        settings, secrets = _without_fallback(settings, secrets, left_out)
    layer = {
        f"exchange.{name}": Given(value.text, origin_of(value)) for name, value in taken.items() if name not in _SECRET
    }
    settings, faults = beneath(settings, layer)
    secrets = replace(secrets, **{f"exchange_{name}": value.text for name, value in taken.items() if name in _SECRET})
    blocked = foreign and not signs_in and not missing_credentials(settings.exchange, secrets)
    return Combined(
        settings=settings,
        secrets=secrets,
        origins={f"exchange.{name}": origin_of(value) for name, value in taken.items()},
        unconfirmed=host if blocked else "",
        left_out=(*left_out, *faults),
    )


def origin_of(value: Value) -> str:
    """Say where a value stands."""
    return _("{rainbow} ({path})", rainbow=RAINBOW, path=value.path)


def _without_fallback(settings: Settings, secrets: Secrets, left_out: list[str]) -> tuple[Settings, Secrets]:
    """Leave out the second account, whose password is this machine's."""
    if settings.exchange.fallback_username is None:
        return settings, secrets
    left_out.append(
        _(
            "exchange.fallback_username is not used: its password is this machine's, and Rainbow's"
            " administration says where Exchange is or who signs in."
        )
    )
    nothing: dict[str, Any] = {"fallback_username": None}
    exchange = settings.exchange.model_copy(update=nothing)
    return settings.model_copy(update={"exchange": exchange}), replace(secrets, exchange_fallback_password=None)
