"""Users who have left, and of whom Rainbow is told once more: after all others, and in calls of their own. Pure.

Rainbow may not know them any more and refuse to hear of them. Then a call is tried in halves, and whoever is refused
alone is let be: there is nobody left to be told of.
"""

from collections import deque

#: ids in one call
IDS = 100


class Leaving:
    """Groups of them, each with the monotonic time at which it was."""

    def __init__(self) -> None:
        self._groups: deque[dict[str, float]] = deque()
        self._under_way: dict[str, float] = {}

    def __contains__(self, user_id: str) -> bool:
        """Whether Rainbow has still to be told of this user, or is being told."""
        return user_id in self._under_way or any(user_id in group for group in self._groups)

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    def add(self, user_id: str, since: float) -> None:
        """Note that a user has left."""
        self.forget(user_id)
        if not self._groups or len(self._groups[-1]) >= IDS:
            self._groups.append({})
        self._groups[-1][user_id] = since

    def take(self) -> dict[str, float]:
        """Take out what one call carries; one of `told`, `put_back` and `refused` is to follow."""
        self._under_way = self._groups.popleft() if self._groups else {}
        return self._under_way

    def told(self) -> None:
        """Rainbow was told of those who were taken out."""
        self._under_way = {}

    def put_back(self, taken: dict[str, float]) -> None:
        """Have a call that did not come through made again."""
        self._under_way = {}
        self._groups.appendleft(taken)

    def refused(self, taken: dict[str, float]) -> None:
        """Rainbow does not want to hear of some of these: find out of whom."""
        self._under_way = {}
        ids, middle = list(taken), len(taken) // 2
        if middle:
            self._groups.extendleft({each: taken[each] for each in half} for half in (ids[middle:], ids[:middle]))

    def oldest(self) -> float | None:
        """Return since when the first of them waits."""
        return min((since for group in self._groups for since in group.values()), default=None)

    def forget(self, user_id: str) -> None:
        """Drop a user, who is back."""
        for group in [group for group in self._groups if group.pop(user_id, None) is not None and not group]:
            self._groups.remove(group)
