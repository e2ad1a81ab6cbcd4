"""What became of the last changes: when Rainbow was told of each and asked, and when it was seen. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: so many are kept
KEPT = 6
#: after the answer a client looks at once; what is not seen then is not to be seen: planned for later, say
_SEEN_AFTER = timedelta(seconds=3)
#: how long after it was made each stage of a change is expected at any moment
_HURRIED = timedelta(seconds=5)
#: nobody waits longer
_GIVEN_UP = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True, eq=False)
class Journey:
    """A change of `who`'s mailbox; `what` is the operation of EWS.

    Instants are None as long as it has not come so far; `hidden`: Rainbow knows, and colleagues see nothing else.
    """

    number: int
    key: str
    user_id: str
    who: str
    what: str
    made: datetime
    in_exchange: datetime
    told: datetime | None = None
    asked: datetime | None = None
    seen: datetime | None = None
    sees: str = ""
    hidden: bool = False

    @property
    def absence(self) -> bool:
        """Whether it is one of the out-of-office, which Exchange announces to nobody."""
        return self.what == "SetUserOofSettings"

    @property
    def open(self) -> bool:
        """Whether it is still on its way."""
        return self.seen is None and not self.hidden

    @property
    def total(self) -> float | None:
        """Seconds from the press of the button to what a colleague sees."""
        return None if self.seen is None else (self.seen - self.made).total_seconds()

    def take(self, *, told: datetime | None, asked: datetime | None) -> bool:
        """Note how far it has come; return whether that is further than before."""
        before = self.told, self.asked
        self.told, self.asked = told or self.told, asked or self.asked
        return before != (self.told, self.asked)

    def stages(self) -> list[tuple[str, float | None, float, float]]:
        """Give each stage: its name, the seconds that it took, and where its bar begins and how wide it is, in percent.

        The seconds are None, and the bar is nothing, as long as it has not come so far.
        """
        instants = [self.made, self.in_exchange, self.told, self.asked, self.seen]
        last = max((each for each in instants if each is not None), default=self.made)
        whole = max((last - self.made).total_seconds(), 0.001)
        found = list[tuple[str, float | None, float, float]]()
        before: datetime | None = self.made
        for name, at in zip(("exchange", "told", "asked", "seen"), instants[1:], strict=True):
            if at is None or before is None:
                found.append((name, None, 0.0, 0.0))
                continue
            begins = min(before, at)  # an answer may come after what it told of
            took = (at - begins).total_seconds()
            left = (begins - self.made).total_seconds()
            found.append((name, took, round(100 * left / whole, 2), round(100 * took / whole, 2)))
            before = max(before, at)
        return found


@dataclass(slots=True)
class Journeys:
    """The last changes, the newest first."""

    kept: deque[Journey] = field(default_factory=lambda: deque(maxlen=KEPT))
    _number: int = 0

    def __iter__(self) -> Iterator[Journey]:
        """Go through them."""
        return iter(self.kept)

    def begin(self, *, key: str, user_id: str, who: str, what: str, made: datetime, in_exchange: datetime) -> Journey:
        """Note a change; one of the same person that was on its way is overtaken."""
        self.kept = deque((each for each in self.kept if not (each.open and each.key == key)), KEPT)
        self._number += 1
        journey = Journey(
            number=self._number,
            key=key,
            user_id=user_id,
            who=who,
            what=what,
            made=made,
            in_exchange=in_exchange,
        )
        self.kept.appendleft(journey)
        return journey

    def on_the_way(self) -> list[Journey]:
        """Give those that nobody has seen yet."""
        return [each for each in self.kept if each.open]

    def unfinished(self) -> list[Journey]:
        """Give those of which not every stage is known."""
        return [each for each in self.kept if not each.hidden and (each.told is None or each.asked is None)]

    def hurried(self, now: datetime) -> bool:
        """Whether one was begun just now."""
        return any(now - each.made < _HURRIED for each in self.kept)

    def see(self, user_id: str, at: datetime, sees: str) -> None:
        """Note that a colleague sees something else of somebody now."""
        for journey in self.kept:
            if journey.open and journey.user_id == user_id:
                journey.seen, journey.sees = at, sees
                return

    def pass_time(self, now: datetime) -> bool:
        """Close those that nobody will see any more; return whether there was one."""
        over = [
            each
            for each in self.on_the_way()
            if (each.asked is not None and now - each.asked > _SEEN_AFTER) or now - each.made > _GIVEN_UP
        ]
        for each in over:
            each.hidden = True
        return bool(over)
