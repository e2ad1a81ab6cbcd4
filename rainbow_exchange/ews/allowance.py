"""Whose turn it is to ask for a subscription where the server allows no more: ErrorExceededSubscriptionCount.

Those beyond the limit (5,000 of an account with delegate rights) wait, and one of them asks now and then: later and
later while it is refused, at once when a subscription was given back.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.members import Member
from rainbow_exchange.ews.renewal import is_beyond

_REST = 120.0  # seconds after a refusal; also what a subscription may take to expire is minutes
_LONGEST_REST = 1800.0


class Allowance:
    """Gives one turn at a time; who has had it says what came of it."""

    def __init__(self, *, random: Callable[[], float]) -> None:
        self._random = random
        self.refusals = 0
        #: those beyond the limit whose mailbox somebody has
        self.beyond: dict[Member, None] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._asking = False
        self._rest = _REST
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def short(self) -> bool:
        """Whether the server was asked lately, or somebody waits to ask: others need not."""
        resting = self.seconds_to_next_try() > 0
        return resting or self._asking or any(not turn.done() for turn in self._waiting)

    def seconds_to_next_try(self) -> float:
        """Seconds until one of those who wait asks."""
        return max(self._until - asyncio.get_running_loop().time(), 0.0)

    async def turn(self) -> None:
        """Wait for a turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._plan()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def refused(self) -> None:
        """Note that the server allows no more."""
        self.refusals += 1
        self._until = asyncio.get_running_loop().time() + self._rest * (1 + 0.25 * self._random())
        self._rest = min(self._rest * 2, _LONGEST_REST)
        self._pass_on()

    def hold(self, member: Member, error: EwsError) -> None:
        """Note that this one has to wait, by a refusal of its own or of others before it."""
        self._put_beyond(member, error)
        if not self.short:
            self.refused()

    def granted(self, member: Member) -> None:
        """Note that a member was subscribed; perhaps it was its turn."""
        if member.beyond:
            self._put_within(member)
            self.allowed()

    def refuses(self, member: Member, error: EwsError) -> bool:
        """Note what a Subscribe has shown, perhaps one whose turn it was; whether it is beyond the limit."""
        refused = is_beyond(error)
        if refused:
            self._put_beyond(member, error)
            self.refused()
        elif member.beyond:
            self._put_within(member)
            self._pass_on()  # something else was in the way
        return refused

    def allowed(self) -> None:
        """Note that it allowed one, and so perhaps another."""
        self._rest = _REST
        self._pass_on()

    def freed(self) -> None:
        """Note that a subscription was given back, or that somebody says so."""
        self._until = 0.0
        self._rest = _REST
        self._plan()

    def note(self, member: Member) -> None:
        """Note that somebody has the mailbox of this member, or has it no more."""
        if member.beyond and member.wanted:
            self.beyond[member] = None
        else:
            self.beyond.pop(member, None)

    def _put_beyond(self, member: Member, error: EwsError) -> None:
        member.trouble, member.beyond = str(error), True
        self.note(member)

    def _put_within(self, member: Member) -> None:
        member.beyond = False
        self.note(member)

    def _pass_on(self) -> None:
        self._asking = False
        self._plan()

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and not self._asking:
            self._timer = asyncio.get_running_loop().call_at(self._until, self._give)

    def _give(self) -> None:
        self._timer = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._asking = True
                turn.set_result(None)
                return
