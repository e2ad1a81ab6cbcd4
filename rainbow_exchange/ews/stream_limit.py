"""How many streams one budget may have open, learnt from the server's refusals.

Exchange allows 3 or 10 of an account, says so only by refusing, and counts an abandoned stream for a while (protocols
page on EWS, §3 and §1 ErrorExceededConnectionCount). So after a refusal nobody tries anew for a minute. Then those try
for whom the known limit has room, and beyond it one; while that is not refused one more soon after, else later and
later.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

REST = 60.0  # seconds without a new stream after a refusal, whatever its hint says
_SOON = 10.0  # seconds from one that was allowed beyond the limit to the next
_LONGEST_REST = 900.0
_REOPENING = 600.0  # seconds that newcomers wait where reopening a stream would mean to lose it for a minute


class Holder(Protocol):
    """Who wants a stream."""

    @property
    def weight(self) -> int:
        """How many mailboxes it is to carry: the fullest goes first."""
        ...


class StreamLimit:
    """Gives streams away. `limit` is None until a refusal was met.

    A holder keeps its place, also while it reopens its stream, until it leaves or its stream is refused.
    """

    def __init__(self, *, random: Callable[[], float]) -> None:
        self._random = random
        self.limit: int | None = None
        self.refusals = 0
        self.open: set[Holder] = set()
        self._held: set[Holder] = set()
        self._waiting: dict[Holder, asyncio.Future[None]] = {}
        self._rest = REST
        self._room_at = 0.0  # when places within the limit may be given away
        self._until = 0.0  # when one may try beyond it
        self._counts_until = 0.0  # until then streams that have ended may still be counted
        self._trying: Holder | None = None
        self._were_open: set[Holder] = set()
        self._lingering = False  # a stream just left was seen to count on
        self._timer: asyncio.TimerHandle | None = None

    def seconds_to_next_try(self) -> float:
        """Seconds until somebody who waits may try; 0 if nobody has to wait."""
        return max(self._next_at() - _now(), 0.0) if self._waiting else 0.0

    def reopening_interval(self) -> float:
        """How many seconds a stream should live before it is reopened only because members came or went."""
        short = self.limit is not None and len(self._held) >= self.limit
        return _REOPENING if short and self._lingering else 0.0

    def try_now(self) -> None:
        """Have one that waits try at once: somebody says that the server may allow more by now."""
        self._room_at = self._until = 0.0
        self._plan()

    def admits(self, who: Holder) -> bool:
        """Whether `who` may open a stream now; then it has a place."""
        within = self.limit is None or len(self._held | {who}) <= self.limit
        if who in self._held and not within and who is not self._trying:
            self._held.discard(who)  # the server allows fewer by now: what has ended is not opened anew
        if who not in self._held and within and not self._waiting and _now() >= self._room_at:
            self._held.add(who)
        return who in self._held

    async def turn(self, who: Holder) -> None:
        """Wait until `who` may open a stream, or was told to leave."""
        turn = self._waiting[who] = asyncio.get_running_loop().create_future()
        self._plan()
        try:
            await turn
        finally:
            if self._waiting.get(who) is turn:
                del self._waiting[who]

    def leave(self, who: Holder) -> None:
        """Give a place back, and wait for none."""
        self._held.discard(who)
        if who in self.open and self.limit is not None:
            self._room_at = _now() + self._jittered(REST)
            self._until = max(self._until, self._room_at)
        self.ended(who)
        self._were_open.discard(who)
        if self._trying is who:
            self._trying = None
        if (turn := self._waiting.pop(who, None)) is not None and not turn.done():
            turn.set_result(None)
        self._plan()

    def confirmed(self, who: Holder) -> None:
        """A stream is open."""
        self.open.add(who)
        self._were_open.add(who)
        if self.limit is not None and len(self.open) > self.limit:
            self.limit = len(self.open)
        if who is self._trying:
            self._trying = None
            self._rest = REST
            self._until = _now() + self._jittered(_SOON)
        self._plan()

    def ended(self, who: Holder) -> None:
        """A stream is open no more; its holder may open it anew."""
        if who in self.open:
            self.open.discard(who)
            self._counts_until = _now() + REST

    def refused(self, who: Holder, stated: int | None) -> None:
        """The server said "too many", and perhaps how many it allows."""
        self.refusals += 1
        tried = who is self._trying
        self._lingering |= who in self._were_open
        now = _now()
        counting_on = now < self._counts_until
        self.leave(who)
        others = len(self.open)
        if counting_on:  # too many only together with streams that are gone
            others = stated or self.limit or others
        self.limit = max(min(others, stated or others), 1)
        self._room_at = now + self._jittered(REST)
        if tried or now >= self._until:
            self._until = now + self._jittered(self._rest)
            self._rest = min(self._rest * 3, _LONGEST_REST) if tried else REST
        self._plan()

    def _has_room(self) -> bool:
        return self.limit is None or len(self._held) < self.limit

    def _next_at(self) -> float:
        return self._room_at if self._has_room() else self._until

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + 0.25 * self._random())

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_at(self._next_at(), self._go_on)

    def _go_on(self) -> None:
        """Let those in whom the limit allows, and in its time one more, to see whether it still is one."""
        self._timer = None
        while self._waiting and self._has_room():
            self._admit()
        if not self._waiting or self._trying is not None:
            return
        if _now() >= self._until:
            self._trying = self._admit()
        else:
            self._plan()

    def _admit(self) -> Holder:
        who = max(self._waiting, key=lambda each: each.weight)
        self._held.add(who)
        turn = self._waiting.pop(who)
        if not turn.done():
            turn.set_result(None)
        return who


def _now() -> float:
    return asyncio.get_running_loop().time()
