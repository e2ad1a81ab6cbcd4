"""When a stream is opened, or opened anew, for those who have come and gone since: design.md §3 "Streams". Pure."""

_LONGEST_GATHERING = 20.0  # seconds: newcomers that never cease must not keep the first of them waiting for ever


class Joins:
    """Who came and went since a stream was last opened. Times are seconds of one clock.

    A stream is due `delay` after the last newcomer, at once when the group has `size`, and no sooner than `interval`
    after the last opening.
    """

    def __init__(self, *, size: int, delay: float, interval: float) -> None:
        self.size = size
        self._delay = delay
        self._interval = interval
        self._first: float | None = None  # of the newcomers
        self._last = 0.0
        self._left = False
        self.opened_at: float | None = None

    @property
    def any(self) -> bool:
        """Whether somebody has come or gone."""
        return self._first is not None or self._left

    def came(self, now: float) -> None:
        """Note a newcomer."""
        self._last = now
        if self._first is None:
            self._first = now

    def went(self) -> None:
        """Note that somebody left."""
        self._left = True

    def forget_leavers(self) -> None:
        """Let those who left be no reason to wait."""
        self._left = False

    def opened(self, now: float) -> None:
        """Note that a stream is opened for all who are there."""
        self._first, self._left, self.opened_at = None, False, now

    def due(self, members: int, now: float, *, interval: float = 0.0) -> float:
        """Give the time at which a stream is due; `interval` since the last opening may be asked to be longer."""
        if self._first is None:
            due = now
        elif members >= self.size:
            due = self._first
        else:
            due = min(self._last + self._delay, self._first + _LONGEST_GATHERING)
        if not self.any or self.opened_at is None:
            return due
        return max(due, self.opened_at + max(interval, self._interval))
