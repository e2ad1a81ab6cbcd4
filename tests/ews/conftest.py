"""A server of these tests' own: HTTP and EWS by literal bytes, on the tests' virtual time."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from ssl import SSLContext
from typing import Any, Self

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.model import ChangeSignal, Gap, Mailbox
from tests.virtual_time import VirtualLoop

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SOAP = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
MESSAGES = 'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
TYPES = 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:  # noqa: ARG001 - its form
    return {"virtual": VirtualLoop}


def wall_clock() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


async def until(condition: Callable[[], Any], limit: float = 3600.0) -> None:
    """Let time pass until something holds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - time is virtual, and what is waited for sets no event
            await asyncio.sleep(0.01)


def http(status: str, body: bytes, *headers: str) -> bytes:
    """Write one whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def envelope(body: str) -> bytes:
    return f"<s:Envelope {SOAP}><s:Body>{body}</s:Body></s:Envelope>".encode()


def xml(body: str, *headers: str, status: str = "200 OK") -> bytes:
    return http(status, envelope(body), "Content-Type: text/xml; charset=utf-8", *headers)


def answer(operation: str, code: str = "NoError", inside: str = "", *headers: str) -> bytes:
    """Write the answer of an operation that has response messages."""
    kind = "Success" if code == "NoError" else "Error"
    name = f"{operation}Response"
    message = (
        f'<m:{name}Message ResponseClass="{kind}"><m:ResponseCode>{code}</m:ResponseCode>{inside}</m:{name}Message>'
    )
    whole = f"<m:{name} {MESSAGES} {TYPES}><m:ResponseMessages>{message}</m:ResponseMessages></m:{name}>"
    return xml(whole, *headers)


def fault(code: str, inside: str = "", status: str = "500 Internal Server Error") -> bytes:
    """Write a SOAP fault as Exchange does."""
    detail = f"<e:ResponseCode xmlns:e='urn:e'>{code}</e:ResponseCode>{inside}"
    text = f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>no</faultstring><detail>{detail}</detail></s:Fault>"
    return xml(text, status=status)


def stream_envelope(code: str, inside: str) -> bytes:
    """Write one envelope of a stream, as Exchange 2016 does."""
    kind = "Success" if code == "NoError" else "Error"
    return (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'
        '<soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"/>'
        '<soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<m:GetStreamingEventsResponse {MESSAGES} {TYPES}><m:ResponseMessages>"
        f'<m:GetStreamingEventsResponseMessage ResponseClass="{kind}"><m:ResponseCode>{code}</m:ResponseCode>{inside}'
        "</m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse>"
        "</soap11:Body></Envelope>"
    ).encode()


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@dataclass
class Request:
    """One request as it came, and the way back."""

    headers: dict[str, str]
    body: str
    connection: int
    at: float
    writer: asyncio.StreamWriter

    @property
    def operation(self) -> str:
        found = re.search(r"<[a-z0-9]*:?Body>\s*<[a-z]+:(\w+)", self.body)
        return found[1] if found else ""

    def all(self, element: str) -> list[str]:
        return re.findall(rf"<\w+:{element}(?:\s[^>]*)?>([^<]*)<", self.body)


Script = Callable[[Request], Awaitable[bytes | None]]


@dataclass
class Wire:
    """An HTTP server whose answers a test writes: `script` returns them, or None once it has written by itself."""

    script: Script | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self, ssl: SSLContext | None = None, port: int = 0) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, ssl=ssl)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if ssl else 'http'}://127.0.0.1:{port}/EWS/Exchange.asmx"
        return self

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    until = staticmethod(until)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.open += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = (await reader.readexactly(int(headers["Content-Length"]))).decode()
                request = Request(headers, body, number, asyncio.get_running_loop().time(), writer)
                self.requests.append(request)
                assert self.script is not None
                said = await self._answered(request, reader)
                if said is None:
                    return
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answered(self, request: Request, reader: asyncio.StreamReader) -> bytes | None:
        """Run the script, but no longer than the client stays."""
        assert self.script is not None
        script = asyncio.ensure_future(self.script(request))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({script, gone}, return_when=asyncio.FIRST_COMPLETED)
            return script.result() if script.done() else None
        finally:
            script.cancel()
            gone.cancel()
            await asyncio.gather(script, gone, return_exceptions=True)


@dataclass(eq=False)
class Stream:
    """An open GetStreamingEvents, from the server's side."""

    ids: list[str]
    impersonated: str
    minutes: int
    headers: dict[str, str]
    writer: asyncio.StreamWriter
    at: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False  # from either side

    def send(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))

    def heartbeat(self) -> None:
        self.send(stream_envelope("NoError", "<m:ConnectionStatus>OK</m:ConnectionStatus>"))

    def notify(self, *ids: str) -> None:
        event = "<t:ModifiedEvent><t:TimeStamp>2026-03-02T08:00:00Z</t:TimeStamp></t:ModifiedEvent>"
        found = "".join(
            f"<m:Notification><t:SubscriptionId>{name}</t:SubscriptionId>{event}</m:Notification>" for name in ids
        )
        self.send(stream_envelope("NoError", f"<m:Notifications>{found}</m:Notifications>"))

    def refuse(self, code: str, *named: str, status: str = "Closed", inside: str = "") -> None:
        ids = "".join(f"<m:SubscriptionId>{name}</m:SubscriptionId>" for name in named)
        listed = f"<m:ErrorSubscriptionIds>{ids}</m:ErrorSubscriptionIds>" if named else ""
        self.send(stream_envelope(code, f"{inside}{listed}<m:ConnectionStatus>{status}</m:ConnectionStatus>"))

    def close_in_order(self) -> None:
        self.send(stream_envelope("NoError", "<m:ConnectionStatus>Closed</m:ConnectionStatus>"))
        self.writer.write(b"0\r\n\r\n")
        self.ended.set()

    def end_without_closed(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        self.ended.set()

    def cut(self) -> None:
        self.ended.set()


class Exchange(Wire):
    """Just enough of an Exchange to be watched. `opened` may be replaced: what it does with a new stream."""

    def __init__(self) -> None:
        super().__init__()
        self.script = self.serve
        self.known: dict[str, str] = {}  # subscription id → mailbox
        self.streams: list[Stream] = []
        self.subscribes: list[str] = []
        self.unsubscribed: list[str] = []
        self.refusals: dict[str, bytes] = {}  # mailbox → what its Subscribe gets
        self.beat: float | None = 45.0
        self.opened: Callable[[Stream], Any] = self.accept
        self.hold: asyncio.Event | None = None  # what each Unsubscribe waits for

    @property
    def live(self) -> list[Stream]:
        return [stream for stream in self.streams if not stream.closed]

    def ids_of(self, *mailboxes: str) -> list[str]:
        return [name for name, mailbox in self.known.items() if mailbox in mailboxes]

    def accept(self, stream: Stream) -> None:
        """Open it, or name the ids that nobody knows."""
        unknown = [name for name in stream.ids if name not in self.known]
        if unknown:
            stream.refuse("ErrorSubscriptionNotFound", *unknown)
        else:
            stream.heartbeat()

    async def serve(self, request: Request) -> bytes | None:
        operation = request.operation
        if operation == "Subscribe":
            mailbox = (
                request.all("EmailAddress") or request.all("PrimarySmtpAddress") or request.all("PrincipalName")
            )[0]
            self.subscribes.append(mailbox)
            if mailbox in self.refusals:
                return self.refusals[mailbox]
            name = f"sub-{len(self.subscribes)}"
            self.known[name] = mailbox
            cookie = f"Set-Cookie: X-BackEndOverrideCookie=mail{len(self.subscribes)}~1; path=/; HttpOnly"
            first = () if "Cookie" in request.headers else (cookie,)
            return answer(operation, "NoError", f"<m:SubscriptionId>{name}</m:SubscriptionId>", *first)
        if operation == "Unsubscribe":
            if self.hold is not None:
                await self.hold.wait()
            self.unsubscribed.extend(request.all("SubscriptionId"))
            return answer(operation)
        impersonated = (request.all("PrimarySmtpAddress") or request.all("PrincipalName") or [""])[0]
        minutes = int(request.all("ConnectionTimeout")[0])
        ids = request.all("SubscriptionId")
        stream = Stream(ids, impersonated, minutes, request.headers, request.writer, request.at)
        self.streams.append(stream)
        try:
            request.writer.write(STREAM_HEAD)
            self.opened(stream)
            while not stream.ended.is_set():
                try:
                    async with asyncio.timeout(self.beat):
                        await stream.ended.wait()
                except TimeoutError:
                    stream.heartbeat()
        finally:
            stream.closed = True
        return None


class Watched:
    """A client and a watcher on a small Exchange, and what they tell."""

    def __init__(self, exchange: Any, *, client: EwsClient | None = None, **keywords: Any) -> None:
        self.exchange = exchange
        self.signals: list[tuple[float, ChangeSignal]] = []
        self.client = client or EwsClient(url=exchange.url, auth=BasicAuth("svc", "pw"), ssl=None, now=wall_clock)
        random = Random(7).random
        keywords = {"impersonation": True} | keywords
        self.watcher = Watcher(self.client, emit=self.emit, now=wall_clock, random=random, **keywords)
        self.running: asyncio.Task[None] | None = None

    def emit(self, signal: ChangeSignal) -> None:
        self.signals.append((asyncio.get_running_loop().time(), signal))

    def start(self) -> None:
        self.running = asyncio.create_task(self.watcher.run())

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])
        await self.client.__aexit__()

    async def subscribe(self, *names: str) -> None:
        for name in names:
            await self.watcher.subscribe(Mailbox(address=f"{name}@acme.test"))

    async def streamed(self, *names: str, limit: float = 600) -> None:
        await self.until(lambda: all(self.coverage(name) == "streamed" for name in names), limit)

    def coverage(self, name: str) -> str | None:
        return self.watcher.coverage(f"{name}@acme.test")

    until = staticmethod(until)

    def gaps(self) -> list[tuple[set[str], str]]:
        found = [signal for _, signal in self.signals if isinstance(signal, Gap)]
        return [({name.partition("@")[0] for name in gap.mailboxes}, gap.reason) for gap in found]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Give an HTTP server that plays the test's script."""
    server = await Wire().start()
    yield server
    await server.stop()


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    """Give a small Exchange that can be watched."""
    server = Exchange()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def watching(exchange: Exchange) -> AsyncIterator[Callable[..., Watched]]:
    """Give what makes running watchers, on that Exchange or another."""
    made: list[Watched] = []

    def make(on: Any = None, **keywords: Any) -> Watched:
        made.append(Watched(on or exchange, **keywords))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        await each.stop()
