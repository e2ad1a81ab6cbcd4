"""`POST connectors/events`: the lab's Rainbow keeps what connectors report, as the SDK documents it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dateutil.parser import isoparse

from rainbow_exchange.lab.rainbow.presence import iso
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser

_KEPT_FOR = timedelta(days=30)
_LEVELS = ("ERROR", "WARN", "INFO")
_TEXTS = ("eventId", "level", "category", "operation", "description", "date")


class ConnectorEvents:
    """Events by connector and `eventId`, each kept for thirty days; one that is there already is not stored again."""

    def __init__(self, *, record: Record, now: Callable[[], datetime], random: Random) -> None:
        self._record = record
        self._now = now
        self._random = random
        self._kept: dict[tuple[str, str], tuple[datetime, dict[str, Any]]] = {}

    def store(self, user: LabUser, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take the events of a call, all or none; return each as it is stored. Raise Refusal 400000."""
        events = body.get("events")
        if not isinstance(events, list) or not events:
            raise _bad("events", "Must be a non-empty list")
        for event in events:
            _check(event)
        self._forget_old()
        return [self._one(user, event) for event in events]

    def kept(self) -> list[dict[str, Any]]:
        """Return all events that are kept, in the order they came."""
        self._forget_old()
        return [stored for _, stored in self._kept.values()]

    def _one(self, user: LabUser, event: dict[str, str]) -> dict[str, Any]:
        key = user.id, event["eventId"]
        if key in self._kept:
            self._record.counts["events_doubled"] += 1
            return self._kept[key][1]
        stored = {
            "id": f"{self._random.getrandbits(96):024x}",
            "userId": user.id,
            "companyId": user.company_id,
            "deleted": False,
            **{name: event[name] for name in _TEXTS},
        }
        self._kept[key] = self._now(), stored
        self._record.events.append({"at": iso(self._now()), **stored})
        return stored

    def _forget_old(self) -> None:
        oldest = self._now() - _KEPT_FOR
        for key in [key for key, (stored_at, _) in self._kept.items() if stored_at < oldest]:
            del self._kept[key]


def _check(event: object) -> None:
    if not isinstance(event, dict):
        raise _bad("events", "Must be a list of objects")
    for name in _TEXTS:
        if not isinstance(event.get(name), str) or not event[name]:
            raise _bad(name, "Must be a text that is not empty")
    if event["level"] not in _LEVELS:
        raise _bad("level", f"Must be one of {', '.join(_LEVELS)}")
    try:
        isoparse(event["date"])
    except ValueError:
        raise _bad("date", "Must be a date and time") from None


def _bad(param: str, message: str) -> Refusal:
    details = [{"param": param, "msg": message}]
    return Refusal(status=400, code=400000, message="Bad request", details=details)
