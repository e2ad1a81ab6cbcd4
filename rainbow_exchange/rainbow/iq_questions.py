"""Questions that come as IQs: who may ask, and the way of an answer back over the stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.answering import Answering
from rainbow_exchange.rainbow.askers import Jid, may_ask
from rainbow_exchange.rainbow.link import NO_ID, Answer, Answerer, AtOnce, LinkCounters, QuestionRefused
from rainbow_exchange.rainbow.questions import auto_reply_result, events_result, read_question
from rainbow_exchange.rainbow.stanzas import MAX_STANZA, Iq
from rainbow_exchange.rainbow.stream import Stream
from rainbow_exchange.rainbow.types import Question

_log = structlog.get_logger()

#: What is kept of the deadline for the answer's own way (seconds).
_SENDING = 0.2
#: Refusals that leave in a second at least.
_REFUSED_A_SECOND = 8_000
#: Strangers that are named in the log once; further ones are only counted.
_MAX_NAMED = 100


class IqQuestions:
    """Takes questions off a stream; `stranger` is the domain of the last one who may not ask."""

    def __init__(
        self,
        answer: Answerer,
        *,
        at_once: AtOnce,
        counters: LinkCounters,
        deadline: float,
        max_waiting: int,
        trusted_askers: Sequence[str] | None,
        escape_twice: bool,
    ) -> None:
        self._answering = Answering(
            answer=answer,
            at_once=self._answer_at_once,
            counters=counters,
            deadline=deadline,
            sending=_SENDING,
            refused_a_second=_REFUSED_A_SECOND,
            max_waiting=max_waiting,
        )
        self._at_once = at_once
        self._counters = counters
        #: answers that are made and have not left yet
        self._leaving = 0
        self._trusted_askers = trusted_askers
        self._escape_twice = escape_twice
        self._named: set[str] = set()
        self._asker = ""
        #: who was found to be trusted last, by whom
        self._admitted: tuple[str, Jid] | None = None
        self.stranger: str | None = None

    async def take(self, iq: Iq, stream: Stream, me: Jid, tasks: asyncio.TaskGroup) -> None:
        """Refuse a question at once, or see to its answer in `tasks`. Raises RainbowError when the stream is over."""
        if (iq.from_, me) != self._admitted:
            if not may_ask(iq.from_, me, self._trusted_askers):
                self.note_stranger(Jid.read(iq.from_).domain)
                await self.reply(stanzas.error(iq, stream.jid, "forbidden", "auth"), stream)
                return
            self._admitted = iq.from_, me
        self._asker = iq.from_
        if not stream.outbox.ready:
            await asyncio.sleep(0)  # what was made before may leave first
        asked = _IqAsked(iq, stream, partial(self.reply, stream=stream), escape_twice=self._escape_twice)
        await self._answering.take(asked, tasks)

    async def reply(self, frame: str, stream: Stream, sent: Callable[[], None] = lambda: None) -> None:
        """Have a reply sent that needs no work, without waiting for whoever reads slowly; `sent`: once it has left.

        One that would break the server's limit, for whoever asked chose its id and address as long as that, is not
        sent at all: the server would end the stream for it.
        """
        if len(frame.encode()) > MAX_STANZA:
            self._counters.too_long += 1
            return
        await stream.outbox.post(frame, sent)

    def stream_ended(self) -> None:
        """Count what was made and has not left: nobody gets it any more."""
        self._counters.failed += self._leaving
        self._leaving = 0

    def _answer_at_once(self, asked: "_IqAsked", question: Question) -> bool:
        """See to an answer that nobody has to wait for, while one that is made leaves soon."""
        answer = self._at_once(question) if asked.stream.outbox.ready else None
        if answer is None:
            # Of many that wait, only what the answer needs is kept: the tree is by far the biggest part.
            asked.iq = replace(asked.iq, payload=None)
            return False
        try:
            written = asked.write(question, answer)
        except QuestionRefused:
            return False
        self._leaving += 1
        asked.stream.outbox.leave(written, partial(self._left, answer))
        return True

    def _left(self, answer: Answer) -> None:
        self._leaving -= 1
        self._counters.answered += 1
        answer.sent()

    def wire(self, question: Question, answer: Answer | QuestionRefused, me: str) -> str:
        """Return what would leave for an answer, to whoever asked last."""
        iq = Iq(type="get", id=NO_ID, from_=self._asker)
        if isinstance(answer, QuestionRefused):
            return stanzas.error(iq, me, answer.condition, answer.type)
        return _written(iq, me, question, answer, escape_twice=self._escape_twice)

    def note_stranger(self, domain: str) -> None:
        """Count somebody who may not ask, and name the domain in the log, once."""
        self._counters.strangers += 1
        self.stranger = domain
        if domain not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add(domain)
            _log.warning("question_from_stranger", domain=domain)


@dataclass(slots=True)
class _IqAsked:
    """A question and the stream it came on; an `answering.Asked`."""

    iq: Iq
    stream: Stream
    reply: Callable[..., Awaitable[None]]
    escape_twice: bool

    def read(self) -> Question:
        return read_question(self.iq)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self.stream.outbox.turn():
            yield

    def write(self, question: Question, answer: Answer) -> str:
        written = _written(self.iq, self.stream.jid, question, answer, escape_twice=self.escape_twice)
        if len(written.encode()) > MAX_STANZA:
            raise QuestionRefused("bad-request", "modify")
        return written

    async def send(self, written: str) -> None:
        await self.stream.outbox.put(written)

    async def refuse(self, condition: str, type_: str, sent: Callable[[], None] = lambda: None) -> None:
        await self.reply(stanzas.error(self.iq, self.stream.jid, condition, type_), sent=sent)


def _written(iq: Iq, me: str, question: Question, answer: Answer, *, escape_twice: bool) -> str:
    if question.kind == "events":
        return events_result(iq, me, question, answer.events, escape_twice=escape_twice)
    if answer.auto_reply is None:
        raise TypeError("an answer to an autoreply question without auto_reply")
    return auto_reply_result(iq, me, question, answer.auto_reply, escape_twice=escape_twice)
