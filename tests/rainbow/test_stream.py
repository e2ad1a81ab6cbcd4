import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowConnectionError, StreamEnded
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.stream import Stream, websocket_session

CONFLICT = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'
)
PRESENCE = '<presence xmlns="jabber:client"/>'


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
