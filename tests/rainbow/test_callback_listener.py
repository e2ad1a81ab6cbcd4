import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rainbow_exchange.rainbow.callback_listener import CallbackListener, Taker

GOOD = b"POST /secret/connection HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HEAD = b"POST /secret/connection HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Listening:
    """A listener, what it took, and a way to speak to it byte by byte."""

    def __init__(self) -> None:
        self.took: list[bytes] = []
        self.status = 200
        self.listener = CallbackListener(host="127.0.0.1", port=0, find=self.find, max_body=1000)

    def find(self, path: str) -> Taker | None:
        return self.take if path == "/secret/connection" else None

    def take(self, body: bytes) -> int:
        self.took.append(body)
        return self.status

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def say(self, sent: bytes) -> bytes:
        """Send and read until the connection is closed; after a whole answer that keeps it open, close it."""
        reader, writer = await self.open()
        writer.write(sent)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            return head if b"Connection: close" not in head else head + await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        finally:
            writer.close()


@pytest_asyncio.fixture
async def listening() -> AsyncIterator[Listening]:
    made = Listening()
    await made.listener.start()
    yield made
    await made.listener.stop()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_body_is_handed_on_and_answered_with_nothing_but_a_status(listening: Listening) -> None:
    answer = await listening.say(GOOD)
    assert status(answer) == 200
    assert b"Content-Length: 0" in answer
    assert b"Server: rainbow-exchange\r\n" in answer
    assert listening.took == [b"{}"]
    listening.status = 503
    assert b"Retry-After: 10" in await listening.say(GOOD)


async def test_whoever_waits_with_the_body_is_told_to_go_on(listening: Listening) -> None:
    reader, writer = await listening.open()
    writer.write(HEAD + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert status(await reader.readuntil(b"\r\n\r\n")) == 200
    assert listening.took == [b"{}"]
    writer.write(HEAD.replace(b"/secret/", b"/guessed/") + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert status(await reader.readuntil(b"\r\n\r\n")) == 404
    writer.close()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (GOOD.replace(b"/secret/", b"/guessed/"), 404),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (GOOD.replace(b"POST", b"GET"), 405),
        (GOOD.replace(b"POST", b"PUT"), 405),
        (GOOD.replace(b"application/json", b"text/html"), 415),
        (GOOD.replace(b"Content-Type: application/json\r\n", b""), 415),
        (GOOD.replace(b"Host", b"Content-Encoding: gzip\r\nHost"), 415),
        (HEAD + b"Content-Length: 1001\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"fa\r\n" + b"x" * 250 + b"\r\n") * 5, 413),
        (b"<script>alert(1)</script>\r\n\r\n", 400),
        (b"POST /secret/connection HTTP/1.1\r\n<evil>\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 400),
    ],
    ids=range(13),
)
async def test_anything_else_is_refused_and_nothing_of_it_repeated(
    listening: Listening, sent: bytes, code: int
) -> None:
    answer = await listening.say(sent)
    assert status(answer) == code
    assert listening.took == []
    _, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    for word in (b"evil", b"script", b"guessed", b"aaa", b"aiohttp", b"Python"):
        assert word not in answer


async def test_wrong_path_is_refused_before_its_body_has_come(listening: Listening) -> None:
    sent = HEAD.replace(b"secret", b"guessed") + b"Content-Length: 900\r\n\r\n"
    assert status(await listening.say(sent)) == 404
    assert listening.listener.refused == {404: 1}


async def test_chunked_body_is_taken(listening: Listening) -> None:
    assert status(await listening.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")) == 200
    assert listening.took == [b"{}"]


async def drip(writer: asyncio.StreamWriter, sent: bytes, every: float) -> None:
    for byte in sent:
        writer.write(bytes([byte]))
        await asyncio.sleep(every)


@pytest.mark.parametrize("sent", [b"", b"POST /secret/connection HTTP/1.1\r\nX-Slow: " + b"a" * 100])
async def test_head_that_does_not_come_is_waited_for_ten_seconds(listening: Listening, sent: bytes) -> None:
    reader, writer = await listening.open()
    dripping = asyncio.create_task(drip(writer, sent, 1))
    began = asyncio.get_running_loop().time()
    assert await reader.read() == b""
    assert 9.5 <= asyncio.get_running_loop().time() - began <= 10.5
    dripping.cancel()
    writer.close()


async def test_body_that_does_not_come_is_waited_for_ten_seconds(listening: Listening) -> None:
    reader, writer = await listening.open()
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n")
    dripping = asyncio.create_task(drip(writer, b"x" * 99, 1))
    began = asyncio.get_running_loop().time()
    answer = await reader.readuntil(b"\r\n\r\n")
    assert status(answer) == 408
    assert 9.5 <= asyncio.get_running_loop().time() - began <= 10.5
    dripping.cancel()
    writer.close()


async def test_connection_serves_many_callbacks_and_is_closed_when_idle(listening: Listening) -> None:
    reader, writer = await listening.open()
    for number in range(3):
        writer.write(GOOD)
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        assert len(listening.took) == number + 1
        await asyncio.sleep(60)
    began = asyncio.get_running_loop().time()
    assert await reader.read() == b""
    assert asyncio.get_running_loop().time() - began <= 16
    writer.close()


async def test_connections_are_bounded(listening: Listening) -> None:
    writers = []
    for _ in range(256):
        _, writer = await listening.open()
        writers.append(writer)
    await asyncio.sleep(0.1)
    assert await listening.say(GOOD) == b""
    for writer in writers:
        writer.close()
    await asyncio.sleep(0.1)
    assert status(await listening.say(GOOD)) == 200


async def test_port_is_taken_once_and_given_back(listening: Listening) -> None:
    port = listening.listener.port
    other = CallbackListener(host="127.0.0.1", port=port, find=listening.find, max_body=1000)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await listening.listener.start()  # nothing happens
    assert listening.listener.port == port
    await listening.listener.stop()
    await other.start()
    assert other.port == port
    await other.stop()


async def test_stop_does_not_wait_for_whoever_is_slow(listening: Listening) -> None:
    _, writer = await listening.open()
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n")
    await asyncio.sleep(0.1)
    began = asyncio.get_running_loop().time()
    await listening.listener.stop()
    assert asyncio.get_running_loop().time() - began < 3
    writer.close()


async def test_bug_is_logged_and_its_words_stay_here(
    listening: Listening, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_: bytes) -> int:
        raise KeyError("where it hurts")

    monkeypatch.setattr(listening, "take", bug)
    with caplog.at_level(logging.ERROR):
        answer = await listening.say(GOOD)
    assert status(answer) == 500
    assert b"hurts" not in answer
    assert "KeyError" in caplog.text


async def test_whoever_breaks_off_is_counted_and_no_error_of_ours(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        _, writer = await listening.open()
        writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        async with asyncio.timeout(60):
            while not listening.listener.refused:  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.01)
    assert listening.listener.refused == {400: 1}
    assert caplog.records == []


async def test_path_is_looked_for_as_it_stands() -> None:
    asked: list[str] = []
    listener = CallbackListener(host="127.0.0.1", port=0, find=asked.append, max_body=1)
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"POST /a%2Fb/../c?d=e HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await listener.stop()
    assert asked == ["/a%2Fb/../c"]


@pytest.mark.parametrize("turns", range(6))
async def test_one_that_is_cancelled_while_it_begins_to_listen_can_be_stopped(turns: int) -> None:
    made = Listening()
    starting = asyncio.create_task(made.listener.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await made.listener.stop()
    watched = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]  # of selector loops
    assert [key for key in watched.values() if "_accept_connection" in repr(key.data)] == []
