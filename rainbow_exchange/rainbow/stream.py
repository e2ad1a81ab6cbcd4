"""One XMPP stream over one WebSocket: frames out, frames in, pings, an orderly end. It lives once."""

import asyncio
import contextlib
import ssl as ssl_module
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from rainbow_exchange.network.failures import Way
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.errors import BadFrame, RainbowConnectionError, StreamEnded, UnexpectedAnswer
from rainbow_exchange.rainbow.negotiation import Bound, Negotiation
from rainbow_exchange.rainbow.outbox import Outbox
from rainbow_exchange.rainbow.stanzas import Close, Frame, StreamFault
from rainbow_exchange.rainbow.transport import USER_AGENT, connection_error
from rainbow_exchange.words import _

#: No frame may be bigger; Rainbow's own limit is 18,432 bytes, other servers allow some 256 KiB.
_MAX_FRAME = 1024 * 1024
_CONNECT_LIMIT = 30.0
_SEND_LIMIT = 10.0
#: Each of: the good-bye of XMPP, that of the WebSocket.
_CLOSE_LIMIT = 1.0
_LAST_WORDS_LIMIT = 0.5
#: A WebSocket ping goes out when so long nothing came; anything is awaited half as long. Before `PING_AFTER`, or the
#: answers to XMPP's pings would leave none to send.
_WEBSOCKET_PING = 12.0
#: As the SDK: an XMPP ping after so many seconds without a frame, answered within so many.
PING_AFTER = 15.0
_PING_LIMIT = 10.0


async def _no_redirect(_session: object, _context: object, params: aiohttp.TraceRequestRedirectParams) -> None:
    """Refuse: what follows the handshake is a password."""
    raise RainbowConnectionError(f"http-{params.response.status}", _("the WebSocket address redirects elsewhere"))


def websocket_session() -> aiohttp.ClientSession:
    """Make the HTTP session for `Stream.connect`: no cookies, no redirects."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_no_redirect)
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace])


class Stream:
    """A signed-in stream; as a context manager it says good-bye at the end, for at most 2 seconds.

    `jid` is the full JID; frames leave by `outbox`. Everything raises RainbowError when the stream is over; it never
    comes back.
    """

    def __init__(self, websocket: "aiohttp.ClientWebSocketResponse[bool]", way: Way) -> None:
        self._websocket = websocket
        self._way = way
        self._pings = 0
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._over = False
        self._kept: deque[Frame] = deque()
        self.outbox = Outbox(self._write)
        self.jid = ""
        self.last_received = asyncio.get_running_loop().time()

    @classmethod
    async def connect(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        negotiation: Negotiation,
        *,
        query: dict[str, str],
        ssl: ssl_module.SSLContext | None,
        proxy: Proxy,
    ) -> Self:
        """Connect, negotiate, bind: at most 30 seconds."""
        way = Way(url, proxy)
        # Proxies know no "ws" scheme; wss goes through a tunnel.
        plain = proxy.url is not None and URL(url).scheme == "ws"
        try:
            async with asyncio.timeout(_CONNECT_LIMIT):
                async with way.passage():
                    websocket = await session.ws_connect(
                        URL(url).with_scheme("http") if plain else url,
                        params=query,
                        protocols=("xmpp",),
                        headers={"User-Agent": USER_AGENT, **proxy.beside(url)},
                        heartbeat=_WEBSOCKET_PING,
                        max_msg_size=_MAX_FRAME,
                        timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_LIMIT),
                        ssl=ssl or True,
                        proxy=proxy.url,
                        proxy_headers=proxy.headers,
                    )
                stream = cls(websocket, way)
                try:
                    bound = await stream._negotiate(negotiation)
                    stream.jid = bound.jid
                    stream._kept.extend(bound.frames)
                except BaseException:
                    await websocket.close()
                    raise
                return stream
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise connection_error(await way.explained(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if not self._over and not self._websocket.closed:
                # It is over either way, whatever becomes of the good-bye.
                with contextlib.suppress(aiohttp.ClientError, OSError, RainbowConnectionError):
                    async with asyncio.timeout(_CLOSE_LIMIT):
                        await self.outbox.flush()  # whoever has asked is not left without a word
                        await self._websocket.send_str(stanzas.unavailable())
                        await self._websocket.send_str(stanzas.close())
                        await self._closed()
        finally:
            await self._websocket.close()

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._over or self._websocket.closed

    async def send(self, frame: str) -> None:
        """Send one frame; returns when it has left."""
        await self.outbox.send(frame)

    async def _write(self, frames: Iterable[str]) -> None:
        if self.over:
            raise RainbowConnectionError("closed", _("the stream is over"))
        try:
            async with asyncio.timeout(_SEND_LIMIT):
                for frame in frames:
                    await self._websocket.send_str(frame)
        except (aiohttp.ClientError, OSError) as error:
            self._over = True
            raise connection_error(self._way.failure(error)) from error

    async def receive(self) -> Frame:
        """Wait for the next frame. Raises StreamEnded with the server's reason when it closes.

        White space, which keeps some connections alive, is no frame.
        """
        if self._kept:
            return self._kept.popleft()
        while not (text := (await self._text()).strip()):
            pass
        try:
            frame = stanzas.read(text)
        except BadFrame as bad:
            self._over = True
            await self._goodbye(stanzas.stream_error(bad.condition))
            raise
        match frame:
            case StreamFault(condition=condition, text=text, see_other_host=host):
                self._over = True
                await self._goodbye()
                # once answers may have left, the server's words may repeat what stood in them
                raise StreamEnded(
                    condition, "" if self.jid else text, see_other_uri=f"wss://{host}/websocket" if host else ""
                )
            case Close(see_other_uri=uri):
                self._over = True
                await self._goodbye()
                raise StreamEnded("closed", _("the server closed the stream"), see_other_uri=uri)
            case stanzas.Iq(id=id_, type="result" | "error") if waiting := self._awaited.pop(id_, None):
                waiting.set_result(None)
        return frame

    async def _text(self) -> str:
        message = await self._websocket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            self._over = True
            if message.type is aiohttp.WSMsgType.BINARY:
                await self._websocket.close(code=aiohttp.WSCloseCode.UNSUPPORTED_DATA)
                raise UnexpectedAnswer(_("a binary frame"))
            raise self._lost()
        self.last_received = asyncio.get_running_loop().time()
        return str(message.data)

    async def last_words(self) -> StreamEnded | None:
        """Read what had come before sending failed: perhaps the server said why. At most half a second."""
        with contextlib.suppress(TimeoutError, RainbowConnectionError, UnexpectedAnswer):
            async with asyncio.timeout(_LAST_WORDS_LIMIT):
                while True:
                    try:
                        await self.receive()
                    except StreamEnded as ended:
                        return ended
        return None

    async def ping(self, domain: str) -> None:
        """Ask the server whether it is there; an error is as good an answer. Needs `receive` to be running."""
        self._pings += 1
        id_ = f"ping-{self._pings}"
        answered = self._awaited[id_] = asyncio.get_running_loop().create_future()
        try:
            await self.send(stanzas.ping(id_, domain))
            async with asyncio.timeout(_PING_LIMIT):
                await answered
        except TimeoutError:
            self._over = True
            raise RainbowConnectionError("timeout", _("a ping was not answered")) from None
        finally:
            self._awaited.pop(id_, None)

    async def _negotiate(self, negotiation: Negotiation) -> Bound:
        if self._websocket.protocol != "xmpp":
            raise UnexpectedAnswer(_("the server does not speak XMPP over WebSocket"))
        frame_out = next(negotiation)
        while True:
            if frame_out is not None:
                await self.send(frame_out)
            try:
                frame_out = negotiation.send(await self.receive())
            except StopIteration as end:
                bound: Bound = end.value
                return bound

    async def _goodbye(self, *before: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with asyncio.timeout(_CLOSE_LIMIT):
                for frame in (*before, stanzas.close()):
                    await self._websocket.send_str(frame)

    async def _closed(self) -> None:
        """Read until the server has closed the stream too; what still comes is not ours any more."""
        while (message := await self._websocket.receive()).type is aiohttp.WSMsgType.TEXT:
            if "<close" in str(message.data):
                return

    def _lost(self) -> RainbowConnectionError:
        error = self._websocket.exception()
        if isinstance(error, Exception):
            return connection_error(self._way.failure(error))
        return RainbowConnectionError(
            "closed", _("the WebSocket closed ({close_code})", close_code=self._websocket.close_code)
        )
