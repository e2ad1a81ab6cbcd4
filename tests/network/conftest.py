"""A small HTTP proxy of these tests' own: tunnels, plain requests passed on, sign-in by Basic, refusals."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest


@dataclass
class SmallProxy:
    """`account` (name, password) is asked for by the schemes in `offers`; `refusal` is what everybody gets instead.

    With `tls` it is itself reached by TLS. `names` are hosts that only the proxy can resolve.
    """

    account: tuple[str, str] | None = None
    offers: tuple[str, ...] = ('Basic realm="way out"',)
    refusal: bytes | None = None
    tls: ssl.SSLContext | None = None
    names: dict[str, str] = field(default_factory=dict)
    port: int = 0
    asked: list[str] = field(default_factory=list)
    given: list[str | None] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            method, target, _ = first.split(" ")
            self.asked.append(f"{method} {target}")
            self.given.append(headers.get("proxy-authorization"))
            if self.refusal is not None:
                writer.write(self.refusal)
            elif self._refused(headers):
                challenges = "".join(f"Proxy-Authenticate: {offer}\r\n" for offer in self.offers)
                head = "HTTP/1.1 407 Proxy Authentication Required"
                writer.write(f"{head}\r\n{challenges}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            elif method == "CONNECT":
                host, _, port = target.rpartition(":")
                await self._pass_on(host, int(port), b"", reader, writer)
            else:
                parts = urlsplit(target)
                kept = "".join(f"{line}\r\n" for line in lines if not line.lower().startswith("proxy-"))
                path = f"{parts.path}?{parts.query}" if parts.query else parts.path
                begun = f"{method} {path} HTTP/1.1\r\n{kept}\r\n".encode()
                await self._pass_on(parts.hostname or "", parts.port or 80, begun, reader, writer)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            await _closed(writer)

    def _refused(self, headers: dict[str, str]) -> bool:
        if self.account is None:
            return False
        right = "Basic " + base64.b64encode(":".join(self.account).encode()).decode()
        return headers.get("proxy-authorization") != right

    async def _pass_on(
        self, host: str, port: int, begun: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(self.names.get(host, host), port)
        except OSError as error:
            said = f"X-Squid-Error: ERR_CONNECT_FAIL {error.errno}"
            writer.write(f"HTTP/1.1 503 Service Unavailable\r\n{said}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        if begun:
            far_writer.write(begun)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            await _closed(far_writer)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            await writer.wait_closed()


@pytest.fixture
async def make_proxy() -> AsyncIterator[Callable[..., object]]:
    """Make running proxies; its keywords are SmallProxy's."""
    async with AsyncExitStack() as stack:

        async def make(**keywords: object) -> SmallProxy:
            proxy = SmallProxy(**keywords)  # type: ignore[arg-type]  # as the test gives them
            server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0, ssl=proxy.tls)
            proxy.port = server.sockets[0].getsockname()[1]
            stack.callback(server.close)
            stack.push_async_callback(proxy.stop)
            return proxy

        yield make
