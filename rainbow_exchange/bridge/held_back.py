"""Users of whom Rainbow does not want to hear: each waits by itself, minutes at first, then an hour. Pure.

`now` is a monotonic time in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

#: seconds until a user whom Rainbow has refused is tried again, by how often it was
AGAIN = (300.0, 900.0, 3600.0)


@dataclass(slots=True)
class Held:
    """One user: due since when, whether to be forced, and the next try."""

    since: float
    force: bool
    until: float


class HeldBack:
    """Who is held back, and who may be tried again."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._refusals: dict[str, int] = {}

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._held

    def __iter__(self) -> Iterator[str]:
        """Give everybody whom Rainbow refused last, those under way again included."""
        return iter(list(self._refusals))

    def hold(self, user_id: str, since: float, now: float, *, force: bool) -> None:
        """Hold a user back that Rainbow has just refused."""
        refusals = self._refusals[user_id] = self._refusals.get(user_id, 0) + 1
        wait = AGAIN[min(refusals, len(AGAIN)) - 1]
        self._held[user_id] = Held(since=since, force=force, until=now + wait)

    def add(self, user_id: str, *, force: bool) -> None:
        """Note that a user who is held back has become due once more."""
        self._held[user_id].force |= force

    def take(self, now: float) -> dict[str, Held]:
        """Take out whoever may be tried again."""
        ripe = {user_id: held for user_id, held in self._held.items() if held.until <= now}
        for user_id in ripe:
            del self._held[user_id]
        return ripe

    def ripen(self, now: float) -> None:
        """Let everybody be tried again at once."""
        for held in self._held.values():
            held.until = min(held.until, now)

    def until(self, user_id: str) -> float | None:
        """Return when this user may be tried again, None where nothing is held against it."""
        held = self._held.get(user_id)
        return held.until if held else None

    def next_at(self) -> float | None:
        """Return when the first of them may be tried again."""
        return min((held.until for held in self._held.values()), default=None)

    def accepted(self, user_id: str) -> None:
        """Rainbow has taken a user, or the user is gone: nothing is held against it any more."""
        self._refusals.pop(user_id, None)
        self._held.pop(user_id, None)
