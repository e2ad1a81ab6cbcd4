"""What the lab's Rainbow has seen, for tests and for the curious: bounded lists of JSON-ready entries, and totals."""

from collections import Counter, deque
from typing import Any

_KEPT = 50_000


class Record:
    """Lists in order of arrival, the newest 50,000 entries of each.

    `counts` are totals since the last `clear`: requests by path and status, full listings of the users, questions by
    outcome.
    """

    def __init__(self) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.notifies: deque[dict[str, Any]] = deque(maxlen=_KEPT)
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
        self.counts.clear()

    def as_json(self, only: str = "") -> dict[str, Any]:
        """All of it, or one list by its name."""
        shown = {name: list(entries) for name, entries in self.lists().items() if only in ("", name)}
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
