"""The lab's S2S connections: where Rainbow calls back, what it calls, and the answers that come by REST.

Connections and the callback `connection` follow Rainbow's S2S description. Calendar questions over S2S are *ours*, the
connector's own contract: Rainbow publishes none (`docs/reference/lab.md`).
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import aiohttp

from rainbow_exchange.lab.outage import Unreachable
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.outage import RainbowOutage
from rainbow_exchange.lab.rainbow.presence import iso
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.streams import NoLink

_CALL_SECONDS = 5.0
_OK = 200


@dataclass(slots=True, eq=False)
class S2sConnection:
    """One connection of a user. `present` once its owner has set a presence, `ready` once it took that callback."""

    id: str
    user_id: str
    resource: str
    callback_url: str
    ready: bool = False
    present: bool = False
    awaited: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, str]:
        """As Rainbow tells of it."""
        return {"id": self.id, "resource": self.resource, "callback_url": self.callback_url}


class Connections:
    """All S2S connections of the lab's Rainbow, by id."""

    def __init__(
        self, *, dials: Dials, outage: RainbowOutage, record: Record, now: Callable[[], datetime], random: Random
    ) -> None:
        self._dials = dials
        self._outage = outage
        self._record = record
        self._now = now
        self._random = random
        self._all: dict[str, S2sConnection] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._asked = 0

    def of(self, user_id: str) -> list[S2sConnection]:
        """Return those of a user, the oldest first."""
        return [each for each in self._all.values() if each.user_id == user_id]

    def get(self, user_id: str, id_: str) -> S2sConnection | None:
        """Return one of a user's."""
        found = self._all.get(id_)
        return found if found is not None and found.user_id == user_id else None

    def live(self, user_id: str) -> S2sConnection | None:
        """Return the newest of a user's on which questions can be asked."""
        return next((each for each in reversed(self.of(user_id)) if each.ready and each.present), None)

    def make(self, user_id: str, callback_url: str, resource: str) -> S2sConnection:
        """Make a connection, or give another address to one with the same resource or address; it is told it is ready.

        That it is told so in either case is *ours*.
        """
        same = (each for each in self.of(user_id) if callback_url == each.callback_url or resource == each.resource)
        made = next(same, None)
        if made is None:
            number = f"{self._random.getrandbits(96):024x}"
            made = S2sConnection(number, user_id, resource or f"s2s_{number[:8]}", callback_url)
            self._all[made.id] = made
        made.callback_url, made.ready = callback_url, False
        self._begin(self._tell_ready(made))
        return made

    def be_present(self, connection: S2sConnection, presence: dict[str, Any]) -> None:
        """Take a presence; that its owner is called back with it is *ours*, and off at rest."""
        connection.present = True
        self._record.presences.append({"at": iso(self._now()), "connection": connection.id, **presence})
        if self._dials.s2s_echo_presence:
            body = {"from": connection.user_id, "resource": connection.resource, **presence}
            self._begin(self._tell(connection, "presence", body))

    def remove(self, connection: S2sConnection) -> None:
        """Forget one; whoever waits for its answers waits in vain."""
        self._all.pop(connection.id, None)

    def lose(self) -> None:
        """Forget them all without a word, as a server does that was restarted."""
        self._all.clear()

    def terminate(self) -> None:
        """End them all with a word."""
        for connection in list(self._all.values()):
            self._begin(self._tell(connection, "connection", {"state": "terminated"}))
        self.lose()

    def changed(self, user_id: str, action: str) -> None:
        """Tell every connection that somebody of the company came, changed or went; *ours*."""
        for connection in self._all.values():
            if connection.ready:
                self._begin(self._tell(connection, "company-user", {"user_id": user_id, "action": action}))

    async def ask(self, connection: S2sConnection, name: str, question: dict[str, Any]) -> dict[str, Any]:
        """Ask by a callback and return the body of the answer. Raise NoLink, TimeoutError."""
        self._asked += 1
        id_ = f"lab{self._asked}"
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        connection.awaited[id_] = answer
        try:
            async with asyncio.timeout(self._dials.question_seconds):
                if await self._call(connection, name, {"request_id": id_, **question}) != _OK:
                    raise NoLink
                return await answer
        finally:
            connection.awaited.pop(id_, None)

    def answered(self, connection: S2sConnection, kind: str, body: dict[str, Any]) -> None:
        """Take an answer, or an error, to a question that was asked; any other is counted."""
        said = body.get(kind, body.get("error"))
        id_ = said.get("request_id") if isinstance(said, dict) else None
        waiting = connection.awaited.get(id_) if isinstance(id_, str) else None
        if waiting is None or waiting.done():
            self._record.counts["unexpected_answers"] += 1
        else:
            waiting.set_result(body)

    async def stop(self) -> None:
        """Call nobody any more."""
        for call in list(self._calls):
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _begin(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(call, name="lab-callback")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _tell_ready(self, connection: S2sConnection) -> None:
        await asyncio.sleep(self._dials.s2s_ready_seconds)
        connection.ready = await self._call(connection, "connection", {"state": "ready"}) == _OK

    async def _tell(self, connection: S2sConnection, name: str, said: dict[str, Any]) -> None:
        await self._call(connection, name, said)

    async def _call(self, connection: S2sConnection, name: str, said: dict[str, Any]) -> int:
        """Call back; the status of the answer, 0 where there was none. Nothing is called twice."""
        if not self._dials.s2s_callbacks:
            return 0
        body = {
            "id": connection.id,
            "timestamp": self._now().isoformat(timespec="microseconds"),
            "userId": connection.user_id,
            name: said,
        }
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        status = 0
        with suppress(aiohttp.ClientError, OSError, Unreachable):
            await self._outage.passed("link")
            async with (
                asyncio.timeout(_CALL_SECONDS),
                # Whatever certificate a loopback address shows.
                self._session.post(f"{connection.callback_url}/{name}", json=body, ssl=False) as answer,
            ):
                status = answer.status
        self._record.callbacks.append(
            {"at": iso(self._now()), "connection": connection.id, "name": name, "status": status}
        )
        return status
