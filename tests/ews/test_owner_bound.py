"""Only a server that lets nobody but the owner read gives each mailbox a stream of its own; losses do not."""

import asyncio
from typing import Any

NAMES = [f"u{number}" for number in range(8)]


def lose(exchange: Any, *addresses: str) -> None:
    """Lose the subscriptions of these, as a fail-over of their database does, and end the streams that hold them."""
    lost = [name for name, address in exchange.known.items() if address in addresses]
    for name in lost:
        del exchange.known[name]
    for stream in list(exchange.live):
        if named := [name for name in stream.ids if name in lost]:
            stream.refuse("ErrorSubscriptionNotFound", *named)


def knows_its_own(exchange: Any) -> None:
    """Refuse subscriptions that are lost when a stream is opened with them."""

    def opened(stream: Any) -> None:
        gone = [name for name in stream.ids if name not in exchange.known]
        if gone:
            stream.refuse("ErrorSubscriptionNotFound", *gone)
        else:
            stream.heartbeat()

    exchange.opened = opened


async def test_who_loses_everything_twice_within_a_minute_shares_one_stream_again(exchange: Any, watching: Any) -> None:
    knows_its_own(exchange)
    watched = watching()
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES)
    for _ in range(3):
        await asyncio.sleep(10)
        lose(exchange, *(f"{name}@acme.test" for name in NAMES))
        await watched.streamed(*NAMES, limit=60)
        assert watched.watcher.owner_bound.mailboxes == set()
    assert len(exchange.live) == 1


async def test_those_who_are_lost_twice_while_the_first_is_not_share_its_stream_again(
    exchange: Any, watching: Any
) -> None:
    knows_its_own(exchange)
    watched = watching()
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES)
    for _ in range(2):
        await asyncio.sleep(5)
        lose(exchange, *(f"{name}@acme.test" for name in NAMES[1:]))
        await watched.streamed(*NAMES, limit=60)
    assert not watched.watcher.owner_bound.server
    assert watched.watcher.owner_bound.mailboxes == set()
    assert len(exchange.live) == 1
    assert sorted(exchange.subscribes).count("u0@acme.test") == 1


async def test_who_was_only_thought_to_need_a_stream_of_its_own_shares_one_once_that_is_refuted(
    exchange: Any, watching: Any
) -> None:
    knows_its_own(exchange)
    watched = watching()
    await watched.subscribe(*NAMES[:4])
    await watched.streamed(*NAMES[:4])
    watched.watcher.owner_bound.mailboxes = {"u1@acme.test", "u2@acme.test", "x@acme.test"}
    await watched.subscribe("late")
    await watched.streamed("late", limit=10)
    assert len(exchange.live) == 2
    await asyncio.sleep(100)
    hold = set(exchange.known)

    def opened(stream: Any) -> None:
        """Lose u2's next subscription before its stream is open."""
        mine = [name for name in stream.ids if exchange.known.get(name) == "u2@acme.test" and name not in hold]
        if mine and len(stream.ids) == 1:
            exchange.opened = lambda stream: stream.heartbeat()
            stream.refuse("ErrorSubscriptionNotFound", *mine)
        else:
            stream.heartbeat()

    exchange.opened = opened
    name = exchange.ids_of("u2@acme.test")[0]
    next(stream for stream in exchange.live if name in stream.ids).refuse("ErrorSubscriptionNotFound", name)
    await exchange.until(lambda: not watched.watcher.owner_bound.server, 30)
    await watched.streamed(*NAMES[:4], "late", limit=60)
    await exchange.until(lambda: len(exchange.live) == 1, 30)


async def test_a_mailbox_that_no_stream_can_read_does_not_interrupt_the_others_for_ever(
    exchange: Any, watching: Any
) -> None:
    def opened(stream: Any) -> None:
        bad = [name for name in stream.ids if exchange.known.get(name) == "u3@acme.test"]
        if bad:
            stream.refuse("ErrorSubscriptionNotFound", *bad)
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = watching()
    await watched.subscribe(*NAMES)
    others = [name for name in NAMES if name != "u3"]
    await watched.until(lambda: all(watched.coverage(name) == "streamed" for name in others))
    await asyncio.sleep(600)
    shared = [stream.at for stream in exchange.streams if len(stream.ids) > 1]
    alone = [stream.at for stream in exchange.streams if exchange.known.get(stream.ids[0]) == "u3@acme.test"]
    await asyncio.sleep(1200)
    assert len([stream for stream in exchange.streams if len(stream.ids) > 1]) == len(shared)
    assert len([s for s in exchange.streams if exchange.known.get(s.ids[0]) == "u3@acme.test"]) > len(alone)
    assert watched.coverage("u3") != "streamed"
    assert all(watched.coverage(name) == "streamed" for name in others)
