"""Every setting with its value, redacted, and where it comes from, as the running daemon lists them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.config.lines import line_of
from rainbow_exchange.config.redacted import NOT_SET, SET, redacted
from rainbow_exchange.config.sources import SECRETS
from rainbow_exchange.config.template import written
from rainbow_exchange.words import _, unfilled

_MAX_FILE_BYTES = 1 << 20


_SHORT = {
    each: _(each)
    for each in (
        unfilled("default"),
        unfilled("nowhere"),
        unfilled("keyring"),
        unfilled("command line"),
        unfilled("systemd credential"),
    )
}
_KEPT = {"page": unfilled("page of {day}"), "setup": unfilled("setup of {day}"), "login": unfilled("login of {day}")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A setting: `value` as JSON has it, None for none; of a secret `set` or `not set`."""

    name: str
    value: object
    origin: str

    @property
    def text(self) -> str:
        """The value as a settings file has it; "" for none."""
        if self.value is None:
            return ""
        return self.value if isinstance(self.value, str) and self.value in {SET, NOT_SET} else written(self.value)


def short(origin: str) -> str:
    """Give an origin as a list of settings shows it."""
    if origin in _SHORT:
        return _SHORT[origin]
    kind, of, day = origin.partition(" of ")
    if of and kind in _KEPT:
        return _(_KEPT[kind], day=day)
    kind, space, name = origin.partition(" ")
    return _("variable {name}", name=name) if space and kind == "variable" else origin


def of_daemon(listed: Iterable[Mapping[str, Any]]) -> list[Shown]:
    """Take what the daemon lists in its status; what it leaves out is at its default."""
    given = {str(entry["name"]): entry for entry in listed}
    defaults = Settings()
    found = []
    for key in ["switch", *config.known()]:
        if entry := given.get(key):
            found.append(Shown(name=key, value=entry["value"], origin=str(entry["origin"])))
        elif key != "switch":
            if key in SECRETS:
                found.append(Shown(name=key, value=NOT_SET, origin="nowhere"))
            else:
                found.append(Shown(name=key, value=redacted(key, defaults.value(key)), origin="default"))
    return found


def with_lines(found: Iterable[Shown], file: Path | None) -> list[Shown]:
    """Name the line of what stands in the settings file."""
    text = _text(file)
    return [_with_line(each, file, text) for each in found]


def _with_line(shown: Shown, file: Path | None, text: str) -> Shown:
    if file is None or shown.origin != str(file):
        return shown
    line = line_of(text, shown.name)
    return shown if line is None else replace(shown, origin=_("{file}, line {line}", file=shown.origin, line=line))


def _text(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_FILE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):  # another account's: the daemon has read it
        return ""
