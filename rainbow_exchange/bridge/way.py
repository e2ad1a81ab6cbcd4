"""The changes that are on their way from Exchange to Rainbow, each with an id that all its log lines have. Pure."""

from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex

from rainbow_exchange.bridge.told import Told

#: told changes that are remembered until Rainbow asks: one that it never asks for must not be kept for ever
MOST_TOLD = 10_000

#: so that ids of different runs differ, and cost no more than a number
_RUN = token_hex(3)
_numbers = count(1)


@dataclass(slots=True, eq=False)
class Change:
    """One change: why it was noticed, and when on the loop's clock.

    `notified_by` and `read_by` are what Exchange calls the stream's request and that by which it was read.
    """

    cause: str
    since: float
    notified_by: str = ""
    read_by: str = ""
    id: str = field(default_factory=lambda: f"{_RUN}-{next(_numbers):x}")


@dataclass(slots=True, eq=False)
class OnTheWay:
    """At most one change of each mailbox that is to be read, and one of each user and kind that is to be told.

    What happens to a mailbox while a change of it waits is one with it. What becomes due while a call tells of the user
    waits for the next call.
    """

    _signalled: dict[str, Change] = field(default_factory=dict)
    _due: dict[tuple[str, Told], Change] = field(default_factory=dict)
    _next: dict[tuple[str, Told], Change] = field(default_factory=dict)
    _told: dict[tuple[str, Told], Change] = field(default_factory=dict)

    def signalled(self, address: str, since: float, request_id: str) -> Change:
        """Exchange has notified of a mailbox."""
        change = self._signalled.get(address)
        if change is None:
            change = self._signalled[address] = Change("change", since, request_id)
        return change

    def take(self, address: str) -> Change | None:
        """Give the change for which a mailbox is read now."""
        return self._signalled.pop(address, None)

    def put_back(self, address: str, change: Change) -> None:
        """The mailbox could not be read."""
        self._signalled[address] = change

    def due(self, user_id: str, kind: Told, change: Change, *, telling: bool = False) -> None:
        """Rainbow is to be told; `telling`: a call that has begun before tells of the user."""
        (self._next if telling else self._due).setdefault((user_id, kind), change)

    def told(self, user_id: str, *, again: bool = False) -> list[tuple[Told, Change]]:
        """Rainbow has taken it; give what that was. `again`: it is to be told of the user once more."""
        taken = []
        for key in ((user_id, kind) for kind in Told):
            due, after = self._due.pop(key, None), self._next.pop(key, None)
            if after is not None and again:
                self._due[key], after = after, None
            taken += [(key[1], change) for change in (due, after) if change is not None]
        for kind, change in taken:
            self._told[user_id, kind] = change
        while len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        return taken

    def asked(self, user_id: str, kind: Told) -> str:
        """Give the id of the change for which Rainbow asks; "" where it asks for none. It may ask before it answers."""
        key = (user_id, kind)
        change = self._told.get(key) or self._due.get(key) or self._next.get(key)
        return change.id if change is not None else ""

    def answered(self, user_id: str, kind: Told) -> None:
        """Rainbow has got the answer."""
        self._told.pop((user_id, kind), None)

    def forget(self, user_id: str, address: str) -> None:
        """Drop a user's, whose mailbox this was."""
        self._signalled.pop(address, None)
        for kind in Told:
            self._due.pop((user_id, kind), None)
            self._next.pop((user_id, kind), None)
            self._told.pop((user_id, kind), None)
