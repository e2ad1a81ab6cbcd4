"""Where streams are short, those that are open carry as many as they can."""

import asyncio
import base64
from typing import Any

import pytest

POLICY = (
    '<m:MessageXml><t:Value Name="Policy">MaxStreamingConcurrency</t:Value>'
    '<t:Value Name="MaxConcurrencyLimit">{0}</t:Value></m:MessageXml>'
)


def limited(exchange: Any, most: int) -> None:
    """Have the small Exchange of these tests allow so many streams."""

    def opened(stream: Any) -> None:
        if len(exchange.live) > most:
            stream.refuse("ErrorExceededConnectionCount", inside=POLICY.format(most))
        else:
            exchange.accept(stream)

    exchange.opened = opened


def of_server(server: str, number: int) -> str:
    raw = len(server).to_bytes(2, "little") + server.encode() + number.to_bytes(4, "little")
    return base64.b64encode(raw).decode()


async def test_places_that_become_free_are_taken_by_those_that_wait(exchange: Any, watching: Any) -> None:
    limited(exchange, 2)
    watched = watching(group_size=3, impersonation=False)
    await watched.subscribe(*"abcdefgh")
    await watched.until(lambda: watched.coverage("g") == watched.coverage("h") == "waiting")
    assert [watched.coverage(name) for name in "abcdef"] == ["streamed"] * 6
    await watched.watcher.forget("b@acme.test")
    await watched.until(lambda: sum(watched.coverage(name) == "streamed" for name in "acdefgh") == 6, 60)
    await watched.watcher.forget("d@acme.test")
    await watched.streamed(*"acefgh", limit=60)
    assert len(exchange.live) == 2
    assert exchange.subscribes.count("h@acme.test") == 1


async def test_two_half_empty_streams_are_joined_so_that_another_group_gets_one(exchange: Any, watching: Any) -> None:
    limited(exchange, 2)
    watched = watching(group_size=4, impersonation=False, group_key=lambda mailbox: mailbox.address[0])
    for name in ("a1", "a2", "a3", "a4", "a5", "a6", "a7"):
        await watched.subscribe(name)
    await watched.streamed("a1", "a7")
    await watched.subscribe("b1")
    await watched.until(lambda: watched.coverage("b1") == "waiting")
    for name in ("a1", "a2", "a5"):
        await watched.watcher.forget(f"{name}@acme.test")
    await watched.streamed("a3", "a4", "a6", "a7", "b1", limit=240)
    assert sorted(len(stream.ids) for stream in exchange.live) == [1, 4]
    assert exchange.subscribes.count("a3@acme.test") == 1


def on_two_servers(exchange: Any, *, obeys: bool = False) -> None:
    """Put mailboxes a… on the server ex-a, b… on ex-b; if it `obeys`, a cookie leads to either."""
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        said = await serve(request)
        if request.operation == "Subscribe":
            name = f"sub-{len(exchange.subscribes)}"
            mailbox = exchange.known.pop(name)
            led = "a1@acme.test" in request.headers.get("X-AnchorMailbox", "")
            server = "ex-a" if mailbox[0] == "a" or (obeys and led) else "ex-b"
            new = of_server(server, len(exchange.subscribes))
            exchange.known[new] = mailbox
            said = said.replace(f">{name}<".encode(), f">{new}<".encode())
            said = said.replace(b"Content-Length: ", b"X-Was: ", 1).replace(
                b"\r\n\r\n", f"\r\nContent-Length: {len(said.partition(bytes([13, 10]) * 2)[2])}\r\n\r\n".encode(), 1
            )
        return said  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script


async def test_only_what_lies_on_another_server_than_a_stream_is_counted_so(exchange: Any, watching: Any) -> None:
    on_two_servers(exchange)
    watched = watching(group_size=2, impersonation=False)
    await watched.subscribe("a1")
    await watched.subscribe("b1")
    assert watched.watcher.counters.on_another_server == 1
    await watched.subscribe("a2")
    await watched.subscribe("b2")  # meant for a new stream, it finds that of its server
    await watched.streamed("a1", "a2", "b1", "b2")
    assert len(exchange.live) == 2
    assert watched.watcher.counters.on_another_server == 1


async def test_each_stream_has_a_number_that_no_other_gets(watching: Any) -> None:
    watched = watching(group_size=2, impersonation=False)
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    numbers = {name: watched.watcher.stream_number(f"{name}@acme.test") for name in "abcx"}
    assert numbers == {"a": 1, "b": 1, "c": 2, "x": None}
    assert sorted((each.number, each.members) for each in watched.watcher.streams()) == [(1, 2), (2, 1)]
    await watched.watcher.forget("c@acme.test")
    await watched.until(lambda: len(watched.watcher.streams()) == 1)
    await watched.subscribe("d", "e")
    await watched.streamed("d", "e")
    assert watched.watcher.stream_number("d@acme.test") == 3


@pytest.mark.parametrize("obeys", [True, False], ids=["the server obeys the cookie", "it does not"])
async def test_from_another_server_they_are_subscribed_anew_but_once(exchange: Any, watching: Any, obeys: bool) -> None:
    on_two_servers(exchange, obeys=obeys)
    limited(exchange, 1)
    watched = watching(group_size=4, impersonation=False, open_delay=0.2)
    await watched.subscribe("a1", "a2", "a3", "a4")
    await watched.streamed("a1", "a4")
    await watched.subscribe("b1", "b2")
    await watched.until(lambda: watched.coverage("b1") == watched.coverage("b2") == "waiting")
    await watched.watcher.forget("a3@acme.test")
    await watched.watcher.forget("a4@acme.test")
    await asyncio.sleep(120)
    subscribed = exchange.subscribes.count("b1@acme.test")
    assert subscribed >= 2
    if obeys:
        await watched.streamed("a1", "a2", "b1", "b2", limit=240)
    await asyncio.sleep(1800)
    assert exchange.subscribes.count("b1@acme.test") <= 3
    assert watched.coverage("b1") == ("streamed" if obeys else "waiting")
