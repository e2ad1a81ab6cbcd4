"""Questions that come as IQs: who may ask, and the way of an answer back over the stream."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.answering import Answering
from rainbow_exchange.rainbow.askers import Jid, may_ask
from rainbow_exchange.rainbow.link import Answer, LinkCounters
from rainbow_exchange.rainbow.questions import auto_reply_result, events_result, read_question
from rainbow_exchange.rainbow.stanzas import Iq
from rainbow_exchange.rainbow.stream import Stream
from rainbow_exchange.rainbow.types import Question

_log = structlog.get_logger()

#: Strangers that are named in the log once; further ones are only counted.
_MAX_NAMED = 100


class IqQuestions:
    """Takes questions off a stream; `stranger` is the domain of the last one who may not ask."""

    def __init__(
        self,
        answering: Answering,
        *,
        counters: LinkCounters,
        trusted_askers: Sequence[str] | None,
        escape_twice: bool,
    ) -> None:
        self._answering = answering
        self._counters = counters
        self._trusted_askers = trusted_askers
        self._escape_twice = escape_twice
        self._named: set[str] = set()
        self.stranger: str | None = None

    async def take(self, iq: Iq, stream: Stream, me: Jid, tasks: asyncio.TaskGroup) -> None:
        """Refuse a question at once, or see to its answer in `tasks`. Raises RainbowError when the stream is over."""
        if not may_ask(iq.from_, me, self._trusted_askers):
            self.note_stranger(Jid.read(iq.from_).domain)
            await stream.send(stanzas.error(iq, stream.jid, "forbidden", "auth"))
            return
        await self._answering.take(_IqAsked(iq, stream, escape_twice=self._escape_twice), tasks)

    def note_stranger(self, domain: str) -> None:
        """Count somebody who may not ask, and name the domain in the log, once."""
        self._counters.strangers += 1
        self.stranger = domain
        if domain not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add(domain)
            _log.warning("question_from_stranger", domain=domain)


@dataclass(frozen=True, slots=True)
class _IqAsked:
    """A question and the stream it came on; an `answering.Asked`."""

    iq: Iq
    stream: Stream
    escape_twice: bool

    def read(self) -> Question:
        return read_question(self.iq)

    def write(self, question: Question, answer: Answer) -> str:
        me = self.stream.jid
        if question.kind == "events":
            return events_result(self.iq, me, question, answer.events, escape_twice=self.escape_twice)
        if answer.auto_reply is None:
            raise TypeError("an answer to an autoreply question without auto_reply")
        return auto_reply_result(self.iq, me, question, answer.auto_reply, escape_twice=self.escape_twice)

    async def send(self, written: str) -> None:
        await self.stream.send(written)

    async def refuse(self, condition: str, type_: str) -> None:
        await self.stream.send(stanzas.error(self.iq, self.stream.jid, condition, type_))
