"""Questions in, answers out, on whichever link: one answer each, within the deadline, in whatever order they finish."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

import structlog

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.rainbow.link import Answer, Answerer, LinkCounters, MalformedQuestion, QuestionRefused
from rainbow_exchange.rainbow.types import Question

_log = structlog.get_logger()

#: The part of the deadline that is kept at most for refusing all who wait.
_MOST_KEPT = 0.6
#: Seconds for the last answer of a program that has a bug.
_LAST_WORDS = 2.0


class Undelivered(Exception):
    """An answer could not be handed over; the link goes on."""


class Asked(Protocol):
    """One question as it came over a link, and the way back of its answer.

    `send` and `refuse` raise Undelivered where this one answer is lost, RainbowError where the whole link is.
    """

    def read(self) -> Question:
        """Return the question; raises MalformedQuestion."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until an answer can leave; `write` and `send` are called within."""
        ...

    def write(self, question: Question, answer: Answer) -> Any:
        """Put the answer into the link's own form; raises QuestionRefused for what it cannot carry."""
        ...

    async def send(self, written: Any) -> None:
        """Hand over what `write` made."""
        ...

    async def refuse(self, condition: str, type_: str, sent: Callable[[], None] = ...) -> None:
        """Answer with an error: an RFC 6120 condition and its type; `sent` is called once it has left, maybe later."""
        ...


class Answering:
    """Answers questions; `waiting` is how many are under way.

    `at_once(asked, question)` sees to an answer for which nobody has to wait; False where somebody has to.
    Each gets its answer or an error within `deadline` seconds, of which `sending` are kept for the way back. Beyond
    `max_waiting` they are refused. `refused_a_second` is how many can be at least: the more wait, the earlier those who
    came last are given up, so that of all of them the last is refused in time as well.
    """

    def __init__(
        self,
        *,
        answer: Answerer,
        counters: LinkCounters,
        deadline: float,
        sending: float,
        refused_a_second: int,
        max_waiting: int,
        at_once: Callable[[Any, Question], bool] = lambda _asked, _question: False,
    ) -> None:
        self._answer = answer
        self._counters = counters
        self._deadline = deadline
        self._sending = sending
        self._refused_a_second = refused_a_second
        self._max_waiting = max_waiting
        self._at_once = at_once
        self.waiting = 0

    async def take(self, asked: Asked, tasks: asyncio.TaskGroup) -> None:
        """Refuse a question at once, or see to its answer in `tasks`. Raises as `Asked` does."""
        self._counters.questions += 1
        try:
            question = asked.read()
        except MalformedQuestion as error:
            self._counters.malformed += 1
            _log.debug("question_malformed", reason=str(error))
            await self._refuse(asked, "bad-request", "modify")
            return
        self._counters.zones_unknown += question.zone_unknown
        try:
            if self._at_once(asked, question):
                return
        except Exception:
            await self._last_words(asked)
            raise
        if self.full:
            self._counters.overflowed += 1
            await self._refuse(asked, "resource-constraint", "wait")
            return
        self.waiting += 1
        tasks.create_task(self._see_to(asked, question, self._limit()), name="link:answer").add_done_callback(
            self._done
        )

    @property
    def full(self) -> bool:
        """Whether as many are under way as may be."""
        return self.waiting >= self._max_waiting

    def _limit(self) -> float:
        """Until when an answer is waited for: the rest is for the way back, and for the refusals of all before it."""
        kept = min(self._sending + self.waiting / self._refused_a_second, _MOST_KEPT * self._deadline)
        return asyncio.get_running_loop().time() + self._deadline - kept

    def _done(self, _task: asyncio.Task[None]) -> None:
        self.waiting -= 1

    async def _see_to(self, asked: Asked, question: Question, limit: float) -> None:
        try:
            await self._answer_one(asked, question, limit)
        except Undelivered as error:
            _log.debug("answer_undelivered", kind=question.kind, reason=str(error))

    async def _answer_one(self, asked: Asked, question: Question, limit: float) -> None:
        sending = False
        try:
            async with asyncio.timeout_at(limit) as deadline:
                answer = await self._answer(question)
                async with asked.turn():
                    # It leaves now, or the link is given up: there is never a second answer.
                    deadline.reschedule(None)
                    written = asked.write(question, answer)
                    sending = True
                    await asked.send(written)
        except asyncio.CancelledError:
            self._counters.failed += 1  # the link is gone, and with it the way back
            raise
        except QuestionRefused as refused:
            await self._refuse(asked, refused.condition, refused.type, refused.sent)
        except (TimeoutError, RainbowExchangeError, Undelivered) as error:
            self._counters.failed += 1
            if sending:
                raise
            _log.debug("question_unanswered", kind=question.kind, reason=type(error).__name__)
            await asked.refuse("remote-server-timeout", "wait")
        except Exception:
            await self._last_words(asked)
            raise
        else:
            self._counters.answered += 1
            answer.sent()

    async def _last_words(self, asked: Asked) -> None:
        """A bug is about to end the program: whoever asked is not left waiting."""
        self._counters.failed += 1
        left = asyncio.Event()
        await asked.refuse("internal-server-error", "cancel", left.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await left.wait()

    async def _refuse(self, asked: Asked, condition: str, type_: str, sent: Callable[[], None] = lambda: None) -> None:
        self._counters.refused += 1
        try:
            await asked.refuse(condition, type_, sent)
        except Undelivered:
            self._counters.refused -= 1
            self._counters.failed += 1
            raise
