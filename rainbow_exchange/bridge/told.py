"""What Rainbow was told and what it has asked since; who is due. Pure.

Told means two things, per user and kind: *notified*, the state when a notify got its 2xx; *answered*, the state of the
last answer that left on a live link. A user is due when the state differs from what was notified. Digests are kept per
UTC day and only days that both sides know are compared, so that a window which slides makes nobody due.
`now` is a monotonic time in seconds.
"""

import math
from collections.abc import Generator, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

from rainbow_exchange.bridge.turns import Turns, in_turns
from rainbow_exchange.model import Window
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent

#: seconds after a notify at which the user is notified again while Rainbow has not asked
AGAIN = (60.0, 300.0, 1800.0, 86400.0)
#: seconds after a notify from which on a user counts as "Rainbow did not ask"
PATIENCE = 30.0
#: seconds before the loss of the link within which an answer that has left may have been lost with it: longer than the
#: link takes to find out that nobody is at its other end
ANSWERS_DOUBTED = 60.0
_DAY = timedelta(days=1)
#: bytes of a hash
_DIGEST = 8


class Told(StrEnum):
    """The two kinds of state that Rainbow asks about."""

    EVENTS = "events"
    AUTO_REPLY = "autoreply"


@dataclass(frozen=True, slots=True)
class Digest:
    """A state, by UTC day: the i-th `_DIGEST` bytes of `days` stand for the day `first + i`."""

    first: int
    days: bytes

    @classmethod
    def of(cls, first: int, days: Iterable[Hashable]) -> "Digest":
        """Return that of these states, one a day."""
        return cls(first, b"".join(hash(day).to_bytes(_DIGEST, "little", signed=True) for day in days))

    def differs(self, other: "Digest | None") -> bool:
        """Whether any day that both know differs; a state differs from none at all."""
        if other is None or other is self:
            return other is None
        start = max(self.first, other.first)
        end = max(start, min(self.end, other.end))
        return self.between(start, end) != other.between(start, end)

    @property
    def end(self) -> int:
        """The day after its last."""
        return self.first + len(self.days) // _DIGEST

    def between(self, start: int, end: int) -> bytes:
        """Return what stands for the days from `start` to `end`, without the latter; it has all of them."""
        return self.days[(start - self.first) * _DIGEST : (end - self.first) * _DIGEST]


def digest_events(events: Iterable[CalendarEvent], window: Window) -> Digest:
    """Return the digest of the events of `window`, a span of whole UTC days."""
    first = window.start.date().toordinal()
    count = window.end.date().toordinal() - first
    days: list[list[Hashable]] = [[] for _ in range(count)]
    for event in sorted(events, key=lambda event: (event.start, event.id)):
        value = (event.id, event.subject, event.type, event.show_as, event.start, event.end, event.timezone)
        for day in _days_of(event.start, event.end):
            if first <= day < first + count:
                days[day - first].append(value)
    return Digest.of(first, map(tuple, days))


#: the state of somebody who has no mailbox any more: day 0 is in no agenda
NOTHING = Digest(0, bytes(_DIGEST))


def digest_auto_reply(reply: AutoReply) -> Digest:
    """Return the digest of an auto reply."""
    return Digest.of(0, [reply])


def _days_of(start: datetime, end: datetime) -> range:
    last = max(start, end - timedelta(microseconds=1))
    return range(start.date().toordinal(), last.date().toordinal() + 1)


def utc_days(first: date, count: int, now: datetime) -> Window:
    """Return the window of `count` whole UTC days from `first` on."""
    return _days_from(first, count, now.tzinfo)


@lru_cache(maxsize=4)
def _days_from(first: date, count: int, zone: tzinfo | None) -> Window:
    """Make one window for all that are read on a day."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    return Window(start=start, end=start + timedelta(days=count))


def whole_days(window: Window, *, within: Window) -> Window | None:
    """Return the whole UTC days of `window` that lie in `within`, itself a span of such; None where there are none."""
    start, end = (
        instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for instant in (window.start + _DAY - timedelta(microseconds=1), window.end)
    )
    start, end = max(start, within.start), min(end, within.end)
    return Window(start=start, end=end) if start < end else None


@dataclass(slots=True)
class _Kind:
    state: Digest | None = None
    notified: Digest | None = None
    answered: Digest | None = None
    answered_at: float = float("-inf")


@dataclass(slots=True)
class _User:
    events: _Kind | None = None
    auto_reply: _Kind | None = None
    notified_at: float | None = None
    asked_at: float | None = None
    again_at: float | None = None
    step: int = 0

    @property
    def kinds(self) -> Iterator[tuple[Told, _Kind]]:
        """What is known, by kind."""
        if self.events is not None:
            yield Told.EVENTS, self.events
        if self.auto_reply is not None:
            yield Told.AUTO_REPLY, self.auto_reply

    def of(self, kind: Told) -> _Kind:
        """Return what is known of a kind; what is put there stays."""
        if kind is Told.EVENTS:
            self.events = self.events or _Kind()
            return self.events
        self.auto_reply = self.auto_reply or _Kind()
        return self.auto_reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one user stands; times on the ledger's clock.

    `changed`: of what Rainbow is to be told. `unasked`: of what it was told and has not asked since, that it would be
    expected to ask about: since `waiting_since`, and it is told again at `again_at`. `answered_at`: when what was
    asked last of each kind was answered. `asked_at`: when the last answer left, also one that may not have arrived.
    """

    notified_at: float | None = None
    asked_at: float | None = None
    changed: tuple[Told, ...] = ()
    unasked: tuple[Told, ...] = ()
    waiting_since: float | None = None
    again_at: float | None = None
    answered_at: dict[Told, float] = field(default_factory=dict)


class Ledger:
    """What every user's state is, what was notified and what was answered."""

    def __init__(self) -> None:
        self._users: dict[str, _User] = {}
        #: whoever a question is expected about, since when
        self._waiting: dict[str, float] = {}
        #: of which kinds the last notify has not been answered
        self._open: dict[Told, set[str]] = {kind: set() for kind in Told}
        self._asked: set[Told] = set()
        self._counted_at = 0.0
        self._not_asked = Turns(self._count_not_asked, 0)

    def set_state(self, user_id: str, kind: Told, digest: Digest, now: float) -> bool:
        """Take the state as read now; return whether the user is due for it.

        A kind that becomes known only after the user's first notify is not due by itself: Rainbow is asking, or is
        notified again when it does not.
        """
        user = self._users.setdefault(user_id, _User())
        entry = user.of(kind)
        entry.state = digest
        if entry.notified is None and user.notified_at is not None:
            entry.notified = digest
            self._look_at(user_id, user)
            if user_id not in self._waiting:
                self._expect_question(user_id, user, now)
            return False
        return digest.differs(entry.notified)

    def standing(self, user_id: str) -> Standing:
        """Say how a user stands; one that nothing is known of has been told nothing."""
        user = self._users.get(user_id)
        if user is None:
            return Standing()
        unasked = tuple(kind for kind in Told if user_id in self._open[kind] and self._counts(kind))
        return Standing(
            notified_at=user.notified_at,
            asked_at=user.asked_at,
            changed=tuple(kind for kind, entry in user.kinds if entry.state and entry.state.differs(entry.notified)),
            unasked=unasked,
            waiting_since=self._waiting.get(user_id) if unasked else None,
            again_at=user.again_at if unasked else None,
            answered_at={kind: entry.answered_at for kind, entry in user.kinds if entry.answered_at > -math.inf},
        )

    def last(self, user_id: str) -> tuple[float | None, float | None]:
        """Return when Rainbow has last taken a notify of a user, and when it was last answered."""
        user = self._users.get(user_id)
        return (None, None) if user is None else (user.notified_at, user.asked_at)

    def waits(self, user_id: str, kind: Told) -> bool:
        """Whether Rainbow was told of this and has not been answered since."""
        return user_id in self._open[kind]

    def was_notified(self, user_id: str) -> bool:
        """Whether a notify for this user was ever accepted."""
        user = self._users.get(user_id)
        return user is not None and user.notified_at is not None

    def snapshot(self, user_id: str) -> dict[Told, Digest | None]:
        """Return the states that a notify sent now stands for; hand it to `notified`."""
        user = self._users.get(user_id)
        return {kind: entry.state for kind, entry in user.kinds} if user else {}

    def notified(self, user_id: str, snapshot: dict[Told, Digest | None], now: float) -> None:
        """Note that a notify standing for `snapshot` was accepted."""
        user = self._users.get(user_id)
        if user is None:
            return
        for kind, entry in user.kinds:
            if kind not in snapshot:
                continue
            digest = snapshot[kind]
            if digest is not None and digest.differs(entry.notified):
                user.step = 0  # news: the schedule of repetitions begins with it
            entry.notified = digest
        user.notified_at = now
        self._look_at(user_id, user)
        self._expect_question(user_id, user, now)

    def asked(self, kind: Told) -> None:
        """Note that Rainbow asks this kind at all."""
        self._asked.add(kind)

    def answered(self, user_id: str, kind: Told, digest: Digest, now: float) -> None:
        """Note that an answer made from the state `digest` left on a live link."""
        user = self._users.get(user_id)
        if user is None:
            return
        entry = user.of(kind)
        # As a rule Rainbow is answered what was read for it: one object for both.
        entry.answered, entry.answered_at = entry.state if digest == entry.state else digest, now
        user.asked_at = now
        self._look_at(user_id, user)
        if not self._unanswered(user_id):
            self._settled(user_id, user)

    def waiting(self) -> list[str]:
        """Return those about whom a question is expected, or was lately."""
        return list(self._waiting)

    def take_again(self, now: float, some: Iterable[str] | None = None) -> list[str]:
        """Return the users to notify again because Rainbow has not asked since the last notify.

        `some` of those who are `waiting`, or all.
        """
        due = []
        for user_id in self.waiting() if some is None else some:
            if user_id not in self._waiting:
                continue
            user = self._users[user_id]
            if not self._unanswered(user_id):
                self._settled(user_id, user)
            elif user.again_at is not None and user.again_at <= now:
                user.again_at = None
                due.append(user_id)
        return due

    def unanswered(self) -> list[str]:
        """Return the users with a notify that Rainbow has not asked about."""
        missed = self._missed()
        return [user_id for user_id in self._waiting if user_id in missed]

    def begin_anew(self) -> None:
        """The link is back: what was not asked while it was lost says nothing, and the repetitions begin anew."""
        for user_id in self._waiting:
            self._users[user_id].step = 0

    def doubt(self, since: float, now: float, some: Iterable[str] | None = None) -> None:
        """Count answers that have left since then for none: the link is lost, and nobody knows which have arrived.

        Those to `some` users, or to all; what has left after `now` has arrived.
        """
        for user_id in self._users if some is None else some:
            user = self._users.get(user_id)
            if user is None or user.asked_at is None or user.asked_at < since:
                continue
            doubted = [entry for _, entry in user.kinds if since <= entry.answered_at <= now]
            for entry in doubted:
                entry.answered, entry.answered_at = None, float("-inf")
            if doubted:
                self._look_at(user_id, user)
                self._expect_question(user_id, user, now)

    def not_asked(self, now: float) -> int:
        """Count the users for whom Rainbow did not ask within 30 s of the notify, of many a part at each call."""
        self._counted_at = now
        return self._not_asked.turn()

    def _count_not_asked(self) -> Generator[None, None, int]:
        late = 0
        for some, more in in_turns(self._waiting):
            for user_id in some:
                since = self._waiting.get(user_id)
                late += since is not None and self._counted_at - since > PATIENCE and self._unanswered(user_id)
            if more:
                yield
        return late

    def forget(self, user_id: str) -> None:
        """Drop a user."""
        self._users.pop(user_id, None)
        self._waiting.pop(user_id, None)
        for users in self._open.values():
            users.discard(user_id)

    def withdraw(self, user_id: str) -> None:
        """Note that a user's mailbox is gone: whatever was told of it, Rainbow is to ask once more and be refused."""
        self.forget(user_id)
        self._users[user_id] = _User(_Kind(state=NOTHING), _Kind(state=NOTHING))

    def withdrawing(self, user_id: str, *, doubted: float = math.inf) -> bool:
        """Whether a user's mailbox is gone and Rainbow has not been refused since.

        A refusal at `doubted` or later counts for none.
        """
        user = self._users.get(user_id)
        return user is not None and any(
            entry.state is NOTHING and (entry.answered is not NOTHING or entry.answered_at >= doubted)
            for kind, entry in user.kinds
            if self._counts(kind)
        )

    def refused(self, user_id: str, kind: Told, now: float) -> None:
        """Note that Rainbow was answered that nobody has this mailbox."""
        self.answered(user_id, kind, NOTHING, now)

    def _look_at(self, user_id: str, user: _User) -> None:
        """See of which kinds the last notify has not been answered."""
        for kind, entry in user.kinds:
            if entry.notified is not None and entry.notified.differs(entry.answered):
                self._open[kind].add(user_id)
            else:
                self._open[kind].discard(user_id)

    def _expect_question(self, user_id: str, user: _User, now: float) -> None:
        if any(user_id in users for users in self._open.values()):
            self._waiting.setdefault(user_id, now)
            user.again_at = now + AGAIN[min(user.step, len(AGAIN) - 1)]
            user.step += 1

    def _settled(self, user_id: str, user: _User) -> None:
        self._waiting.pop(user_id, None)
        user.again_at, user.step = None, 0

    def _unanswered(self, user_id: str) -> bool:
        return any(user_id in users for kind, users in self._open.items() if self._counts(kind))

    def _missed(self) -> set[str]:
        """Give everybody whom Rainbow would have been expected to ask about."""
        return set().union(*(users for kind, users in self._open.items() if self._counts(kind)))

    def _counts(self, kind: Told) -> bool:
        # Nobody documents when Rainbow asks for auto replies: a kind it has never asked for is not missed, unless it
        # asks nothing at all, which is worth knowing.
        return kind in self._asked or (not self._asked and kind is Told.EVENTS)
