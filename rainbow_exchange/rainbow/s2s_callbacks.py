"""Callbacks of our S2S connections: which of them are believed, and who is told."""

import asyncio
import hmac
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from rainbow_exchange.rainbow import assumed_s2s, callbacks
from rainbow_exchange.rainbow.callback_listener import Taker
from rainbow_exchange.rainbow.callbacks import Callback, MalformedCallback
from rainbow_exchange.rainbow.s2s_questions import S2sQuestions
from rainbow_exchange.words import _

_log = structlog.get_logger()

#: callbacks that may come before Rainbow has said which connection it made
_MAX_EARLY = 1000
_TAKEN, _BAD, _OVERRUN = 200, 400, 503


@dataclass(slots=True, eq=False)
class OwnConnection:
    """A connection and the segment of the path at which Rainbow calls back on it; `heard` is when it last did.

    `id` is "" until Rainbow has told it; until then callbacks are kept in `early`. `ended` says why it is of no use.
    """

    segment: str
    heard: float
    id: str = ""
    early: list[tuple[Callback, float]] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""


class S2sCallbacks:
    """Takes callbacks for `connections`; questions are seen to in `tasks`, and refused while there are none.

    Each connection has a path of its own below `base_path`, which nobody can guess: whoever knows it is believed to be
    Rainbow. `user_id` tells whose connections they are. `on_ended` is called when Rainbow says that one is over.
    """

    def __init__(
        self,
        questions: S2sQuestions,
        *,
        base_path: str,
        user_id: Callable[[], str | None],
        on_company_user: Callable[[], None],
        on_ended: Callable[[], None],
    ) -> None:
        self._questions = questions
        self._base_path = base_path
        self._user_id = user_id
        self._on_company_user = on_company_user
        self._on_ended = on_ended
        self.connections: list[OwnConnection] = []
        self.tasks: asyncio.TaskGroup | None = None
        #: callbacks by what became of them: a name of `callbacks.NAMES`, or "unknown", "malformed", "stale" (of another
        #: connection), "foreign" (of another user), "overrun" (no room)
        self.counts: Counter[str] = Counter()

    def find(self, path: str) -> Taker | None:
        """Who takes what is called back at `path`; a proxy in between may have taken the base path away."""
        segment, _, name = path.removeprefix(self._base_path).removeprefix("/").partition("/")
        found = [each for each in self.connections if hmac.compare_digest(each.segment.encode(), segment.encode())]
        return partial(self._take, found[0], name) if found else None

    def known_as(self, connection: OwnConnection, id_: str) -> None:
        """Handle what came before Rainbow had said which connection it made."""
        connection.id = id_
        for callback, received in connection.early:
            self._handle(connection, callback, received)
        connection.early.clear()

    def _take(self, connection: OwnConnection, name: str, body: bytes) -> int:
        """Take a callback and have it handled after the answer, whose status this returns."""
        loop = asyncio.get_running_loop()
        if name not in callbacks.NAMES:
            self.counts["unknown"] += 1
            connection.heard = loop.time()
            return _TAKEN
        try:
            callback = callbacks.read(name, body)
        except MalformedCallback as error:
            _log.debug("callback_malformed", callback=name, reason=str(error))
            self.counts["malformed"] += 1
            return _BAD
        if callback.user_id is not None and callback.user_id != (self._user_id() or callback.user_id):
            self.counts["foreign"] += 1
            return _TAKEN
        if name in callbacks.QUESTIONS and (self.tasks is None or self._questions.overrun):
            self.counts["overrun"] += 1
            return _OVERRUN
        loop.call_soon(self._handle, connection, callback, loop.time())
        return _TAKEN

    def _handle(self, connection: OwnConnection, callback: Callback, received: float) -> None:
        if not connection.id:
            if len(connection.early) < _MAX_EARLY:
                connection.early.append((callback, received))
            return
        if callback.connection_id != connection.id:
            self.counts["stale"] += 1
            return
        connection.heard = max(connection.heard, received)
        self.counts[callback.name] += 1
        if callback.name in callbacks.QUESTIONS:
            if self.tasks is not None and not self._questions.take(
                callback.name, callback.payload, connection_id=connection.id, received=received, tasks=self.tasks
            ):
                self.counts["malformed"] += 1
        elif callback.name == assumed_s2s.COMPANY_USER:
            self._on_company_user()
        elif callback.state == callbacks.READY:
            connection.ready.set()
        elif callback.state in callbacks.ENDED:
            connection.ended = _("Rainbow says that the connection is {state}", state=callback.state)
            connection.ready.set()  # nothing better will come
            self._on_ended()
