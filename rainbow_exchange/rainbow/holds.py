"""Which calls Rainbow has asked us to leave alone, and until when (pure).

One place for all callers: whoever calls too early is told how long to wait, and nothing is sent.
"""

#: Timers ring a little early; who has waited that long need not wait again.
_GRACE = 0.05


class Holds:
    """Held calls by path. `now` is a monotonic time in seconds."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, path: str, seconds: float, now: float) -> None:
        """Rainbow wants this call not to be made for so many seconds."""
        self._until = {held: until for held, until in self._until.items() if until > now}
        self._until[path] = max(now + seconds, self._until.get(path, now))

    def left(self, path: str, now: float) -> float:
        """Seconds until the call may be made; 0 when it may."""
        left = self._until.get(path, now) - now
        return left if left > _GRACE else 0.0

    def lift(self) -> None:
        """Let every call be made, because somebody says so."""
        self._until.clear()
