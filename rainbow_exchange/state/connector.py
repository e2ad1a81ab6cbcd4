"""What this installation made at Rainbow, so that it is never made twice, and never anything else is deleted."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from rainbow_exchange.json_text import read_json
from rainbow_exchange.state.store import Store

_KEY = "connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurConnector:
    """The connector user that we asked for; written before it is asked for, and again once it is there.

    `id` is "" while no answer has come; `before` are the ids that the company had then. `created` is false where
    Rainbow gave us one that was there before: that one is not ours to delete.
    """

    url: str
    company_id: str
    asked_at: datetime
    before: tuple[str, ...] = ()
    id: str = ""
    login: str = ""
    created: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return what is kept."""
        return asdict(self) | {"asked_at": self.asked_at.isoformat(), "before": list(self.before)}

    @classmethod
    def from_json(cls, content: object) -> Self | None:
        """Read what was kept; None for what is not understood."""
        if not isinstance(content, Mapping):
            return None
        try:
            return cls(
                url=str(content["url"]),
                company_id=str(content["company_id"]),
                asked_at=datetime.fromisoformat(content["asked_at"]),
                before=tuple(str(each) for each in content["before"]),
                id=str(content["id"]),
                login=str(content["login"]),
                created=content["created"] is True,
            )
        except (KeyError, TypeError, ValueError):
            return None


def read(store: Store) -> OurConnector | None:
    """Give what was kept."""
    try:
        return OurConnector.from_json(read_json(store.value(_KEY) or "null"))
    except ValueError:
        return None


def keep(store: Store, connector: OurConnector | None) -> None:
    """Keep it in place of what was kept; None forgets it.

    `kept.copying` is to be called then.
    """
    store.set_value(_KEY, None if connector is None else json.dumps(connector.as_json()))
