"""What the lab's Rainbow has seen, for tests and for the curious: bounded lists of JSON-ready entries, and totals."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from rainbow_exchange.lab.rainbow.presence import iso

_KEPT = 50_000
_KEPT_IDS = 200_000
#: how much later than another an entry may stand that is no younger: a question stands there once it is answered
_OUT_OF_ORDER = timedelta(minutes=2)


class Record:
    """Lists in order of arrival, the newest 50,000 entries of each.

    `counts` are totals since the last `clear`: requests by path and status, full listings of the users, questions by
    outcome.
    """

    def __init__(self) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.notifies: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._notified: deque[tuple[int, float, str]] = deque(maxlen=_KEPT_IDS)
        self._newest = 0
        self.questions: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.xmpp_logins: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.presences: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.published: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.events: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.commands: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.callbacks: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.counts: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget everything."""
        for entries in self.lists().values():
            entries.clear()
        self._notified.clear()
        self.counts.clear()

    def note_notified(self, ids: Iterable[str], at: float) -> None:
        """Note that each of these people was named in a notify at this Unix time."""
        for each in ids:
            self._newest += 1
            self._notified.append((self._newest, at, each))

    @property
    def newest_notified(self) -> int:
        """Give the number of whoever was named last, 0 before the first."""
        return self._newest

    def notified(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Give who was named when, of the last 200,000 those with a number above `since`."""
        found = takewhile(lambda each: each[0] > since, reversed(self._notified))
        return [{"number": number, "at": at, "id": user_id} for number, at, user_id in found][::-1]

    def as_json(self, only: str = "", *, since: datetime | None = None, user: str = "") -> dict[str, Any]:
        """All of it, or one list by its name; what came about since, and of notifies and questions who is concerned."""
        shown = {
            name: [each for each in _since(entries, since) if not user or _concerns(each, user)]
            for name, entries in self.lists().items()
            if only in ("", name)
        }
        return {**shown, "full_listings": self.counts["full_listings"], "counts": dict(self.counts)}

    def lists(self) -> dict[str, deque[dict[str, Any]]]:
        """Return the lists by name."""
        return {
            "requests": self.requests,
            "notifies": self.notifies,
            "questions": self.questions,
            "xmpp_logins": self.xmpp_logins,
            "presences": self.presences,
            "published": self.published,
            "events": self.events,
            "commands": self.commands,
            "messages": self.messages,
            "callbacks": self.callbacks,
        }


def _since(entries: deque[dict[str, Any]], moment: datetime | None) -> list[dict[str, Any]]:
    if moment is None:
        return list(entries)
    least, far = iso(moment) or "", iso(moment - _OUT_OF_ORDER) or ""
    near = takewhile(lambda each: str(each.get("at", far)) >= far, reversed(entries))
    return [each for each in near if str(each.get("at", "")) >= least][::-1]


def _concerns(entry: dict[str, Any], user: str) -> bool:
    return user in entry.get("ids", ()) or entry.get("user_id") == user
