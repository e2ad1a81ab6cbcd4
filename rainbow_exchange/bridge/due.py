"""Whom Rainbow has to be told of: a set, not a queue, that is taken out call by call. Pure.

What becomes due twice before it is sent is sent once. Changes overtake boundaries, and the boundaries of one minute are
spread over it.
"""

import math
from itertools import islice

from rainbow_exchange.rainbow.assumed import NOTIFY_CALLS_A_SECOND, NOTIFY_MAX_IDS


class DueSet:
    """Users to notify, in two classes; each with the monotonic time of the change that made it due.

    Some are set apart: they are sent first, and in calls of their own.
    """

    def __init__(self) -> None:
        self._changes: dict[str, float] = {}
        self._boundaries: dict[str, float] = {}
        self._forced: set[str] = set()
        self._boundaries_a_call = 0
        self._apart: list[tuple[dict[str, float], bool]] = []

    def __len__(self) -> int:
        return len(self._changes) + len(self._boundaries) + sum(len(group) for group, _ in self._apart)

    def __contains__(self, user_id: str) -> bool:
        apart = any(user_id in group for group, _ in self._apart)
        return apart or user_id in self._changes or user_id in self._boundaries

    def add(self, user_id: str, since: float, *, force: bool = False, boundary: bool = False) -> None:
        """Make a user due. `force` asks Rainbow to publish even what it believes to know."""
        if any(user_id in group for group, _ in self._apart):
            return
        if force:
            self._forced.add(user_id)
        if boundary and user_id not in self._changes:
            self._boundaries.setdefault(user_id, since)
            # A sixtieth of the backlog a second, so that a full hour's meetings do not all begin in one call.
            share = 2 + math.ceil(len(self._boundaries) / (60 * NOTIFY_CALLS_A_SECOND))
            self._boundaries_a_call = max(self._boundaries_a_call, share)
        elif not boundary:
            earlier = self._boundaries.pop(user_id, since)
            self._changes[user_id] = min(self._changes.get(user_id, since), since, earlier)

    def take(self) -> tuple[dict[str, float], bool]:
        """Take out what one call carries: users with their times, and whether it is forced.

        Forced and plain ones never share a call.
        """
        if self._apart:
            return self._apart.pop()
        force = next(iter(self._changes), None) in self._forced
        fitting = (user_id for user_id in self._changes if (user_id in self._forced) is force)
        taken = {user_id: self._changes[user_id] for user_id in islice(fitting, NOTIFY_MAX_IDS)}
        for user_id in taken:
            del self._changes[user_id]
        if not force:
            number = min(NOTIFY_MAX_IDS - len(taken), self._boundaries_a_call)
            for user_id in list(islice(self._boundaries, number)):
                taken[user_id] = self._boundaries.pop(user_id)
            if not self._boundaries:
                self._boundaries_a_call = 0
        self._forced.difference_update(taken)
        return taken, force

    def set_apart(self, group: dict[str, float], *, force: bool) -> None:
        """Make users due who are to be sent in a call of their own."""
        for user_id in group:
            self.forget(user_id)
        self._apart.append((group, force))

    def oldest(self) -> float | None:
        """Return since when the oldest waits."""
        apart = [since for group, _ in self._apart for since in group.values()]
        return min((*self._changes.values(), *self._boundaries.values(), *apart), default=None)

    def forget(self, user_id: str) -> None:
        """Drop a user."""
        for group, _ in self._apart:
            group.pop(user_id, None)
        self._apart = [(group, force) for group, force in self._apart if group]
        self._changes.pop(user_id, None)
        self._boundaries.pop(user_id, None)
        self._forced.discard(user_id)
