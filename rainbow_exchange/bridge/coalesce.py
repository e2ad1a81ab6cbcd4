"""Many change signals → one due mailbox.

Exchange announces one change of a user with several notifications, and users change an appointment several times in a
row. The first signal is gathered for a moment, then the mailbox is due; what comes during the quiet time after that
makes it due once more, at its end. Pure: `now` is a monotonic time in seconds.
"""

import heapq
import math


class Coalescer:
    """Which mailboxes are due, and since when their first signal has been waiting."""

    def __init__(self, *, gather: float = 0.15, quiet: float = 1.5) -> None:
        self._gather = gather
        self._quiet = quiet
        self._heap: list[tuple[float, str]] = []
        self._due_at: dict[str, float] = {}
        self._first_signal: dict[str, float] = {}
        self._quiet_until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._due_at)

    def signal(self, mailbox: str, now: float, *, after: float = 0.0, since: float | None = None) -> None:
        """Take a signal for `mailbox`; it is due no earlier than `after` seconds from now. Earlier due times win.

        `since` is when the reason for it arose, where that was before now.
        """
        due_at = max(now + max(self._gather, after), self._quiet_until.get(mailbox, 0.0))
        first = now if since is None else since
        self._first_signal[mailbox] = min(self._first_signal.get(mailbox, first), first)
        if mailbox not in self._due_at or due_at < self._due_at[mailbox]:
            self._due_at[mailbox] = due_at
            heapq.heappush(self._heap, (due_at, mailbox))

    def take(self, now: float, most: float = math.inf) -> list[tuple[str, float]]:
        """Return mailboxes that are due, `most` of them, each with the time of its first signal.

        Their quiet time begins.
        """
        due: list[tuple[str, float]] = []
        while self._heap and self._heap[0][0] <= now and len(due) < most:
            due_at, mailbox = heapq.heappop(self._heap)
            if self._due_at.get(mailbox) != due_at:
                continue
            del self._due_at[mailbox]
            self._quiet_until[mailbox] = now + self._quiet
            due.append((mailbox, self._first_signal.pop(mailbox)))
        if len(self._quiet_until) > 2 * len(self._due_at) + 1000:
            self._quiet_until = {name: until for name, until in self._quiet_until.items() if until > now}
        return due

    def next_at(self) -> float | None:
        """Return when the next mailbox becomes due, None while nothing waits."""
        while self._heap and self._due_at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due_at(self, mailbox: str) -> float | None:
        """Return when this mailbox becomes due, None where nothing waits for it."""
        return self._due_at.get(mailbox)

    def forget(self, mailbox: str) -> None:
        """Drop whatever waits for `mailbox`."""
        self._due_at.pop(mailbox, None)
        self._first_signal.pop(mailbox, None)
        self._quiet_until.pop(mailbox, None)
