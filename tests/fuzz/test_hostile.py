"""What somebody hostile sends, each kind by its name: refused or read, in time and in memory; nothing is fetched."""

import asyncio
import json
import logging
import re
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from rainbow_exchange.ews.errors import EwsError, MalformedResponse
from rainbow_exchange.ews.event_stream import EventStream
from rainbow_exchange.ews.plain_text import plain
from rainbow_exchange.ews.soap import open_envelope, read_document
from rainbow_exchange.rainbow import callbacks, stanzas
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.callback_listener import CallbackListener
from rainbow_exchange.rainbow.errors import BadFrame, UnexpectedAnswer
from rainbow_exchange.web.app import make_app, serve
from rainbow_exchange.web.calls import by_addresses
from tests.fuzz import json_mutations, xml_mutations
from tests.fuzz.bytes_mutations import spoil
from tests.fuzz.engine import Engine
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

XML = [target for target in TARGETS if target.mutate is xml_mutations.mutate]
JSON = [target for target in TARGETS if target.mutate is json_mutations.mutate]
SOAP = b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>'
SOAP_END = b"</Body></Envelope>"
BOMB = (
    b'<!DOCTYPE Envelope [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9))
    + b"]>"
)
DEPTH = 100_000
MIB = 1 << 20


def xml(kind: str, data: bytes) -> bytes:  # noqa: PLR0911  (one for each kind)
    """Make a document hostile."""
    begin, end = data.find(b">", data.find(b"<Envelope") if b"<Envelope" in data else 0), data.rfind(b"</")
    match kind:
        case "entity bomb":
            return BOMB + data[:end] + b"&j;" + data[end:]
        case "deep":
            return data[:end] + b"<x>" * DEPTH + b"</x>" * DEPTH + data[end:]
        case "deep without end":
            return data[:end] + b"<x>" * DEPTH
        case "attribute of 10 MB":
            return data[:begin] + b' x="' + b"y" * 10 * MIB + b'"' + data[begin:]
        case "name of 1 MB":
            return data[:end] + b"<" + b"n" * MIB + b"/>" + data[end:]
        case "100,000 attributes":
            return data[:begin] + b"".join(b' x%d=""' % number for number in range(DEPTH)) + data[begin:]
        case "truncated UTF-8":
            return data[:end] + b"\xf0\x9f\x98"
        case "NUL":
            return data[:end] + b"\0" + data[end:]
        case _:
            raise AssertionError(kind)


def json_text(kind: str, data: bytes) -> bytes:  # noqa: PLR0911  (one for each kind)
    """Make an answer hostile."""
    match kind:
        case "deep":
            return b'{"data":' * DEPTH + data + b"}" * DEPTH
        case "deep without end":
            return b"[" * DEPTH
        case "deep beside it":
            return data[:1] + b'"x":' + b"[" * 900 + b"]" * 900 + b"," + data[1:]
        case "text of 10 MB":
            return data[:1] + b'"x":"' + b"y" * 10 * MIB + b'",' + data[1:]
        case "truncated UTF-8":
            return data[:-1] + b"\xc3"
        case "NUL":
            return data[:-1] + b"\0" + data[-1:]
        case "half a pair":
            return data.replace(b': "', b': "\\ud800')
        case "number of 5,000 digits":
            return data[:1] + b'"total":' + b"9" * 5_000 + b"," + data[1:]
        case _:
            raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "entity bomb",
        "deep",
        "deep without end",
        "attribute of 10 MB",
        "name of 1 MB",
        "100,000 attributes",
        "truncated UTF-8",
        "NUL",
    ],
)
@pytest.mark.parametrize("target", XML, ids=lambda target: target.name)
def test_hostile_xml(target: Target, kind: str) -> None:
    assert Engine(0, [target]).give(target, xml(kind, target.corpus[0]), Random(1)) is None


@pytest.mark.parametrize(
    "kind",
    [
        "deep",
        "deep without end",
        "deep beside it",
        "text of 10 MB",
        "truncated UTF-8",
        "NUL",
        "half a pair",
        "number of 5,000 digits",
    ],
)
@pytest.mark.parametrize("target", JSON, ids=lambda target: target.name)
def test_hostile_json(target: Target, kind: str) -> None:
    assert Engine(0, [target]).give(target, json_text(kind, target.corpus[0]), Random(1)) is None


@pytest.mark.parametrize("kind", ["entity bomb", "deep", "deep without end", "attribute of 10 MB", "name of 1 MB"])
def test_hostile_envelopes_are_malformed(kind: str) -> None:
    with pytest.raises(MalformedResponse):
        open_envelope(xml(kind, SOAP + SOAP_END))


def test_hostile_frames_end_the_stream_or_are_read() -> None:
    frame = b'<iq xmlns="jabber:client" type="get" id="1"><x xmlns="urn:x"></x></iq>'
    for kind, condition in (
        ("entity bomb", "restricted-xml"),
        ("deep without end", "not-well-formed"),
        ("NUL", "not-well-formed"),
        ("truncated UTF-8", "not-well-formed"),
    ):
        with pytest.raises(BadFrame) as caught:
            stanzas.read(xml(kind, frame).decode("utf-8", "replace"))
        assert caught.value.condition == condition
    assert isinstance(stanzas.read(xml("deep", frame).decode()), stanzas.Iq)


def test_hostile_json_is_no_answer() -> None:
    for kind in ("deep", "deep without end", "truncated UTF-8", "NUL", "number of 5,000 digits"):
        with pytest.raises(UnexpectedAnswer):
            Reply(200, {}, json_text(kind, b'{"data": []}')).json()
        with pytest.raises(callbacks.MalformedCallback):
            callbacks.read("connection", json_text(kind, b'{"id": "x"}'))


async def test_nothing_outside_of_a_document_is_fetched_or_read(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    secret = tmp_path / "secret"
    secret.write_text("the-secret", encoding="ascii")
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        entities = f'<!ENTITY i SYSTEM "{secret.as_uri()}"><!ENTITY u SYSTEM "{url}">'
        dtd = f'<!DOCTYPE Envelope SYSTEM "{url}.dtd" [{entities}]>'
        asides = f'<?xml-stylesheet href="{url}"?>'
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}"/>'
        text = SOAP.decode() + include + "&i;&u;" + SOAP_END.decode()
        said = []
        for document in (dtd + text, "<!-- x -->" + dtd + text, asides + text, "\ufeff" + dtd + text, include):
            for encoding in ("utf-8", "utf-16"):
                said += await asyncio.to_thread(_read_everywhere, document.encode(encoding))
        html = f'<html><head><link rel=stylesheet href="{url}"></head><body><img src="{url}">x</body></html>'
        said.append(await asyncio.to_thread(plain, dtd + html))
        await asyncio.sleep(0.05)
    assert asked == []
    assert len(said) > 10
    assert [each for each in said if "the-secret" in each] == []


def _read_everywhere(document: bytes) -> list[str]:
    """Read it by whatever reads XML; give what came of it."""
    said = []
    try:
        said.append("".join(read_document(document, MIB).itertext()))
    except EwsError as error:
        said.append(str(error))
    try:
        stream = EventStream()
        said.append(str(stream.feed(document)))
        stream.close()
    except EwsError as error:
        said.append(str(error))
    try:
        said.append(str(stanzas.read(document.decode("utf-8", "replace"))))
    except BadFrame as error:
        said.append(str(error))
    return said


_HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
GOOD_CALLBACK = b"POST /x HTTP/1.1\r\n" + _HEAD + b'Content-Length: 10\r\n\r\n{"id":"a"}'
GOOD_RETRY = (
    b"POST /api/retry HTTP/1.1\r\nAuthorization: Bearer t\r\n" + _HEAD + b'Content-Length: 13\r\n\r\n{"all": true}'
)
#: whose Origin is another site's
GOOD_FORM = (
    b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.test\r\nAccept: text/html\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nCookie: a=b; rainbow-exchange-1=c\r\nConnection: close\r\n"
    b"Content-Length: 21\r\n\r\ncode=abc&to=%2Fpeople"
)


async def test_whatever_is_sent_to_a_listener_the_next_request_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    took: list[bytes] = []

    def take(body: bytes) -> int:
        took.append(body)
        return 200

    listener = CallbackListener(host="127.0.0.1", port=0, find=lambda _: take, max_body=1000)
    app = make_app(
        status=dict,
        ready=bool,
        metrics=bytes,
        calls={"retry": by_addresses(lambda addresses: {"retried": addresses})},
        token="t",
        nonce="n",
    )
    random = Random(1)
    async with AsyncExitStack() as stack:
        await listener.start()
        stack.push_async_callback(listener.stop)
        page = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
        with caplog.at_level(logging.ERROR):
            for port, good in ((listener.port, GOOD_CALLBACK), (page, GOOD_RETRY), (page, GOOD_FORM)):
                for _ in range(150):
                    await _say(port, spoil(good, random, (GOOD_CALLBACK, GOOD_RETRY, GOOD_FORM)))
                await _say(port, good.replace(b'{"id":"a"}', b"[" * 10).replace(b'{"all": true}', b"[" * 13))
                assert (b" 403 " if good is GOOD_FORM else b"200 OK") in await _say(port, good, 10)
    assert took[-1] == b'{"id":"a"}'
    # aiohttp says of what is no HTTP that it is none; of ours nothing may go wrong
    assert "callback_listener.py" not in caplog.text
    assert not re.search(r"rainbow_exchange.web.\w+\.py", caplog.text)


async def _say(port: int, request: bytes, seconds: float = 0.02) -> bytes:
    """Send it, and break off where there is no answer in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(seconds):
            return await reader.read()
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()


def test_what_is_hostile_is_what_it_says() -> None:
    """A bomb that does not go off proves nothing."""
    assert BOMB.count(b"<!ENTITY") == 10
    assert len(xml("attribute of 10 MB", SOAP + SOAP_END)) > 10 * MIB
    with pytest.raises(RecursionError):
        json.loads(json_text("deep", b"1"))
