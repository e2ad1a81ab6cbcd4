"""The link for hosts that Rainbow can reach: an S2S connection, on which Rainbow calls back (`callback_url`).

What is sent and what of it is documented: `docs/reference/rainbow-wire.md`, section "S2S link". How calendar questions
travel on it is our own contract (`assumed_s2s`).
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.pause import Pause
from rainbow_exchange.rainbow import callbacks, connections
from rainbow_exchange.rainbow.answering import Answering
from rainbow_exchange.rainbow.callback_listener import CallbackListener
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import ConnectionEnded, RainbowError, RateLimited, UnexpectedAnswer
from rainbow_exchange.rainbow.link import NO_ID, Answer, Answerer, LinkCounters, QuestionRefused
from rainbow_exchange.rainbow.s2s_callbacks import OwnConnection, S2sCallbacks
from rainbow_exchange.rainbow.s2s_questions import S2sQuestions, written
from rainbow_exchange.rainbow.types import Question
from rainbow_exchange.rainbow.waits import Waits
from rainbow_exchange.words import _

_log = structlog.get_logger()

#: seconds until the first callback, "ready", must have come
READY_LIMIT = 30.0
#: a connection is looked at so often (seconds), and so soon again after that failed
CHECK_EVERY = 30.0
_CHECK_AGAIN_FIRST, _CHECK_AGAIN_CAP = 1.0, 60.0
#: without any callback for so long, whether they still arrive is tried with a new connection (seconds); earlier where
#: one is overdue, if not each time
SILENCE, OVERDUE = 900.0, 60.0
#: what is kept of the deadline for the answer's own way (seconds)
_SENDING = 0.8
#: refusals that can be posted in a second at least, each a request of its own
_REFUSED_A_SECOND = 1_000
#: seconds to end the connections at a stop
_LEAVE_LIMIT = 2.0


def _nothing() -> None:
    pass


class S2sLink:
    """Answers Rainbow's questions on an S2S connection; a `RainbowLink`.

    Rainbow calls back below `callback_url`, which leads to the listener at `host` and `port`, whatever is in between.
    Each connection has a path of its own, which nobody can guess: whoever knows it is believed to be Rainbow.
    `on_connected` and `on_lost` frame each time in which questions can arrive. `on_forgotten` is called when Rainbow
    has lost the connection without a word, and perhaps all it knew, `on_company_user` when it tells of somebody new,
    changed or gone. `overdue` says whether it should have asked something by now. Each question gets one answer within
    `deadline` seconds; `max_waiting` may be under way, more are refused.
    """

    kind = "s2s"

    def __init__(
        self,
        *,
        client: RainbowClient,
        callback_url: str,
        host: str,
        port: int,
        answer: Answerer,
        now: Callable[[], datetime],
        random: Callable[[], float],
        segment: Callable[[], str] = secrets.token_urlsafe,
        on_connected: Callable[[], None] = _nothing,
        on_lost: Callable[[], None] = _nothing,
        on_forgotten: Callable[[], None] = _nothing,
        on_company_user: Callable[[], None] = _nothing,
        overdue: Callable[[], bool] = lambda: False,
        deadline: float = 10.0,
        max_waiting: int = 20_000,
    ) -> None:
        self._client = client
        self._base = callback_url.rstrip("/") + "/"
        self._place = f"{host}:{port}"
        self._now = now
        self._random = random
        self._segment = segment
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_forgotten = on_forgotten
        self._overdue = overdue
        self._patience, self._asked = OVERDUE, 0
        self._wake = asyncio.Event()
        self._gone = self._forgotten = False
        self._up_at: float | None = None
        self._lived = 0.0
        self._reason: str = _("not connected yet")
        self._waits = Waits(random)
        self._pause = Pause()
        self.counters = LinkCounters()
        self._questions = S2sQuestions(
            Answering(
                answer=answer,
                counters=self.counters,
                deadline=deadline,
                sending=_SENDING,
                refused_a_second=_REFUSED_A_SECOND,
                max_waiting=max_waiting,
            ),
            client=client,
            deadline=deadline,
            random=random,
            on_missing=self._wake.set,
        )
        self._desk = S2sCallbacks(
            self._questions,
            base_path=urlsplit(self._base).path,
            user_id=lambda: client.account.user_id if client.account is not None else None,
            on_company_user=on_company_user,
            on_ended=self._wake.set,
        )
        self._connections = self._desk.connections
        self._listener = CallbackListener(host=host, port=port, find=self._desk.find, max_body=callbacks.MAX_BODY)
        self._deadline = deadline
        #: what ended the last connection, or try to make one; None while it is connected and before the first try
        self.error: RainbowError | None = None
        #: since when `connected` holds; None while it does not
        self.connected_since: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether questions can arrive and answers leave now."""
        return self._up_at is not None

    @property
    def reason(self) -> str:
        """Why it is not connected; "" while it is."""
        return self._reason

    @property
    def stranger(self) -> str | None:
        """Nobody: whoever does not know the path is not heard."""
        return None

    @property
    def others(self) -> int:
        """How many more connectors are at work for the same account, as far as that shows: one that took our place."""
        return int(isinstance(self.error, ConnectionEnded) and self.error.condition == "conflict")

    @property
    def callbacks(self) -> dict[str, int]:
        """Callbacks by what became of them (`S2sCallbacks.counts`).

        "repeated" are questions that came twice; "misdirected" requests on no path of ours, or that are no callbacks.
        """
        others = {"repeated": self._questions.repeated, "misdirected": sum(self._listener.refused.values())}
        return {**self._desk.counts, **others}

    def wire(self, question: Question, answer: Answer | QuestionRefused) -> str:
        """Return what would leave for an answer, byte for byte but for the id."""
        return written(NO_ID, question, answer)

    def try_again(self) -> None:
        """Connect at once where the next try would come later."""
        self._pause.cut()

    async def run(self) -> None:
        """Stay connected until cancelled, then end the connection (at most 2 s); expected errors are met inside."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._desk.tasks = tasks
                try:
                    while True:
                        await self._pause.sleep(await self._once())
                finally:
                    self._desk.tasks = None  # what is ending takes nothing more
        finally:
            try:
                await self._leave()
            finally:
                await self._listener.stop()

    # -- its life ------------------------------------------------------------------------------------------------

    async def _once(self) -> float:
        """Be connected once; how long to wait before the next time."""
        try:
            try:
                await self._listener.start()
            except OSError as error:
                # Its words hold what was tried to be bound; which error it is says enough.
                reason = _(
                    "callbacks cannot be listened for at {place}: {strerror}",
                    place=self._place,
                    strerror=error.strerror or error,
                )
                raise ConnectionEnded("listener", reason) from None
            await self._clear()
            connection = await self._open()
            self._up(connection)
            while True:
                connection = await self._keep(connection)
        except RainbowError as error:
            return self._lost(error)

    async def _clear(self) -> None:
        """End every connection of the account that is still there: whoever holds them is gone."""
        there = await connections.listed(self._client)
        ours = {each.id for each in self._connections}
        gone, self._gone = self._gone, False
        if gone and any(each.id not in ours and not each.callback_url.startswith(self._base) for each in there):
            raise ConnectionEnded(
                "conflict", _("another connector signed in with the same account and ended our connection")
            )
        self._connections.clear()
        for each in there:
            await connections.delete(self._client, each.id)

    async def _open(self) -> OwnConnection:
        """Make a connection on which Rainbow has called back."""
        made = OwnConnection(self._segment(), asyncio.get_running_loop().time())
        self._connections.append(made)
        try:
            told = await connections.create(self._client, self._base + made.segment)
            self._desk.known_as(made, told.id)
            async with asyncio.timeout(READY_LIMIT):
                await made.ready.wait()
        except TimeoutError:
            raise ConnectionEnded(
                "not-called",
                _(
                    "Rainbow made the connection and did not call back at {base} within {seconds} s:"
                    " that must lead from Rainbow to {place} on this machine",
                    base=self._base,
                    seconds=f"{READY_LIMIT:.0f}",
                    place=self._place,
                ),
            ) from None
        there = None if made.ended else await connections.get(self._client, made.id)
        if there is None:
            raise ConnectionEnded("ended", made.ended or _("Rainbow does not know the connection that it made"))
        if there.callback_url and not there.callback_url.rstrip("/").endswith(f"/{made.segment}"):
            raise UnexpectedAnswer(_("Rainbow calls back at another address than it was told"))
        await connections.be_present(self._client, made.id)
        return made

    async def _keep(self, connection: OwnConnection) -> OwnConnection:
        """See after a while that the connection is still good; return it, or the one that takes its place."""
        if not connection.ended:
            await asyncio.sleep(_CHECK_AGAIN_FIRST)  # whatever wakes it, it does not ask without a pause
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY * (0.75 + 0.25 * self._random())):
                    await self._wake.wait()
        self._wake.clear()
        waits = backoff(_CHECK_AGAIN_FIRST, _CHECK_AGAIN_CAP, random=self._random)
        failed = 0
        while not connection.ended:
            try:
                if not await connections.exists(self._client, connection.id):
                    connection.ended = _("Rainbow does not know the connection any more")
                    self._forgotten = True
                    break
                if not self.connected:
                    await connections.be_present(self._client, connection.id)
            except RainbowError as error:
                failed += 1
                if failed > 1:
                    self._down(error)
                await asyncio.sleep(_wait_after(error, next(waits)))
                continue
            if not self.connected:
                self._up(connection)
            return await self._renew(connection) if self._is_silent(connection) else connection
        self._gone = True
        raise ConnectionEnded("ended", connection.ended)

    def _is_silent(self, connection: OwnConnection) -> bool:
        """Whether there was no callback for so long that they may not arrive any more."""
        if self.counters.questions > self._asked:
            self._patience, self._asked = OVERDUE, self.counters.questions
        silent = asyncio.get_running_loop().time() - connection.heard
        if silent >= self._patience and self._overdue():
            self._patience = min(2 * self._patience, SILENCE)  # perhaps Rainbow just does not want to know
            return True
        return silent >= SILENCE

    async def _renew(self, old: OwnConnection) -> OwnConnection:
        """Find out whether callbacks still arrive: of a new connection Rainbow has to tell that it is ready.

        The old one stays until then, and for the answers that are under way.
        """
        _log.debug("s2s_fell_silent", connection=old.id)
        new = await self._open()
        if new.id == old.id:  # Rainbow has given it another address
            self._connections.remove(old)
        elif self._desk.tasks is not None:
            self._desk.tasks.create_task(self._retire(old), name="link:retire")
        return new

    async def _retire(self, old: OwnConnection) -> None:
        await asyncio.sleep(self._deadline)
        try:
            await connections.delete(self._client, old.id)
        except RainbowError as error:
            _log.debug("s2s_not_retired", reason=str(error))
        if old in self._connections:
            self._connections.remove(old)

    async def _leave(self) -> None:
        """End what we made, best effort."""
        was = self.connected
        self._up_at, self.connected_since, self._reason = None, None, "stopped"
        if was:
            self._on_lost()
        if not self._connections:
            return
        try:
            async with asyncio.timeout(_LEAVE_LIMIT):
                if all(each.id for each in self._connections):
                    ids = [each.id for each in self._connections]
                else:  # one was just being made
                    there = await connections.listed(self._client)
                    ids = [each.id for each in there if each.callback_url.startswith(self._base)]
                for id_ in dict.fromkeys(ids):
                    await connections.delete(self._client, id_)
        except (RainbowError, TimeoutError) as error:
            _log.debug("s2s_not_ended", reason=str(error) or "not in time")
        self._connections.clear()

    def _up(self, connection: OwnConnection) -> None:
        self._up_at, self.connected_since = asyncio.get_running_loop().time(), self._now()
        self._reason, self.error = "", None
        self.counters.connects += 1
        log = _log.info if self.counters.connects == 1 else _log.debug
        log("s2s_connected", connection=connection.id)
        self._on_connected()

    def _down(self, error: RainbowError) -> None:
        """Note that it is not connected."""
        self._reason, self.error = str(error), error
        if self._up_at is not None:
            self._lived = asyncio.get_running_loop().time() - self._up_at
            self._up_at, self.connected_since = None, None
            self._on_lost()
        _log.debug("s2s_lost", reason=self._reason)

    def _lost(self, error: RainbowError) -> float:
        """Settle what follows from the loss; how long to wait."""
        self._down(error)
        if self._forgotten:
            self._forgotten = False
            self._on_forgotten()
        lived, self._lived = self._lived, 0.0
        wait = self._waits.after(error, lived)
        _log.debug("s2s_postponed", retry_in=round(wait, 1))
        return wait


def _wait_after(error: Exception, usual: float) -> float:
    return max(error.retry_after, usual) if isinstance(error, RateLimited) else usual
