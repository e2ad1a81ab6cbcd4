import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowConnectionError, StreamEnded
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.stream import Stream, websocket_session

RunLink = Callable[..., Any]
CONFLICT = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'
)
PRESENCE = '<presence xmlns="jabber:client"/>'
QUESTION = '<events xmlns="urn:xmpp:calendar:0" email="a@b"/>'
STREAM_ERROR = r'<stream:error [^>]*><{} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'


@asynccontextmanager
async def connected(server: Any) -> AsyncIterator[Stream]:
    async with websocket_session() as session:
        stream = await Stream.connect(
            session,
            server.url,
            negotiate(domain="rainbow.test", username="a", password="b", resource="r", plain_allowed=True),
            query={},
            ssl=None,
            proxy=Proxy(),
        )
        async with stream:
            await stream.send(PRESENCE)
            yield stream


async def test_jid_is_the_one_that_was_bound(server: Any) -> None:
    async with connected(server) as stream:
        assert stream.jid == "0a1b@rainbow.test/node_x"


async def test_the_servers_words_at_the_end_are_not_kept(server: Any) -> None:
    """They may repeat an answer that has left."""
    said = (
        '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
        '<policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>'
        '<text xmlns="urn:ietf:params:xml:ns:xmpp-streams">not allowed: Planning</text></stream:error>'
    )
    async with connected(server) as stream:
        await (await server.visit()).say(said)
        with pytest.raises(StreamEnded) as ended:
            await stream.receive()
        assert str(ended.value) == "policy-violation"


async def test_nothing_is_sent_on_a_stream_that_is_over(server: Any) -> None:
    async with connected(server) as stream:
        await (await server.visit()).say(CONFLICT)
        with pytest.raises(StreamEnded, match="conflict"):
            await stream.receive()
        with pytest.raises(RainbowConnectionError, match="the stream is over"):
            await stream.send(PRESENCE)


async def test_sending_to_a_server_that_is_gone_is_a_lost_connection(server: Any) -> None:
    async with connected(server) as stream:
        (await server.visit()).socket._req.transport.abort()
        await asyncio.sleep(1)
        with pytest.raises(RainbowConnectionError):
            await stream.send(PRESENCE)
        with pytest.raises(RainbowConnectionError):
            await stream.receive()


async def test_last_words_of_the_server_are_heard(server: Any) -> None:
    async with connected(server) as stream:
        visit = await server.visit()
        await visit.say(PRESENCE)
        await visit.say(CONFLICT)
        ended = await stream.last_words()
    assert ended is not None
    assert ended.condition == "conflict"


async def test_server_that_says_nothing_is_not_waited_for_long(server: Any) -> None:
    async with connected(server) as stream:
        assert await stream.last_words() is None
    assert asyncio.get_running_loop().time() <= 1


async def test_orderly_close_of_the_server_is_returned(server: Any) -> None:
    async with connected(server) as stream:
        visit = await server.visit()
        await visit.say('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
        with pytest.raises(StreamEnded, match="closed"):
            await stream.receive()
        await visit.hear("<close")


async def test_ping_that_is_answered_by_an_error_is_answered(server: Any) -> None:
    server.says["urn:xmpp:ping"] = ['<iq xmlns="jabber:client" type="error" id="ping-1"><error/></iq>']
    async with connected(server) as stream:
        reading = asyncio.create_task(stream.receive())
        await stream.ping("rainbow.test")
        await reading


async def test_ping_that_is_not_answered_ends_the_stream_after_ten_seconds(server: Any) -> None:
    server.says["urn:xmpp:ping"] = []
    async with connected(server) as stream:
        with pytest.raises(RainbowConnectionError, match="a ping was not answered"):
            await stream.ping("rainbow.test")
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=0.1)


def from_stranger(id_: str, payload: str, type_: str = "get") -> str:
    return f'<iq xmlns="jabber:client" type="{type_}" id="{id_}" from="m@rainbow.test/m">{payload}</iq>'


@pytest.mark.parametrize(
    "payload",
    [
        "<a>" * 300 + "</a>" * 300,
        "<a>" * 20_000 + "</a>" * 20_000,
        '<a xml:id="1 2"/>',
        '<a><b xml:id="x"/><b xml:id="x"/></a>',
        f"<{'a' * 60_000}/>",
    ],
    ids=["deep", "very deep", "odd id", "same ids", "long name"],
)
async def test_stranger_cannot_end_the_stream_by_what_the_server_passes_on(
    server: Any, run_link: RunLink, payload: str
) -> None:
    life = run_link()
    visit = await server.visit()
    said = await visit.ask(from_stranger("s1", payload))
    assert re.search(r'<error type="modify"><bad-request ', said)
    assert 'to="m@rainbow.test/m"' in said
    await visit.say(f'<presence xmlns="jabber:client" from="m@rainbow.test/m">{payload}</presence>')
    await visit.say(f'<message xmlns="jabber:client" from="m@rainbow.test/m">{payload}</message>')
    assert 'type="result"' in await visit.ask(f'<iq xmlns="jabber:client" type="get" id="q1">{QUESTION}</iq>')
    assert life.link.counters.connects == 1


@pytest.mark.parametrize("payload", [QUESTION, "<ping xmlns='urn:xmpp:ping'/>", "<x xmlns='y'/>", ""])
async def test_stranger_cannot_make_us_break_the_servers_limit(server: Any, run_link: RunLink, payload: str) -> None:
    life = run_link()
    visit = await server.visit()
    # 18,400 bytes are within Rainbow's limit of 18,432; an answer that repeats the id would not be.
    frame = from_stranger("x" * (18_400 - len(from_stranger("", payload))), payload)
    assert len(frame) == 18_400
    await visit.say(frame)
    assert 'type="result"' in await visit.ask(f'<iq xmlns="jabber:client" type="get" id="q1">{QUESTION}</iq>')
    assert max(len(each.encode()) for each in visit.frames) <= 18_380
    assert life.link.counters.too_long == 1


async def test_order_of_a_stranger_cannot_make_us_break_the_servers_limit(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    order = '<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro" commandId="1"/>'
    await visit.say(
        f'<message xmlns="jabber:client" type="management" id="{"x" * 18_200}" from="m@rainbow.test/m">{order}'
        "</message>"
    )
    assert 'type="result"' in await visit.ask(f'<iq xmlns="jabber:client" type="get" id="q1">{QUESTION}</iq>')
    assert max(len(each.encode()) for each in visit.frames) <= 18_380
    assert life.link.counters.too_long == 1


@pytest.mark.parametrize(
    ("frame", "condition"),
    [
        ("<not xml", "not-well-formed"),
        ("plain", "not-well-formed"),
        (f'<iq type="get" id="1">{QUESTION}</iq><iq type="get" id="2">{QUESTION}</iq>', "not-well-formed"),
        ('<?xml version="1.0" encoding="UTF-16"?><iq/>', "not-well-formed"),
        ("<iq>&nobody;</iq>", "not-well-formed"),
        ("<p:iq/>", "not-well-formed"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "restricted-xml"),
        (
            '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><a b="&c;">&c;</a>',
            "restricted-xml",
        ),
    ],
)
async def test_frame_that_xmpp_does_not_allow_ends_the_stream_with_its_name(
    server: Any, run_link: RunLink, frame: str, condition: str
) -> None:
    life = run_link()
    visit = await server.visit()
    await visit.say(frame)
    await server.visit(2)
    assert re.search(STREAM_ERROR.format(condition), visit.frames[-2])
    assert visit.frames[-1].startswith("<close ")
    assert life.told == ["account", "connected", "lost", "account", "connected"]


@pytest.mark.parametrize("frame", [" ", "\n", "<!-- nobody --><presence xmlns='jabber:client'/>", "<?odd?><message/>"])
async def test_what_harms_nobody_is_passed_over(server: Any, run_link: RunLink, frame: str) -> None:
    life = run_link()
    visit = await server.visit()
    await visit.say(frame)
    said = await visit.ask(
        f'\n<!-- {"x" * 100} --><c:iq xmlns:c="jabber:client" type="get" id="q1"><!-- y -->{QUESTION}<?z?></c:iq> '
    )
    assert 'type="result"' in said
    assert life.link.counters.connects == 1


async def test_binary_and_endless_frames_end_the_stream(server: Any, run_link: RunLink) -> None:
    run_link()
    first = await server.visit()
    await first.socket.send_bytes(b"<iq/>")
    visit = await server.visit(2)
    assert first.code == 1003
    with suppress(ConnectionError):
        await visit.say(f"<a>{'x' * 10_000_000}</a>")
    await server.visit(3)
    await visit.ended.wait()
    assert visit.code == 1009


async def test_frame_in_fragments_is_one_frame(server: Any, run_link: RunLink) -> None:
    run_link()
    visit = await server.visit()
    frame = f'<iq xmlns="jabber:client" type="get" id="q1">{QUESTION}</iq>'.encode()
    cuts = [frame[:1], frame[1:30], b"", frame[30:-1], frame[-1:]]
    for number, part in enumerate(cuts):
        # RFC 6455 section 5.2: opcode text or continuation, FIN on the last; short lengths, no mask from a server.
        first = (0x01 if number == 0 else 0x00) | (0x80 if number == len(cuts) - 1 else 0)
        visit.socket._req.transport.write(bytes([first, len(part)]) + part)
    assert 'type="result"' in await visit.hear('id="q1"')


@pytest.mark.parametrize("step", ["<auth ", 'id="bind-1"'])
@pytest.mark.parametrize(
    "said",
    [
        '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>',
        '<message xmlns="jabber:client"/>',
        from_stranger("s1", QUESTION),
        "<!DOCTYPE a><a/>",
        "rubbish",
    ],
)
async def test_whatever_comes_amid_the_login_ends_in_a_login(
    server: Any, run_link: RunLink, step: str, said: str
) -> None:
    usual = server.says[step]
    server.says[step] = [said]
    life = run_link()
    await asyncio.sleep(40)
    assert not life.link.connected
    assert life.questions == []
    server.says[step] = usual
    async with asyncio.timeout(120):
        while not life.link.connected:  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.1)


async def test_mechanisms_that_nobody_knows_are_passed_over(server: Any, run_link: RunLink) -> None:
    odd = "".join(f"<mechanism>{name}</mechanism>" for name in ("X-ODD", "SCRAM-SHA-256-PLUS", "", "plain"))
    features = server.first_features.replace("<mechanism>PLAIN", f"{odd}<mechanism>PLAIN")
    server.first_features = features.replace("</stream:features>", '<x xmlns="urn:odd"/></stream:features>')
    run_link()
    assert 'mechanism="PLAIN"' in (await server.visit()).frames[1]
