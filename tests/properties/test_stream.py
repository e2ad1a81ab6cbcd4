"""Whatever a server sends, and whenever: the link is there again afterwards, and answers each question once."""

import asyncio
import re
from collections import Counter
from typing import Any

from aiohttp import WSMsgType, web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.types import Account, Question
from rainbow_exchange.rainbow.xmpp import XmppLink
from tests.house import now
from tests.virtual_time import VirtualLoop

OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="rainbow.test" id="s1" version="1.0"/>'
FEATURES = '<stream:features xmlns:stream="http://etherx.jabber.org/streams">{}</stream:features>'
PLAIN = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
BIND = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
SUCCESS = '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'
BOUND = (
    '<iq xmlns="jabber:client" type="result" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
    "<jid>0a1b@rainbow.test/node_x</jid></bind></iq>"
)
ERROR = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<{} xmlns="urn:ietf:params:xml:ns:xmpp-streams">x.test</{}></stream:error>'
)
STEPS = (OPEN, FEATURES.format(PLAIN), SUCCESS, OPEN, FEATURES.format(BIND), BOUND)
QUESTION = (
    '<iq xmlns="jabber:client" type="{}" id="{}" from="pcloud_enduser_1@rainbow.test/1">'
    '<events xmlns="urn:xmpp:calendar:0" email="{}@acme.test"/></iq>'
)
ODD = st.sampled_from(
    [
        *STEPS,
        '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>',
        '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing" see-other-uri="wss://evil.test/"/>',
        '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing" see-other-uri="::"/>',
        *(ERROR.format(name, name) for name in ("system-shutdown", "see-other-host", "reset", "not-authorized", "odd")),
        '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl">rubbish</challenge>',
        '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><temporary-auth-failure/></failure>',
        '<iq xmlns="jabber:client" type="result" id="disco-1"/>',
        '<iq xmlns="jabber:client" type="error" id="ping-1"/>',
        '<iq xmlns="jabber:client" type="get"/>',
        '<iq type="odd" id="x"/>',
        '<presence xmlns="jabber:client" from="0a1b@rainbow.test/else"/>',
        '<presence xmlns="jabber:client" from="@@//" type="error"/>',
        '<message xmlns="jabber:client" type="management"><x xmlns="jabber:iq:configuration"/></message>',
        "<a>" * 300 + "</a>" * 300,
        "<!DOCTYPE a><a/>",
        "<a/><a/>",
        " ",
        "",
        "rubbish",
        b"binary",
        1000,
        None,
    ]
) | st.text(max_size=20)
SCRIPT = st.lists(st.tuples(st.integers(0, 8), ODD), max_size=6)


class Server:
    """Says each of its steps in turn, and before the n-th whatever the script has for it; then three questions."""

    def __init__(self, script: list[tuple[int, Any]]) -> None:
        self.script = script
        self.visits = 0
        self.answers: Counter[str] = Counter()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("xmpp",))
        await socket.prepare(request)
        self.visits += 1
        odd = self.script if self.visits == 1 else []
        saying = asyncio.create_task(self._say(socket, odd, request))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._note(message.data)
                ping = re.search(r'id="(ping-\d+)"', message.data)
                if ping:
                    await socket.send_str(f'<iq xmlns="jabber:client" type="result" id="{ping[1]}"/>')
        saying.cancel()
        return socket

    def _note(self, frame: str) -> None:
        found = re.search(r'id="(q[\w-]+)"', frame)
        if found:
            self.answers[found[1]] += 1

    async def _say(self, socket: web.WebSocketResponse, odd: list[tuple[int, Any]], request: web.Request) -> None:
        questions = [QUESTION.format(kind, f"q{self.visits}-{kind}", kind) for kind in ("get", "set")]
        for number, step in enumerate((*STEPS, *questions, None)):
            for place, what in odd:
                if place == number:
                    await self._do(socket, what, request)
            await asyncio.sleep(0.1)
            if step is not None:
                await self._do(socket, step, request)

    @staticmethod
    async def _do(socket: web.WebSocketResponse, what: Any, request: web.Request) -> None:
        if socket.closed:
            return
        if what is None and request.transport is not None:
            request.transport.abort()
        elif isinstance(what, int):
            await socket.close(code=what)
        elif isinstance(what, bytes):
            await socket.send_bytes(what)
        elif isinstance(what, str):
            await socket.send_str(what)


async def live(script: list[tuple[int, Any]]) -> None:
    server = Server(script)
    app = web.Application()
    app.router.add_get("/websocket", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def account() -> Account:
        return Account(user_id="5f01", company_id="5fc1", jid="0a1b@rainbow.test", jid_password="p")

    async def answer(_: Question) -> Answer:
        return Answer()

    link = XmppLink(
        url=f"ws://127.0.0.1:{runner.addresses[0][1]}/websocket",
        account=account,
        resource="node_x",
        answer=answer,
        app_id="app1",
        now=now,
        random=lambda: 1.0,
    )
    running = asyncio.create_task(link.run())
    try:
        await asyncio.sleep(400)
        assert not running.done(), running
        assert link.connected
        last = f"q{server.visits}"
        assert server.answers[f"{last}-get"] == server.answers[f"{last}-set"] == 1
        assert max(server.answers.values()) == 1
    finally:
        running.cancel()
        await asyncio.wait([running])
        await runner.cleanup()


@given(SCRIPT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_link_outlives_whatever_a_server_says(script: list[tuple[int, Any]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(live(script))
