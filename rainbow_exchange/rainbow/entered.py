"""What was entered in Rainbow's administration, read from its documents by paths that can be chosen (pure).

A path leads by dots: `settings.company.url`. Each value is taken from the first path that leads to one; what is not
understood changes nothing and is said. Values may be secrets: nothing here shows one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rainbow_exchange.rainbow.company import Document
from rainbow_exchange.words import _

SWITCH = "switch"

_ON = frozenset({"enabled", "enable", "true", "on", "yes", "1"})
_OFF = frozenset({"disabled", "disable", "false", "off", "no", "0"})
_LONGEST = 4096

Paths = Mapping[str, Sequence[str]]
#: tells what is wrong with a value by its name, "" where nothing is
Check = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the path at which it stands."""

    text: str = field(repr=False)
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What stands there. `switch` None: it is absent, which means on; `faults` say what was not understood.

    `was_read`: whether all of it has been read by now; `pending`: whether it is being read for the first time.
    """

    was_read: bool = False
    pending: bool = False
    switch: bool | None = None
    switch_path: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def read(documents: Sequence[Document], paths: Paths, *, before: Entered, check: Check) -> Entered:
    """Read the documents, the first ones first. Of what is not understood the value of `before` stays."""
    faults: list[str] = []
    switch, switch_path = _switch(documents, paths.get(SWITCH, ()), before, faults)
    values: dict[str, Value] = {}
    for name, tried in paths.items():
        if name == SWITCH:
            continue
        path, raw = _first(documents, tried)
        if raw is None:
            continue
        wrong = _wrong(raw) or check(name, str(raw).strip())
        if not wrong:
            values[name] = Value(str(raw).strip(), path)
            continue
        faults.append(_("{path} {wrong}", path=path, wrong=wrong))
        if name in before.values:
            values[name] = before.values[name]
    return Entered(was_read=True, switch=switch, switch_path=switch_path, values=values, faults=tuple(faults))


def _switch(
    documents: Sequence[Document], paths: Sequence[str], before: Entered, faults: list[str]
) -> tuple[bool | None, str]:
    path, raw = _first(documents, paths)
    if raw is None:
        return None, ""
    word = str(raw).strip().casefold() if isinstance(raw, str | bool | int) else ""
    if word in _ON | _OFF:
        return word in _ON, path
    faults.append(_("{path} says neither enabled nor disabled", path=path))
    return before.switch, before.switch_path


def _first(documents: Sequence[Document], paths: Sequence[str]) -> tuple[str, Any]:
    """Give the first path that leads to something, and that; null and an empty text are nothing."""
    for path in paths:
        for document in documents:
            found: Any = document
            for name in path.split("."):
                found = found.get(name) if isinstance(found, dict) else None
            if found is not None and found != "" and not (isinstance(found, str) and not found.strip()):
                return path, found
    return "", None


def _wrong(raw: object) -> str:
    if not isinstance(raw, str):
        return _("is no text")
    if len(raw) > _LONGEST:
        return _("has more than {longest} characters", longest=_LONGEST)
    return _("holds a character that is none") if "\x00" in raw or not raw.isprintable() else ""
