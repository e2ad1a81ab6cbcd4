"""Questions that come as callbacks, and the way of their answers back by REST; the contract is ours (`assumed_s2s`)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.rainbow import assumed_s2s
from rainbow_exchange.rainbow.answering import Answering, Undelivered
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowConnectionError, RainbowError, RateLimited
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import Question

_log = structlog.get_logger()

#: refusals that may be under way besides the answers; beyond, a callback is not taken at all
_MAX_REFUSALS = 1000
#: answers that are posted at the same time: notify and the list of users want their turn, too
_AT_ONCE = 32
#: waits before an answer is posted again (seconds)
_AGAIN_FIRST, _AGAIN_CAP = 0.25, 2.0
#: with less time left (seconds) none is begun: it would be cut off, and only keep the others from leaving in time
_TOO_LATE = 0.1
#: questions that are remembered, and for how many seconds, so that one that comes twice is answered once
_REMEMBERED, _REMEMBERED_FOR = 50_000, 120.0
_NOT_FOUND = 404


class S2sQuestions:
    """Sees to the answer of each question once; `repeated` counts those that came again.

    `on_missing` is told when Rainbow does not know the connection that an answer is for.
    """

    def __init__(
        self,
        answering: Answering,
        *,
        client: RainbowClient,
        deadline: float,
        random: Callable[[], float],
        on_missing: Callable[[], None],
    ) -> None:
        self._answering = answering
        self._client = client
        self._deadline = deadline
        self._random = random
        self._on_missing = on_missing
        self.turns = asyncio.Semaphore(_AT_ONCE)
        self._seen: dict[tuple[str, str], float] = {}
        self._beginning = 0
        self.repeated = 0

    @property
    def overrun(self) -> bool:
        """Whether there is no room for a question, not even to refuse it."""
        return self._answering.full and self._beginning >= _MAX_REFUSALS

    def take(
        self, name: str, payload: dict[str, Any], *, connection_id: str, received: float, tasks: asyncio.TaskGroup
    ) -> bool:
        """See to an answer in `tasks`; False where there is nobody to answer. `received` is the loop's time."""
        id_ = assumed_s2s.request_id(payload)
        if id_ is None:
            return False
        self._forget(received - _REMEMBERED_FOR)
        if (connection_id, id_) in self._seen:
            self.repeated += 1
            return True
        self._seen[connection_id, id_] = received
        asked = _S2sAsked(self, name, payload, id_, connection_id, until=received + self._deadline)
        beginning = self._begin(asked, tasks)
        try:
            task = tasks.create_task(beginning, name="link:question")
        except RuntimeError:  # a bug elsewhere is ending them all
            beginning.close()
            return True
        self._beginning += 1
        task.add_done_callback(self._begun)
        return True

    def _forget(self, before: float) -> None:
        """Forget the questions that came before then, and of the others the oldest where they are too many."""
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= before and len(self._seen) < _REMEMBERED:
                break
            del self._seen[oldest]

    async def _begin(self, asked: "_S2sAsked", tasks: asyncio.TaskGroup) -> None:
        try:
            await self._answering.take(asked, tasks)
        except Undelivered as error:
            _log.debug("refusal_undelivered", reason=str(error))

    def _begun(self, _task: asyncio.Task[None]) -> None:
        self._beginning -= 1

    async def post(self, asked: "_S2sAsked", body: dict[str, Any]) -> None:
        """Post an answer until it is taken, or its time is over. Raises Undelivered.

        Its request id makes repeating harmless.
        """
        waits = backoff(_AGAIN_FIRST, _AGAIN_CAP, random=self._random)
        try:
            async with asyncio.timeout_at(asked.until):
                while True:
                    if asked.until - asyncio.get_running_loop().time() < _TOO_LATE:
                        raise TimeoutError  # noqa: TRY301  (it is what the limit itself would raise)
                    wait = await self._try(asked, body)
                    if wait is None:
                        return
                    await asyncio.sleep(max(wait, next(waits)))
        except (TimeoutError, RainbowError) as error:
            self._seen.pop((asked.connection_id, asked.id), None)  # asked again, it may have better luck
            if isinstance(error, RainbowApiError) and error.status == _NOT_FOUND:
                self._on_missing()
            raise Undelivered(str(error) or "not in time") from error

    async def _try(self, asked: "_S2sAsked", body: dict[str, Any]) -> float | None:
        """Post once; None when it was taken, else how long to wait at least."""
        try:
            path = assumed_s2s.answer_path(asked.connection_id, asked.name)
            await self._client.call("s2s_answer", "POST", path, body=body, personal=True)
        except RainbowConnectionError:
            return 0.0
        except RateLimited as error:
            return error.retry_after
        return None


@dataclass(frozen=True, slots=True)
class _S2sAsked:
    """A question and the connection it came on; an `answering.Asked`."""

    questions: S2sQuestions
    name: str
    payload: dict[str, Any]
    id: str
    connection_id: str
    until: float

    def read(self) -> Question:
        return replace(assumed_s2s.read_question(self.name, self.payload), id=self.id)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self.questions.turns:
            yield

    def write(self, question: Question, answer: Answer) -> dict[str, Any]:
        return _body(self.id, question, answer)

    async def send(self, written: dict[str, Any]) -> None:
        await self.questions.post(self, written)

    async def refuse(
        self,
        condition: str,
        type_: str,  # noqa: ARG002  (our contract has no types)
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        async with self.turn():
            await self.questions.post(self, assumed_s2s.error_body(self.id, condition))
        sent()


def written(id_: str, question: Question, answer: Answer | QuestionRefused) -> str:
    """Write what is posted for an answer."""
    if isinstance(answer, QuestionRefused):
        return json.dumps(assumed_s2s.error_body(id_, answer.condition))
    return json.dumps(_body(id_, question, answer))


def _body(id_: str, question: Question, answer: Answer) -> dict[str, Any]:
    if question.kind == "events":
        return assumed_s2s.events_body(id_, question, answer.events)
    if answer.auto_reply is None:
        raise TypeError("an answer to an autoreply question without auto_reply")
    return assumed_s2s.auto_reply_body(id_, question, answer.auto_reply)
