"""The lab's XMPP server over WebSocket, as strict as prosody is."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from random import Random

from aiohttp import web
from lxml import etree

from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.outage import RainbowOutage
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.presence import iso
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.stream import Stream
from rainbow_exchange.lab.rainbow.xmpp_words import iq, stanza_error

_GOODBYE_SECONDS = 2.0
_ANSWERED_KEPT = 1000


class NoLink(Exception):
    """Nobody is signed in at this JID."""


class Streams:
    """All XMPP streams of the lab's Rainbow, and the askers that the lab itself plays."""

    def __init__(
        self,
        *,
        domain: str,
        people: People,
        dials: Dials,
        outage: RainbowOutage,
        record: Record,
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self.domain = domain
        self.people = people
        self.dials = dials
        self.outage = outage
        self.record = record
        self.now = now
        self.random = random
        self._bound: dict[str, Stream] = {}
        self._open: set[Stream] = set()
        #: takes messages that are for nobody who is signed in
        self.on_message: Callable[[etree._Element], None] = lambda _: None
        self._expected: dict[tuple[str, str], asyncio.Future[etree._Element]] = {}
        self._asked = 0
        self._answered: deque[str] = deque(maxlen=_ANSWERED_KEPT)
        self._presences = 0
        self._farewells: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it ends. Without the subprotocol xmpp the handshake is refused."""
        offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if "xmpp" not in offered:
            return web.Response(status=400, text="the subprotocol xmpp is missing\n")
        socket = web.WebSocketResponse(protocols=("xmpp",), heartbeat=30, max_msg_size=4 * 2**20)
        await socket.prepare(request)
        stream = Stream(socket, request, self)
        self._open.add(stream)
        try:
            await stream.run()
        finally:
            self._open.discard(stream)
            await self.unbind(stream)
        return socket

    async def close(self) -> None:
        """Say goodbye to everybody, as a server that is shut down does."""
        async with asyncio.TaskGroup() as group:
            for stream in list(self._open):
                group.create_task(stream.fail("system-shutdown", limit=_GOODBYE_SECONDS), name="lab-goodbye")
        await asyncio.gather(*self._farewells)

    def of(self, bare: str | None = None) -> list[Stream]:
        """Streams of one account, or all."""
        return [stream for stream in self._open if bare in (None, stream.bare)]

    def cut(self, bare: str | None = None) -> int:
        """Break the connections of one account, or all, without a word; the number broken."""
        broken = self.of(bare)
        for stream in broken:
            stream.cut()
        return len(broken)

    def available(self, bare: str) -> str | None:
        """Full JID of the stream of this account that said last that it is there."""
        there = [stream for stream in self._bound.values() if stream.bare == bare and stream.presence is not None]
        return max(there, key=lambda stream: stream.presence_number).jid if there else None

    def bound(self, jid: str) -> Stream | None:
        """Give the stream that has this full JID."""
        return self._bound.get(jid)

    async def ask(
        self, kind: str, payload: etree._Element | None, *, sender: str, to: str, seconds: float
    ) -> etree._Element:
        """Send an IQ of type `kind` as `sender` and return the answer. Raise NoLink, TimeoutError."""
        stream = self._bound.get(to)
        if stream is None:
            raise NoLink
        self._asked += 1
        identifier = f"lab{self._asked}"
        answer: asyncio.Future[etree._Element] = asyncio.get_running_loop().create_future()
        self._expected[sender, identifier] = answer
        try:
            async with asyncio.timeout(seconds):
                if not await stream.send(iq(kind, identifier, sender=sender, to=to, payload=payload)):
                    raise NoLink
                if self.outage.breaks("xmpp:question"):
                    stream.cut()
                return await answer
        finally:
            self._expected.pop((sender, identifier), None)

    def answered(self, stanza: etree._Element, *, to: str) -> bool:
        """Take an IQ that answers a question asked as `to`, be that the server itself; False where it does not."""
        answer = self._expected.get((to, stanza.get("id", "")))
        if stanza.get("type") not in ("result", "error") or answer is None or answer.done():
            self.record.counts["answers_twice"] += stanza.get("id", "") in self._answered
            return False
        self._answered.append(stanza.get("id", ""))
        answer.set_result(stanza)
        return True

    async def deliver(self, to: str, frame: str) -> bool:
        """Send a stanza to a full JID; False where nobody is signed in there."""
        stream = self._bound.get(to)
        return stream is not None and await stream.send(frame)

    def bind(self, stream: Stream, jid: str) -> None:
        """Give `jid` to a stream; one that had it before is replaced."""
        older = self._bound.pop(jid, None)
        self._bound[jid] = stream
        self.record.xmpp_logins.append({"at": iso(self.now()), "jid": jid, "replaced": older is not None})
        if older is not None:
            farewell = asyncio.create_task(older.fail("conflict", "Replaced by new connection"), name="lab-conflict")
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def unbind(self, stream: Stream) -> None:
        """Take a stream's JID away and tell the account's other streams."""
        if self._bound.get(stream.jid) is stream:
            del self._bound[stream.jid]
            if stream.presence is not None:
                await self.announce(stream, f'<presence xmlns="jabber:client" type="unavailable" from="{stream.jid}"/>')

    async def announce(self, stream: Stream, presence: str) -> None:
        """Send a presence to the other streams of the same account that are there."""
        for other in list(self._bound.values()):
            if other is not stream and other.bare == stream.bare and other.presence is not None:
                await other.send(presence)

    def next_number(self) -> int:
        """Return a number greater than all before: presences are ordered by it."""
        self._presences += 1
        return self._presences

    async def show_others(self, stream: Stream) -> None:
        """Send a newcomer the presences of the same account's other streams."""
        for other in list(self._bound.values()):
            if other is not stream and other.bare == stream.bare and other.presence is not None:
                await stream.send(other.presence)

    async def route(self, stream: Stream, stanza: etree._Element) -> None:
        """Deliver a stanza that is for somebody else than the server. Its `from` is already stamped."""
        to = stanza.get("to", "")
        name = etree.QName(stanza).localname
        if name == "iq" and stanza.get("type") in ("result", "error") and to not in self._bound:
            self.record.counts["unexpected_answers"] += 1
            return
        other = self._bound.get(to)
        if other is not None:
            await other.send(etree.tostring(stanza, encoding="unicode"))
        elif name == "message":
            self.on_message(stanza)
        elif name == "iq":
            await stream.send(stanza_error(stanza, "service-unavailable", "cancel", sender=to, to=stream.jid))
