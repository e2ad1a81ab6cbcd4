"""Where Rainbow's questions are answered: by a bridge, or, while the link stands and no bridge, with a refusal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rainbow_exchange.rainbow.link import Answer, Answerer, AtOnce, QuestionRefused, nothing_at_once
from rainbow_exchange.rainbow.types import Question

#: RFC 6120 section 8.3.3.19, with the type that asks for another try: it is for a time
CLOSED = ("service-unavailable", "wait")


class Desk:
    """Is the link's answerer; who answers may change while the link stays up."""

    def __init__(self) -> None:
        self._answer: Answerer | None = None
        self._at_once: AtOnce = nothing_at_once
        self._link_restored: Callable[[], None] | None = None
        self._users_changed: Callable[[], None] | None = None
        self._link_lost: Callable[[], None] | None = None
        self._rainbow_forgot: Callable[[], None] | None = None
        self._overdue: Callable[[], bool] | None = None
        self._under_way: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def answer(self, question: Question) -> Answer:
        """Return the answer of whoever is at the desk. Raises QuestionRefused where nobody is, or who was has gone."""
        if self._answer is None:
            raise QuestionRefused(*CLOSED)
        try:
            async with asyncio.timeout(None) as until_closed:
                self._under_way.add(until_closed)
                self._idle.clear()
                try:
                    return await self._answer(question)
                finally:
                    self._under_way.discard(until_closed)
                    if not self._under_way:
                        self._idle.set()
        except TimeoutError as error:
            if not until_closed.expired():
                raise
            raise QuestionRefused(*CLOSED) from error

    def at_once(self, question: Question) -> Answer | None:
        """Return the answer of whoever is at the desk, where nobody has to wait for it."""
        return self._at_once(question)

    def link_restored(self) -> None:
        """Tell whoever is at the desk that questions can arrive again."""
        if self._link_restored is not None:
            self._link_restored()

    def link_lost(self) -> None:
        """Tell whoever is at the desk that no question can arrive any more."""
        if self._link_lost is not None:
            self._link_lost()

    def rainbow_forgot(self) -> None:
        """Tell whoever is at the desk that Rainbow has lost what it knew."""
        if self._rainbow_forgot is not None:
            self._rainbow_forgot()

    def users_changed(self) -> None:
        """Tell whoever is at the desk that somebody of the company came, changed or went."""
        if self._users_changed is not None:
            self._users_changed()

    def overdue(self) -> bool:
        """Tell whether Rainbow should have asked something by now."""
        return self._overdue is not None and self._overdue()

    @asynccontextmanager
    async def staffed(
        self,
        answer: Answerer,
        *,
        link_restored: Callable[[], None],
        link_lost: Callable[[], None],
        rainbow_forgot: Callable[[], None] | None = None,
        users_changed: Callable[[], None] | None = None,
        overdue: Callable[[], bool] | None = None,
        at_once: AtOnce = nothing_at_once,
    ) -> AsyncIterator[None]:
        """Have `answer` answer while the context is open; leaving it refuses what is under way, and waits for that."""
        self._answer, self._at_once, self._users_changed = answer, at_once, users_changed
        self._link_restored, self._link_lost, self._overdue = link_restored, link_lost, overdue
        self._rainbow_forgot = rainbow_forgot
        try:
            yield
        finally:
            self._answer = self._users_changed = None
            self._at_once = nothing_at_once
            self._link_restored = self._link_lost = self._overdue = self._rainbow_forgot = None
            for until_closed in (each for each in self._under_way if not each.expired()):
                until_closed.reschedule(asyncio.get_running_loop().time())
            await self._idle.wait()
