"""The lab's Rainbow on a real socket, a clock in the test's hand, and a small XMPP client of our own."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.rainbow import LabRainbow

PASSWORD = "Secret#1"
NS = {"c": "jabber:client", "cal": "urn:xmpp:calendar:0", "s": "urn:ietf:params:xml:ns:xmpp-stanzas"}


class Clock:
    """Wall time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def go_on(self, **by: float) -> None:
        self.at += timedelta(**by)


class Rest:
    """Calls as a client makes them, with a token once signed in."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.token = ""
        self.me: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    async def call(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        sent = headers if headers is not None else {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(method, self.url + path, json=json, headers=sent) as answer:
            self.headers = dict(answer.headers)
            return answer.status, await answer.json()

    async def login(
        self,
        login: str,
        password: str = PASSWORD,
        *,
        app_id: str = "app1",
        app_secret: str = "appsecret1",  # noqa: S107  (the lab's)
    ) -> tuple[int, Any]:
        digest = hashlib.sha256((app_secret + password).encode()).hexdigest()
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode(),
            "x-rainbow-app-auth": "Basic " + base64.b64encode(f"{app_id}:{digest}".encode()).decode(),
        }
        status, body = await self.call("GET", "/api/rainbow/authentication/v1.0/login", headers=headers)
        if status == 200:
            self.token, self.me = body["token"], body["loggedInUser"]
        return status, body

    async def notify(
        self, *ids: str, force: bool = False, company: str = "5f00000000000000000000c1"
    ) -> tuple[int, Any]:
        query = f"companyId={company}" + ("&force=true" if force else "")
        return await self.call(
            "POST",
            f"/api/rainbow/calendarprovider/v1.0/notify?{query}",
            json={"value": list(ids)},
            headers={"X-Rainbow-EWS-connector": "dummy"},
        )

    async def state(self, key: str) -> dict[str, Any]:
        status, body = await self.call("POST", "/api/rainbow/calendar/v1.0/states", json={"users": [key]})
        assert status == 200
        found: dict[str, Any] = body[key]
        return found


class Xmpp:
    """A tiny XMPP client: says what it is told, frame by frame."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, domain: str) -> None:
        self.ws = ws
        self.domain = domain
        self.jid = ""

    async def say(self, frame: str) -> None:
        await self.ws.send_str(frame)

    async def hear(self) -> ET.Element:
        message = await self.ws.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return ET.fromstring(message.data)  # noqa: S314  (a server of our own)

    async def ended(self) -> int | None:
        """Wait for the end; the close code."""
        while True:
            message = await self.ws.receive(timeout=60)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return self.ws.close_code

    async def open(self) -> ET.Element:
        await self.say(f'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="{self.domain}" version="1.0"/>')
        assert (await self.hear()).tag == "{urn:ietf:params:xml:ns:xmpp-framing}open"
        return await self.hear()

    async def authenticate(self, local: str, password: str) -> ET.Element:
        proof = base64.b64encode(f"\0{local}\0{password}".encode()).decode()
        await self.say(f'<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{proof}</auth>')
        return await self.hear()

    async def sign_in(self, user: dict[str, Any], resource: str) -> None:
        await self.open()
        success = await self.authenticate(user["jid_im"].partition("@")[0], user["jid_password"])
        assert success.tag.endswith("}success")
        await self.open()
        await self.say(
            '<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
            f"<resource>{resource}</resource></bind></iq>"
        )
        bound = await self.hear()
        self.jid = bound.findtext(".//{urn:ietf:params:xml:ns:xmpp-bind}jid", "")

    async def be_there(self) -> None:
        await self.say('<presence xmlns="jabber:client"><priority>5</priority></presence>')
        assert (await self.hear()).get("from") == self.jid

    async def answer(self, question: ET.Element, payload: str, kind: str = "result") -> None:
        sender, identifier = question.get("from"), question.get("id")
        await self.say(f'<iq xmlns="jabber:client" type="{kind}" id="{identifier}" to="{sender}">{payload}</iq>')

    async def answer_all(self, count: int, events: str = "", auto_reply: str = '<autoreply state="disabled"/>') -> None:
        """Answer the next `count` questions: with these `event` elements, and this automatic reply."""
        for _ in range(count):
            question = await self.hear()
            asked = question[0]
            email = asked.get("email")
            if asked.tag.endswith("}events"):
                payload = f'<events xmlns="urn:xmpp:calendar:0" email="{email}">{events}</events>'
            else:
                payload = auto_reply.replace("<autoreply", f'<autoreply xmlns="urn:xmpp:calendar:0" email="{email}"')
                if payload.endswith("/>"):
                    payload = payload.replace("/>", "><internalReplyMessage/></autoreply>")
            await self.answer(question, payload)


def event(subject: str, start: str, end: str, show_as: str = "busy", identifier: str = "e1") -> str:
    """One event of an answer on 2026-01-05, times as HH:MM in UTC."""
    return (
        f'<event id="{identifier}"><subject>{subject}</subject><type>singleInstance</type><showAs>{show_as}</showAs>'
        f"<startDate>2026-01-05T{start}:00Z</startDate><endDate>2026-01-05T{end}:00Z</endDate></event>"
    )


@pytest.fixture
def make_event() -> Callable[..., str]:
    return event


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users() -> list[LabUser]:
    return make_company(12)


@pytest.fixture
async def lab(users: list[LabUser], clock: Clock) -> AsyncIterator[LabRainbow]:
    rainbow = LabRainbow(users=users, now=clock, random=Random(1))
    await rainbow.start()
    yield rainbow
    await rainbow.stop()


@pytest.fixture
async def rest(lab: LabRainbow) -> AsyncIterator[Rest]:
    """Give a client that has not signed in."""
    async with aiohttp.ClientSession() as session:
        yield Rest(session, lab.url)


@pytest.fixture
async def admin(rest: Rest, lab: LabRainbow) -> Rest:
    """Sign in as the connector's account."""
    assert (await rest.login(lab.login))[0] == 200
    return rest


@pytest.fixture
async def colleague(lab: LabRainbow, users: list[LabUser]) -> AsyncIterator[Rest]:
    """Sign in as an ordinary user."""
    async with aiohttp.ClientSession() as session:
        client = Rest(session, lab.url)
        assert (await client.login(users[0].login_email))[0] == 200
        yield client


@pytest.fixture
async def connect(lab: LabRainbow) -> AsyncIterator[Callable[[], Awaitable[Xmpp]]]:
    """Open a WebSocket, as often as wanted."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def opened() -> Xmpp:
            ws = await session.ws_connect(lab.url + "/websocket", protocols=("xmpp",), autoclose=True)
            stack.push_async_callback(ws.close)
            return Xmpp(ws, "rainbow.test")

        yield opened


@pytest.fixture
async def link(connect: Callable[[], Awaitable[Xmpp]], admin: Rest) -> Xmpp:
    """Open the connector's stream: signed in, bound and there."""
    xmpp = await connect()
    await xmpp.sign_in(admin.me, "node_x")
    await xmpp.be_there()
    return xmpp
