"""Values that stand below those of the command line, the environment and the file: made on this machine, or given.

A value that stands above is never replaced; each that is taken carries its origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rainbow_exchange.config import Settings
from rainbow_exchange.config.consistency import contradictions
from rainbow_exchange.words import Said, _, unfilled


@dataclass(frozen=True, slots=True)
class Given:
    """A value of a lower layer, and where it comes from, for a person to read."""

    value: Any
    origin: str


_UNKNOWN = unfilled("{key} ({origin}) is not a setting; it is left out.")
_FAULTY = unfilled("{key} ({origin}) {said}; it is left out.")
_ENTERED = {
    _UNKNOWN: unfilled("{key} ({origin}) is not a setting."),
    _FAULTY: unfilled("{key} ({origin}) {said}."),
}


def beneath(settings: Settings, layer: Mapping[str, Given]) -> tuple[Settings, list[str]]:
    """Take from `layer` (dotted key → value) what nothing above gives; also say what of it is of no use.

    What is not understood, or contradicts what stands above, is left out, so that a layer can never keep the connector
    from starting.
    """
    faults: list[str] = []
    for key, given in layer.items():
        group_name, _dot, name = key.partition(".")
        group = getattr(settings, group_name, None)
        if group is None or name not in type(group).model_fields:
            faults.append(_(_UNKNOWN, key=key, origin=given.origin))
            continue
        if stands_above(settings, key):
            continue
        try:
            value = getattr(type(group).model_validate({name: given.value}), name)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            said = detail.get("ctx", {}).get("error", detail["msg"])
            faults.append(_(_FAULTY, key=key, origin=given.origin, said=said))
            continue
        layered = settings.model_copy(update={group_name: group.model_copy(update={name: value})})
        layered.name_origins({key: given.origin})
        against = [text for keys, text in contradictions(layered) if key in keys]
        if against:
            faults += against
            continue
        settings = layered
    return settings, faults


def as_entered(fault: str) -> str:
    """Give a fault of `beneath` for whoever enters the setting now: nothing of it is left out, it is not taken."""
    if isinstance(fault, Said) and fault.template in _ENTERED:
        return _(_ENTERED[fault.template], **fault.values)
    return fault


def stands_above(settings: Settings, key: str) -> bool:
    """Whether the command line, the environment, the file or a layer that was laid before gives `key`."""
    group_name, _dot, name = key.partition(".")
    return name in getattr(settings, group_name).model_fields_set
