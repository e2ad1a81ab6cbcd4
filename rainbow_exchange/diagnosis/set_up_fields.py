"""What counts now of a part that can be set up: each value, where it comes from, and whether it may be changed here.

Looked at in memory only, so that a page can show it again and again. Never any secret.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import stands_above
from rainbow_exchange.config.redacted import redacted
from rainbow_exchange.config.sources import SECRET_URLS
from rainbow_exchange.diagnosis.set_up import PARTS
from rainbow_exchange.secret_places import place_of
from rainbow_exchange.sides.combined import RAINBOW
from rainbow_exchange.sides.shown import whence
from rainbow_exchange.sides.wanted import Wanted

_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A setting or a secret. `value` as it may be shown; `is_set`: there is one; `secret`: it is kept as a secret.

    `fixed`: it stands in the environment or a file, and is changed there alone.
    """

    key: str
    value: object
    is_set: bool
    secret: bool
    origin: str
    fixed: bool

    @property
    def here(self) -> bool:
        """Whether it was made on this machine, so that it can be taken back."""
        return self.is_set and not self.fixed and not self.of_rainbow and self.origin != _DEFAULT

    @property
    def of_rainbow(self) -> bool:
        """Whether Rainbow's administration gives it."""
        return self.origin.startswith(RAINBOW)


def fields_of(part: str, wanted: Wanted, given: Callable[[], Settings]) -> dict[str, Field]:
    """Give the settings and secrets of a part by their keys; an address that holds a secret is a setting here."""
    above, combined, of = given(), wanted.combined(), PARTS[part]
    found = {}
    for key in of.secrets:
        value = getattr(combined.secrets, key.replace(".", "_"))
        is_set = value is not None
        found[key] = Field(
            key=key,
            value=redacted(key, value) if key in SECRET_URLS else None,
            is_set=is_set,
            secret=True,
            origin=(combined.origins.get(key) or whence(wanted, key)) if is_set else _DEFAULT,
            fixed=place_of(above, key).fixed,
        )
    for key in of.settings:
        value = combined.settings.value(key)
        if value is None and key in found and found[key].is_set:
            continue
        found[key] = Field(
            key=key,
            value=redacted(key, value),
            is_set=value is not None,
            secret=False,
            origin=combined.origins.get(key) or combined.settings.origin(key),
            fixed=stands_above(above, key),
        )
    return found
