"""One XMPP stream over one WebSocket: framing, SASL, bind, presence, and what the server answers itself."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web
from lxml import etree

from rainbow_exchange.lab.outage import Unreachable
from rainbow_exchange.lab.rainbow import xmpp_words as words
from rainbow_exchange.lab.rainbow.presence import iso
from rainbow_exchange.lab.rainbow.sasl import Authentication, SaslFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from rainbow_exchange.lab.rainbow.streams import Streams

_SEND_SECONDS = 10.0
_RESOURCE_LENGTH = 8


class _End(Exception):
    """The stream is over."""


class Stream:
    """A client's stream. `jid` and `bare` are "" until it is bound; `presence` is None until it says it is there."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, streams: "Streams") -> None:
        self._socket = socket
        self._request = request
        self._streams = streams
        self._opened = False
        self._login = ""
        self._signing_in: Authentication | None = None
        self.jid = ""
        self.bare = ""
        self.presence: str | None = None
        self.presence_number = 0
        #: are shown each frame first; one that takes it keeps it from the stream
        self.taps: list[Callable[[str], bool]] = []

    async def run(self) -> None:
        """Read frames until the stream ends."""
        try:
            async for message in self._socket:
                await self._streams.outage.passed("link")
                if (late := self._streams.dials.read_frame_seconds) > 0:
                    await asyncio.sleep(late)
                if message.type is not WSMsgType.TEXT:
                    await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text frames only")
                    return
                if not any(tap(message.data) for tap in self.taps):
                    await self._frame(message.data)
        except (_End, Unreachable):
            return

    async def send(self, frame: str) -> bool:
        """Send one frame; False when the stream cannot take it any more."""
        if self._socket.closed:
            return False
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._streams.outage.passed("link")
                await self._socket.send_str(frame)
        except (OSError, TimeoutError, Unreachable):
            return False
        return True

    async def fail(
        self, condition: str, explanation: str = "", *, content: str | None = None, limit: float = _SEND_SECONDS
    ) -> None:
        """End the stream with a stream error."""
        await self.send(words.stream_error(condition, explanation, content))
        await self._finish(limit)

    async def close(self, see_other_uri: str = "") -> None:
        """End the stream without an error."""
        await self._finish(see_other_uri=see_other_uri)

    def cut(self) -> None:
        """Break the connection without a word."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def break_off(self) -> None:
        """Begin a frame of 200 bytes, send 11 of them, and close the connection."""
        transport = self._request.transport
        if transport is not None:
            transport.write(bytes([0x81, 126, 0, 200]) + b"<iq xmlns='")
            transport.close()

    async def _finish(self, limit: float = _SEND_SECONDS, *, see_other_uri: str = "") -> None:
        await self._streams.unbind(self)
        await self.send(words.closing(see_other_uri))
        try:
            async with asyncio.timeout(limit):
                await self._socket.close(code=WSCloseCode.OK, message=b"Stream closed")
        except TimeoutError:
            self.cut()

    async def _refuse(self, condition: str, explanation: str = "") -> None:
        await self.fail(condition, explanation)
        raise _End

    async def _frame(self, frame: str) -> None:
        if len(frame.encode()) > self._streams.dials.max_stanza_bytes:
            await self._refuse("policy-violation", "stanza too large")
        if not frame.startswith("<"):
            await self._socket.close(
                code=WSCloseCode.INVALID_TEXT, message=b"Invalid payload start character, RFC 7395 3.3.3"
            )
            raise _End
        try:
            element = words.parse(frame)
        except words.NotXml:
            await self._refuse("not-well-formed")
            return
        if element.tag == f"{{{words.FRAMING}}}open":
            await self._open(element)
        elif element.tag == f"{{{words.FRAMING}}}close":
            await self._finish()
            raise _End
        elif element.tag == f"{{{words.SASL}}}auth" and self._opened and not self._login:
            await self._authenticate(element)
        elif element.tag == f"{{{words.SASL}}}response" and self._opened and not self._login:
            await self._sign_in_step(element.text or "")
        elif element.tag in words.STANZAS and self._opened:
            await self._stanza(element)
        else:
            await self._refuse("unsupported-stanza-type")

    async def _open(self, element: etree._Element) -> None:
        domain = self._streams.domain
        await self.send(words.opening(domain, f"{self._streams.random.getrandbits(64):016x}"))
        if element.get("to") != domain:
            await self._refuse("host-unknown", "This server does not serve that domain")
        if element.get("version") != "1.0":
            await self._refuse("unsupported-version")
        self._opened = True
        await self.send(words.features(self._streams.dials.sasl_mechanisms, signed_in=bool(self._login)))

    async def _authenticate(self, element: etree._Element) -> None:
        mechanism = element.get("mechanism", "")
        if mechanism not in self._streams.dials.sasl_mechanisms:
            await self.send(words.sasl_failure("invalid-mechanism"))
            return
        self._signing_in = Authentication(mechanism, self._password)
        await self._sign_in_step(element.text or "")

    async def _sign_in_step(self, content: str) -> None:
        signing_in = self._signing_in
        if signing_in is None:
            await self.send(words.sasl_failure("malformed-request"))
            return
        try:
            said = signing_in.step(content)
        except SaslFailure as failure:
            self._signing_in = None
            if failure.condition == "not-authorized":
                self._streams.record.xmpp_logins.append({"at": iso(self._streams.now()), "refused": failure.user})
            await self.send(words.sasl_failure(failure.condition))
            return
        if not signing_in.user:
            await self.send(words.text(words.element(words.SASL, "challenge", content=said)))
            return
        self._login, self._opened, self._signing_in = self._jid(signing_in.user), False, None
        await self.send(words.text(words.element(words.SASL, "success", content=said)))

    def _jid(self, local: str) -> str:
        return f"{local}@{self._streams.domain}"

    def _password(self, local: str) -> str | None:
        user = self._streams.people.by_jid(self._jid(local))
        return None if user is None or self._streams.dials.refuse_xmpp_logins else user.jid_password

    async def _stanza(self, stanza: etree._Element) -> None:
        if not self._login:
            await self._refuse("not-authorized")
        name = etree.QName(stanza).localname
        if not self.jid:
            await self._bind(stanza)
            return
        stanza.set("from", self.jid)
        if name == "iq" and stanza.get("type") == "result" and self._streams.outage.breaks("xmpp:answer"):
            self.cut()
            raise _End
        if name == "iq" and self._streams.answered(stanza, to=stanza.get("to") or self.bare):
            if self._streams.dials.echo_answers:
                await self.send(words.echo(stanza, to=self.jid))
            return
        if stanza.get("to") not in (None, "", self._streams.domain, self.bare):
            await self._streams.route(self, stanza)
        elif name == "presence":
            await self._be_there(stanza)
        elif name == "iq":
            await self._own_iq(stanza)
        else:
            self._streams.on_message(stanza)

    async def _bind(self, stanza: etree._Element) -> None:
        request = stanza.find(f"{{{words.BIND}}}bind")
        if request is None or stanza.get("type") != "set" or not stanza.get("id"):
            await self._refuse("not-authorized", "bind first")
            return
        wished = request.findtext(f"{{{words.BIND}}}resource")
        if self._streams.outage.breaks("xmpp:bind"):
            self.cut()
            raise _End
        self.bare = self._login
        jid = f"{self.bare}/{wished or f'{self._streams.random.getrandbits(4 * _RESOURCE_LENGTH):08x}'}"
        self._streams.bind(self, jid)
        self.jid = jid
        bound = words.element(words.BIND, "bind")
        etree.SubElement(bound, f"{{{words.BIND}}}jid").text = jid
        await self.send(words.iq("result", stanza.get("id", ""), sender=None, to=None, payload=bound))

    async def _be_there(self, presence: etree._Element) -> None:
        kind = presence.get("type")
        if kind not in (None, "unavailable"):
            return
        seen = {etree.QName(each).localname: each.text for each in presence.iter(tag=etree.Element)}
        kept = ("show", "status", "priority", "appid", "userid", "companyid", "xrbclient", "xrbversion")
        self._streams.record.presences.append(
            {"at": iso(self._streams.now()), "jid": self.jid, "type": kind} | {key: seen.get(key) for key in kept}
        )
        frame = etree.tostring(presence, encoding="unicode")
        newcomer = self.presence is None
        self.presence = None if kind == "unavailable" else frame
        self.presence_number = self._streams.next_number()
        await self.send(frame)
        await self._streams.announce(self, frame)
        if newcomer and self.presence is not None:
            await self._streams.show_others(self)

    async def _own_iq(self, stanza: etree._Element) -> None:
        kind, identifier = stanza.get("type"), stanza.get("id", "")
        sender = stanza.get("to") or self.bare
        if kind not in ("get", "set"):
            self._streams.record.counts["unexpected_answers"] += 1
            return
        children = [child for child in stanza if isinstance(child.tag, str)]
        if len(children) != 1 or not identifier:
            await self.send(words.stanza_error(stanza, "bad-request", "modify", sender=sender, to=self.jid))
            return
        payload: etree._Element | None = None
        if kind == "get" and children[0].tag == f"{{{words.DISCO_INFO}}}query":
            payload = words.disco_info()
        elif kind != "get" or children[0].tag != f"{{{words.PING}}}ping":
            await self.send(words.stanza_error(stanza, "service-unavailable", "cancel", sender=sender, to=self.jid))
            return
        await self.send(words.iq("result", identifier, sender=sender, to=self.jid, payload=payload))
