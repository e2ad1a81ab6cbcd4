"""Settings made on this machine, by `login` or on the page: who made each, and when. Never a secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rainbow_exchange.json_text import read_json
from rainbow_exchange.state import kept
from rainbow_exchange.state.store import Store

_KEY = "made_settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A setting's value (as JSON has it); `by` is what made it: "login", "page"."""

    value: Any
    by: str
    at: datetime

    @property
    def origin(self) -> str:
        """Say where it comes from, for a person to read."""
        return f"{self.by} of {self.at:%Y-%m-%d}"


def read(store: Store) -> dict[str, Made]:
    """Give what was made, by dotted key; what cannot be read is as if it had not been made."""
    return _read(store.value(_KEY) or "{}")


def beside(folder: Path) -> dict[str, Made]:
    """Give it by the copy beside the state in `folder`, without touching the state. Raises OSError and ValueError."""
    return _read(kept.copy(folder).get(_KEY, "{}"))


def _read(text: str) -> dict[str, Made]:
    try:
        written = read_json(text)
    except ValueError:
        return {}
    found = {}
    for key, entry in written.items() if isinstance(written, dict) else ():
        try:
            found[key] = Made(value=entry["value"], by=str(entry["by"]), at=datetime.fromisoformat(entry["at"]))
        except (KeyError, TypeError, ValueError):  # written by a version that this one does not know
            continue
    return found


def keep(store: Store, values: Mapping[str, Any], *, by: str, at: datetime) -> None:
    """Keep these values in place of what was made of the same settings; None takes one back.

    `kept.copying` is to be called then.
    """
    made = {key: {"value": each.value, "by": each.by, "at": each.at.isoformat()} for key, each in read(store).items()}
    for key, value in values.items():
        made.pop(key, None)
        if value is not None:
            made[key] = {"value": value, "by": by, "at": at.isoformat()}
    store.set_value(_KEY, json.dumps(made) if made else None)
