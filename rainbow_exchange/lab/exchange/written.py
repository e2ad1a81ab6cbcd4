"""When the bytes of each notification were written to a stream. Pure."""

from collections import deque
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

_KEPT = 200_000


class Written:
    """Notifications in the order in which they were written, the last 200,000 of them. Times are Unix times."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, float, str]] = deque(maxlen=_KEPT)
        self.newest = 0

    def note(self, addresses: Iterable[str], at: float) -> None:
        """Note that a message with a notification for each of these mailboxes goes out at `at`."""
        for address in addresses:
            self.newest += 1
            self._kept.append((self.newest, at, address))

    def as_json(self, *, since: int = 0) -> dict[str, Any]:
        """Give those with a number above `since`."""
        found = list(takewhile(lambda each: each[0] > since, reversed(self._kept)))[::-1]
        return {
            "newest": self.newest,
            "written": [{"number": number, "at": at, "mailbox": mailbox} for number, at, mailbox in found],
        }
