"""The link that Rainbow really speaks: XMPP over WebSocket (RFC 7395), outbound only, kept up for ever.

What is sent and what of it is documented: `docs/reference/rainbow-wire.md`, section "XMPP link".
"""

import asyncio
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import aiohttp
import structlog

from rainbow_exchange import __version__
from rainbow_exchange.network.proxy import Proxy, proxy
from rainbow_exchange.network.shown import shown
from rainbow_exchange.pause import Pause
from rainbow_exchange.rainbow import assumed, stanzas
from rainbow_exchange.rainbow.askers import Jid
from rainbow_exchange.rainbow.courtesy import courtesy
from rainbow_exchange.rainbow.endpoints import carries_secrets, checked, may_follow
from rainbow_exchange.rainbow.errors import (
    RainbowConnectionError,
    RainbowError,
    SaslRefused,
    StreamEnded,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.iq_questions import IqQuestions
from rainbow_exchange.rainbow.link import Answer, Answerer, AtOnce, LinkCounters, QuestionRefused, nothing_at_once
from rainbow_exchange.rainbow.management import command_ended
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.orders import Orders, TakeOrder, ignore_order
from rainbow_exchange.rainbow.pace import Pace
from rainbow_exchange.rainbow.questions import is_question
from rainbow_exchange.rainbow.stanzas import Frame, Iq, Other, Presence
from rainbow_exchange.rainbow.stream import PING_AFTER, Stream, websocket_session
from rainbow_exchange.rainbow.types import Account, Question
from rainbow_exchange.rainbow.waits import Waits
from rainbow_exchange.words import _

_log = structlog.get_logger()

_MAX_REDIRECTS = 3
#: Resources of our own account that are remembered: a bound, so that nobody fills the memory.
_MAX_OTHERS = 100


def _nothing() -> None:
    pass


class XmppLink:
    """Answers Rainbow's questions over XMPP; a `RainbowLink`.

    `url` is wss, or ws on loopback (UserError otherwise). `account` gives the credentials before each connection;
    `on_refused` is called when the server would not have them, so that the next `account` may sign in anew. `resource`
    is one per installation. `trusted_askers`: see `askers.may_ask`. `on_connected` and `on_lost` frame each time in
    which questions can arrive. Each question gets one answer within `deadline` seconds: that of `at_once` where it has
    one, else that of `answer`, of which `max_waiting` may be under way, more are refused. `on_order` is given what
    Rainbow's administration orders (`management.py`).
    """

    kind = "xmpp"

    def __init__(
        self,
        *,
        url: str,
        account: Callable[[], Awaitable[Account]],
        resource: str,
        answer: Answerer,
        trusted_askers: Sequence[str] | None = None,
        app_id: str,
        ssl: ssl_module.SSLContext | None = None,
        proxy_url: str | Proxy | None = None,
        proxy_username: str | None = None,
        proxy_password: str | None = None,
        now: Callable[[], datetime],
        random: Callable[[], float],
        on_connected: Callable[[], None] = _nothing,
        on_lost: Callable[[], None] = _nothing,
        on_refused: Callable[[], None] = _nothing,
        on_order: TakeOrder = ignore_order,
        deadline: float = 10.0,
        max_waiting: int = 20_000,
        at_once: AtOnce = nothing_at_once,
        escape_twice: bool = assumed.ESCAPE_TWICE,
    ) -> None:
        self._url = checked(url, schemes=("wss", "ws"), name="the WebSocket address of Rainbow")
        self._account = account
        self._resource = resource
        self._app_id = app_id
        self._ssl = ssl
        self._proxy = proxy(proxy_url, proxy_username, proxy_password)
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_refused = on_refused
        self._waits = Waits(random)
        self._pause = Pause()
        self._redirected_to = ""
        self._redirects = 0
        self._connected = False
        self._began = 0.0
        self._now = now
        self._reason: str = _("not connected yet")
        self.error: RainbowError | None = None
        self.counters = LinkCounters()
        self._questions = IqQuestions(
            answer,
            at_once=at_once,
            counters=self.counters,
            deadline=deadline,
            max_waiting=max_waiting,
            trusted_askers=trusted_askers,
            escape_twice=escape_twice,
        )
        self._orders = Orders(
            take=on_order,
            counters=self.counters,
            trusted_askers=trusted_askers,
            stranger=self._questions.note_stranger,
            reply=self._questions.reply,
        )
        self._stream: Stream | None = None
        self._messages = 0
        #: resources of our own account that are online besides ours: another connector
        self.other_resources: set[str] = set()
        #: since when `connected` holds; None while it does not
        self.connected_since: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether questions can arrive and answers leave now."""
        return self._connected

    @property
    def reason(self) -> str:
        """Why it is not connected; "" while it is."""
        return self._reason

    @property
    def stranger(self) -> str | None:
        """Domain of the last stranger whose question was refused with `forbidden`."""
        return self._questions.stranger

    async def tell_ended(self, to: str, command_id: str) -> None:
        """Tell whoever sent a command ("": our server) that it has ended. Raises RainbowError without a link."""
        if self._stream is None:
            raise RainbowConnectionError("closed", _("the link is down"))
        self._messages += 1
        to = to or Jid.read(self._stream.jid).domain
        await self._stream.send(command_ended(f"ended-{self._messages}", to, command_id))

    @property
    def others(self) -> int:
        """How many more connectors are online on our account."""
        return len(self.other_resources)

    def wire(self, question: Question, answer: Answer | QuestionRefused) -> str:
        """Return what would leave for an answer, byte for byte but for the id, and the address of whoever asks."""
        return self._questions.wire(question, answer, self._stream.jid if self._stream else "")

    def try_again(self) -> None:
        """Connect at once where the next try would come later."""
        self._pause.cut()

    async def run(self) -> None:
        """Stay connected until cancelled, then say good-bye (at most 2 s); expected errors are met with back-off."""
        async with websocket_session() as session:
            while True:
                await self._pause.sleep(await self._once(session))

    async def _once(self, session: aiohttp.ClientSession) -> float:
        """Be connected once; how long to wait before the next time."""
        loop = asyncio.get_running_loop()
        before, self._began = self.counters.connects, loop.time()
        try:
            await self._live(session)
        except RainbowError as error:
            lived = loop.time() - self._began if self.counters.connects > before else 0.0
            return self._lost(error, lived)
        finally:
            self._questions.stream_ended()
        raise RuntimeError("the link ended without a reason")

    async def _live(self, session: aiohttp.ClientSession) -> None:
        account = await self._account()
        me = Jid.read(account.jid)
        if not me.local or not me.domain or not account.jid_password:
            raise UnexpectedAnswer(_("Rainbow's login gave no XMPP account"))
        url, self._redirected_to = self._redirected_to or self._url, ""
        stream = await Stream.connect(
            session,
            url,
            negotiate(
                domain=me.domain,
                username=account.jid.partition("@")[0],
                password=account.jid_password,
                resource=self._resource,
                plain_allowed=carries_secrets(url),
            ),
            query={
                "x-rainbow-xmpp-dom": me.domain,
                "x-rainbow-client": assumed.CLIENT_KIND,
                "x-rainbow-client-version": __version__,
                "x-rainbow-client-id": self._app_id,
            },
            ssl=self._ssl,
            proxy=self._proxy,
        )
        async with stream:
            await stream.send(stanzas.disco_info("disco-1", me.domain))
            await stream.send(
                stanzas.initial_presence(
                    app_id=self._app_id,
                    user_id=account.user_id,
                    company_id=account.company_id,
                    client=assumed.CLIENT_KIND,
                    version=__version__,
                )
            )
            self._up()
            self._stream = stream
            try:
                await self._serve(stream, me)
            finally:
                self._stream = None
                self._connected, self.connected_since, self._reason = False, None, _("the connection was lost")
                self.other_resources.clear()
                self._on_lost()

    async def _serve(self, stream: Stream, me: Jid) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_alive(stream, me), name="xmpp:pings")
                tasks.create_task(stream.outbox.run(), name="xmpp:replies")
                await self._read(stream, me, tasks)
        except* RainbowError as group:
            first: BaseException = group
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            ended = first
            if not isinstance(first, StreamEnded):
                ended = await stream.last_words() or first
        else:
            raise RuntimeError("the stream ended without a reason")
        raise ended

    async def _read(self, stream: Stream, me: Jid, tasks: asyncio.TaskGroup) -> None:
        pace = Pace()
        while True:
            await self._take(await stream.receive(), stream, me, tasks)
            await pace.kept()

    async def _take(self, frame: Frame, stream: Stream, me: Jid, tasks: asyncio.TaskGroup) -> None:
        match frame:
            case Iq(type="result" | "error"):
                pass  # nobody's: an answer is never answered
            case Iq(wrong="") as iq if is_question(iq):
                await self._questions.take(iq, stream, me, tasks)
            case Iq() as iq:
                await self._questions.reply(courtesy(iq, stream.jid), stream)
            case Presence(type=type_, from_=from_):
                self._see(Jid.read(from_), me, stream, online=not type_)
            case Other(element=element):
                await self._orders.receive(element, stream, me)
            case _:
                pass  # nothing that we asked for

    def _see(self, who: Jid, me: Jid, stream: Stream, *, online: bool) -> None:
        """Notice another connector on our own account."""
        if who.bare != me.bare or not who.resource or who.resource == Jid.read(stream.jid).resource:
            return
        if online and len(self.other_resources) < _MAX_OTHERS:
            self.other_resources.add(who.resource)
        elif not online:
            self.other_resources.discard(who.resource)

    async def _keep_alive(self, stream: Stream, me: Jid) -> None:
        loop = asyncio.get_running_loop()
        while True:
            quiet_until = stream.last_received + PING_AFTER
            if loop.time() < quiet_until:
                # Differences of times lose their last digits: never sleep for less than a clock can tell.
                await asyncio.sleep(max(quiet_until - loop.time(), 0.01))
            else:
                await stream.ping(me.domain)

    def _up(self) -> None:
        self._connected, self.connected_since = True, self._now()
        self._reason, self.error = "", None
        self._redirects = 0
        self._began = asyncio.get_running_loop().time()
        self.counters.connects += 1
        log = _log.info if self.counters.connects == 1 else _log.debug
        log("xmpp_connected")
        self._on_connected()

    def _lost(self, error: RainbowError, lived: float) -> float:
        """Settle what follows from the loss; how long to wait."""
        self._reason, self.error = _explain(error), error
        if _login_is_void(error):
            self._on_refused()
        wait = self._waits.after(error, lived)
        if isinstance(error, StreamEnded) and error.see_other_uri:
            wait = self._redirect(error.see_other_uri, wait)
        _log.debug("xmpp_lost", reason=self._reason, retry_in=round(wait, 1))
        return wait

    def _redirect(self, uri: str, wait: float) -> float:
        if not may_follow(self._url, uri):
            self._reason = _(
                "Rainbow sends us to an address that is not its own, {target}; not followed",
                target=shown(uri.partition("?")[0]),
            )
            return wait
        self._redirects += 1
        if self._redirects > _MAX_REDIRECTS:
            self._redirects = 0
            return wait
        self._redirected_to = uri
        return min(wait, 1.0)


def _login_is_void(error: RainbowError) -> bool:
    """Whether what the last login gave does not do any more, so that the next try needs a new one."""
    match error:
        case SaslRefused(condition=condition):
            return condition != "temporary-auth-failure"
        case StreamEnded(condition="not-authorized"):
            return True
        case _:
            return False


def _explain(error: RainbowError) -> str:
    match error:
        case StreamEnded(condition="conflict"):
            return _("conflict: another connector signed in under our name and took our place")
        case SaslRefused(condition="no-mechanism", detail=detail):
            return _("Rainbow's XMPP server offers no way to sign in that we know: {detail}", detail=detail)
        case SaslRefused(condition="server-not-proved"):
            return _("what answers as Rainbow's XMPP server has not proved that it knows the password")
        case SaslRefused(condition=condition):
            return _("Rainbow's XMPP server refused the login ({condition})", condition=condition)
        case _:
            return str(error)
