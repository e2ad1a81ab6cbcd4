"""Questions in, answers out: who may ask, one answer each, within the deadline, in whatever order they finish."""

import asyncio
from collections.abc import Sequence

import structlog

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.askers import Jid, may_ask
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.rainbow.link import Answer, Answerer, LinkCounters, QuestionRefused
from rainbow_exchange.rainbow.questions import MalformedQuestion, auto_reply_result, events_result, read_question
from rainbow_exchange.rainbow.stanzas import Iq
from rainbow_exchange.rainbow.stream import Stream
from rainbow_exchange.rainbow.types import Question

_log = structlog.get_logger()

#: Strangers that are named in the log once; further ones are only counted.
_MAX_NAMED = 100
#: What is kept of the deadline for the answer's own way (seconds).
_SENDING = 0.2


class Answering:
    """Answers questions on a stream; `stranger` is the domain of the last one who may not ask."""

    def __init__(
        self,
        *,
        answer: Answerer,
        counters: LinkCounters,
        trusted_askers: Sequence[str] | None,
        deadline: float,
        max_waiting: int,
        escape_twice: bool,
    ) -> None:
        self._answer = answer
        self._counters = counters
        self._trusted_askers = trusted_askers
        self._deadline = deadline
        self._max_waiting = max_waiting
        self._escape_twice = escape_twice
        self._named: set[str] = set()
        self.waiting = 0
        self.stranger: str | None = None

    async def take(self, iq: Iq, stream: Stream, me: Jid, tasks: asyncio.TaskGroup) -> None:
        """Refuse a question at once, or see to its answer in `tasks`. Raises RainbowError when the stream is over."""
        if not may_ask(iq.from_, me, self._trusted_askers):
            self._note_stranger(Jid.read(iq.from_).domain)
            await stream.send(stanzas.error(iq, stream.jid, "forbidden", "auth"))
            return
        self._counters.questions += 1
        try:
            question = read_question(iq)
        except MalformedQuestion as error:
            _log.debug("question_malformed", reason=str(error))
            await self._refuse(iq, stream, "bad-request", "modify")
            return
        self._counters.zones_unknown += question.zone_unknown
        if self.waiting >= self._max_waiting:
            await self._refuse(iq, stream, "resource-constraint", "wait")
            return
        self.waiting += 1
        tasks.create_task(self._see_to(iq, question, stream), name="xmpp:answer").add_done_callback(self._done)

    def _done(self, _task: asyncio.Task[None]) -> None:
        self.waiting -= 1

    async def _see_to(self, iq: Iq, question: Question, stream: Stream) -> None:
        try:
            async with asyncio.timeout(self._deadline - min(_SENDING, self._deadline / 10)):
                answer = await self._answer(question)
            frame = self._write(iq, question, answer, stream.jid)
        except QuestionRefused as refused:
            await self._refuse(iq, stream, refused.condition, refused.type)
            return
        except (TimeoutError, RainbowExchangeError) as error:
            _log.debug("question_unanswered", kind=question.kind, reason=type(error).__name__)
            self._counters.failed += 1
            await stream.send(stanzas.error(iq, stream.jid, "remote-server-timeout", "wait"))
            return
        except Exception:
            # A bug: whoever asked is not left waiting, and it goes on its way.
            self._counters.failed += 1
            await stream.send(stanzas.error(iq, stream.jid, "internal-server-error", "cancel"))
            raise
        try:
            await stream.send(frame)
        except RainbowError:
            self._counters.failed += 1
            raise
        self._counters.answered += 1
        answer.sent()

    async def _refuse(self, iq: Iq, stream: Stream, condition: str, type_: str) -> None:
        self._counters.refused += 1
        await stream.send(stanzas.error(iq, stream.jid, condition, type_))

    def _write(self, iq: Iq, question: Question, answer: Answer, me: str) -> str:
        if question.kind == "events":
            return events_result(iq, me, question, answer.events, escape_twice=self._escape_twice)
        if answer.auto_reply is None:
            raise TypeError("an answer to an autoreply question without auto_reply")
        return auto_reply_result(iq, me, question, answer.auto_reply, escape_twice=self._escape_twice)

    def _note_stranger(self, domain: str) -> None:
        self._counters.strangers += 1
        self.stranger = domain
        if domain not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add(domain)
            _log.warning("question_from_stranger", domain=domain)
