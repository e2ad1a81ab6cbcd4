"""A Rainbow of the tests' own, two small servers that speak literal JSON and XML, on a loop with virtual time."""

import asyncio
import base64
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
import pytest_asyncio
from aiohttp import WSMsgType, web

from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.types import Account, AutoReply, Question
from rainbow_exchange.rainbow.xmpp import XmppLink
from tests import link_rig
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def pytest_asyncio_loop_factories() -> Mapping[str, Any]:
    """Run every asynchronous test of this folder on virtual time."""
    return {"virtual": VirtualLoop}


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def jwt(**claims: Any) -> str:
    """Make a token with this payload, signed by nobody."""
    parts = [json.dumps({"alg": "RS256"}), json.dumps(claims), "signature"]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def token(number: int, *, life: int = 3600, **claims: Any) -> str:
    return jwt(iat=1_767_600_000 + number, exp=1_767_600_000 + number + life, **claims)


LOGGED_IN = {
    "id": "5f0000000000000000000001",
    "loginEmail": "connector@acme.test",
    "companyId": "5f00000000000000000000c1",
    "jid_im": "0a1b@rainbow.test",
    "jid_password": "deadbeef",
    "roles": ["user", "admin"],
}


@dataclass
class Seen:
    """One request as it arrived; `at` is the loop's time."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    raw_path: str = ""


Responder = Callable[[Seen], web.StreamResponse | Awaitable[web.StreamResponse]]


def reply(body: Any, status: int = 200, **headers: str) -> web.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=named)


def fault(status: int, code: int, message: str, details: Any = "") -> web.Response:
    return reply({"errorCode": status, "errorMsg": message, "errorDetails": details, "errorDetailsCode": code}, status)


@dataclass
class Cloud:
    """Answers each path by its responder, 404 without one; `requests` is all that came."""

    url: str = ""
    requests: list[Seen] = field(default_factory=list)
    routes: dict[str, Responder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.logins = 0
        self.on("authentication/v1.0/login", self._login)

    def on(self, path: str, responder: Responder) -> None:
        self.routes["/api/rainbow/" + path] = responder

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.requests if seen.path == "/api/rainbow/" + path]

    def _login(self, _: Seen) -> web.Response:
        self.logins += 1
        return reply({"token": token(self.logins), "loggedInUser": LOGGED_IN})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        at = asyncio.get_running_loop().time()
        headers, body = request.headers.copy(), await request.read()
        seen = Seen(request.method, request.path, dict(request.query), headers, body, at, request.rel_url.raw_path)
        self.requests.append(seen)
        responder = self.routes.get(request.path)
        if responder is None:
            return fault(404, 404000, "Not found")
        answer = responder(seen)
        return answer if isinstance(answer, web.StreamResponse) else await answer


async def listen(
    serve: Callable[[web.Request], Awaitable[web.StreamResponse]], port: int = 0, tls: ssl.SSLContext | None = None
) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    return runner


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[Cloud]:
    made = Cloud()
    runner = await listen(made.serve)
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def make_client(cloud: Cloud) -> AsyncIterator[Callable[..., Awaitable[RainbowClient]]]:
    """Make clients of the cloud that are closed at the end."""
    clients: list[RainbowClient] = []

    async def make(**changes: Any) -> RainbowClient:
        settings: dict[str, Any] = {
            "url": cloud.url,
            "login": "connector@acme.test",
            "password": "Secret#1",
            "app_id": "app1",
            "app_secret": "appsecret1",
            "company_id": None,
            "now": now,
            "random": lambda: 0.0,
        }
        client = RainbowClient(**(settings | changes))
        clients.append(client)
        return await client.__aenter__()

    yield make
    for client in clients:
        await client.__aexit__(None, None, None)


OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="rainbow.test" id="s1" version="1.0"/>'
FEATURES = '<stream:features xmlns:stream="http://etherx.jabber.org/streams">{}</stream:features>'
MECHANISMS = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
BIND = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
SUCCESS = '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'
BOUND = (
    '<iq xmlns="jabber:client" type="result" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
    "<jid>0a1b@rainbow.test/node_x</jid></bind></iq>"
)


class Visit:
    """One WebSocket that was opened to the server. `frames` is all it has sent, in order."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.query = dict(request.query)
        self.path = request.path
        self.headers = request.headers.copy()
        self.at = asyncio.get_running_loop().time()
        self.frames: list[str] = []
        self.code: int | None = None
        self.pings = 0
        self.ended = asyncio.Event()
        self._came = asyncio.Condition()

    async def came(self, frame: str) -> None:
        async with self._came:
            self.frames.append(frame)
            self._came.notify_all()

    async def say(self, frame: str) -> None:
        await self.socket.send_str(frame)

    async def hear(self, pattern: str, *, count: int = 1) -> str:
        """Wait until `count` frames have come that hold `pattern` (a regular expression); the last of them."""

        def found() -> list[str]:
            return [frame for frame in self.frames if re.search(pattern, frame)]

        async with self._came, asyncio.timeout(90_000):
            await self._came.wait_for(lambda: len(found()) >= count)
            return found()[count - 1]

    async def ask(self, frame: str) -> str:
        """Send an IQ and wait for its answer."""
        id_ = re.search(r'\bid="([^"]*)"', frame)
        assert id_ is not None
        await self.say(frame)
        return await self.hear(rf'<iq [^>]*id="{re.escape(id_[1])}"')


class XmppServer:
    """A WebSocket server for XMPP; `says` is what it answers to a frame that holds a word, in this order."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.url = ""
        self.protocols: tuple[str, ...] = ("xmpp",)
        self.opened = 0
        self.refuse: Callable[[web.Request], web.StreamResponse | None] = lambda _: None
        self.says: dict[str, list[str]] = {
            "<auth ": [SUCCESS],
            'id="bind-1"': [BOUND],
        }
        self.first_features = FEATURES.format(MECHANISMS)
        self.second_features = FEATURES.format(BIND)
        self.answers_pings = True
        self.deaf = False
        self.frame_seconds = 0.0
        self._runner: web.AppRunner | None = None
        self._arrived = asyncio.Condition()
        self.port = 0
        self.tls: ssl.SSLContext | None = None

    async def start(self) -> Self:
        self._runner = await listen(self.serve, self.port, self.tls)
        self.port = self._runner.addresses[0][1]
        self.url = f"ws{'s' if self.tls else ''}://127.0.0.1:{self.port}/websocket"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            for visit in self.visits:
                if not visit.socket.closed:
                    await visit.socket.close()
            await self._runner.cleanup()
            self._runner = None

    async def visit(self, number: int = 1) -> Visit:
        """Wait for the n-th connection to be signed in and present."""
        async with self._arrived, asyncio.timeout(90_000):
            await self._arrived.wait_for(lambda: len(self.visits) >= number)
        visit = self.visits[number - 1]
        await visit.hear("<presence")
        return visit

    async def serve(self, request: web.Request) -> web.StreamResponse:
        refused = self.refuse(request)
        if refused is not None:
            return refused
        socket = web.WebSocketResponse(protocols=self.protocols, autoping=self.answers_pings, max_msg_size=0)
        await socket.prepare(request)
        visit = Visit(socket, request)
        async with self._arrived:
            self.visits.append(visit)
            self._arrived.notify_all()
        opens = 0
        async for message in socket:
            if self.frame_seconds:
                await asyncio.sleep(self.frame_seconds)
            if message.type is not WSMsgType.TEXT:
                visit.pings += message.type is WSMsgType.PING
                continue
            frame = message.data
            if frame.startswith("<open"):
                opens += 1
                await visit.say(OPEN)
                await visit.say(self.first_features if opens == 1 else self.second_features)
            elif frame.startswith("<close"):
                await visit.came(frame)
                if self.deaf:
                    await asyncio.sleep(60)
                await visit.say('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
                await socket.close()
                break
            else:
                await self._reply(visit, frame)
            await visit.came(frame)
        visit.code = socket.close_code
        visit.ended.set()
        return socket

    async def _reply(self, visit: Visit, frame: str) -> None:
        for word, answers in self.says.items():
            if word in frame:
                for answer in answers:
                    await visit.say(answer)
                return
        ping = re.search(r'id="(ping-\d+)"', frame)
        if ping and self.answers_pings:
            await visit.say(f'<iq xmlns="jabber:client" type="result" id="{ping[1]}"/>')


@pytest_asyncio.fixture
async def server() -> AsyncIterator[XmppServer]:
    made = await XmppServer().start()
    yield made
    await made.stop()


@dataclass
class Life:
    """A running link and what it told."""

    link: XmppLink
    task: asyncio.Task[None]
    told: list[str]
    questions: list[Question]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()


async def free(question: Question) -> Answer:
    """Answer that nothing is on."""
    return Answer(auto_reply=AutoReply(state="disabled")) if question.kind == "autoreply" else Answer()


@pytest_asyncio.fixture
async def run_link(server: XmppServer) -> AsyncIterator[Callable[..., Life]]:
    """Run links to the server until the end of the test."""
    lives: list[Life] = []

    def run(answer: Callable[[Question], Awaitable[Answer]] = free, **changes: Any) -> Life:
        told: list[str] = []
        questions: list[Question] = []

        async def account() -> Account:
            told.append("account")
            return Account(user_id="5f01", company_id="5fc1", jid="0a1b@rainbow.test", jid_password="deadbeef")

        async def answered(question: Question) -> Answer:
            questions.append(question)
            return await answer(question)

        settings: dict[str, Any] = {
            "url": server.url,
            "account": account,
            "resource": "node_x",
            "answer": answered,
            "app_id": "app1",
            "now": now,
            "random": lambda: 1.0,
            "on_connected": lambda: told.append("connected"),
            "on_lost": lambda: told.append("lost"),
            "on_refused": lambda: told.append("refused"),
        }
        link = XmppLink(**(settings | changes))
        life = Life(link, asyncio.get_running_loop().create_task(link.run()), told, questions)
        lives.append(life)
        return life

    yield run
    for life in lives:
        if not life.task.done():
            await life.stop()


@pytest_asyncio.fixture(params=["xmpp", "s2s"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[link_rig.Rig]:
    """Give the lab and a client that signs in, for each kind of link."""
    async with link_rig.made(request.param) as rig:
        yield rig
