"""Calendars that could not be read when that was tried last: kept, so that nobody goes over everybody. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rainbow_exchange.bridge.reads import Entry


class Unread:
    """They are in the order in which they began to fail. `reasons` are what they fail for, and how many each."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self._entries: dict[str, tuple[Entry, str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Give each mailbox, with the reason; what happens meanwhile may be seen or not."""
        return ((address, reason) for address, (_, reason) in tuple(self._entries.items()))

    def failed(self, entry: Entry) -> None:
        """Take one that could not be read."""
        address = entry.mailbox.address
        known = self._entries.get(address)
        if known is not None:
            self._drop(known[1])
        self._entries[address] = entry, entry.stale_reason
        self.reasons[entry.stale_reason] += 1

    def over(self, address: str) -> None:
        """It was read, or is no more."""
        if (known := self._entries.pop(address, None)) is not None:
            self._drop(known[1])

    def since(self, moment: datetime) -> int:
        """Return how many have failed since then, or longer."""
        later = 0
        for entry, _ in reversed(self._entries.values()):
            if entry.failing_since is not None and entry.failing_since <= moment:
                break
            later += 1
        return len(self._entries) - later

    def _drop(self, reason: str) -> None:
        self.reasons[reason] -= 1
        if not self.reasons[reason]:
            del self.reasons[reason]
