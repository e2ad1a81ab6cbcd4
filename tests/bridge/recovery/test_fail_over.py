"""All subscriptions are lost at once: they are made anew without a storm, and nobody stays unread for long."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.ews.grouping import server_name

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow

PEOPLE = 450


@pytest.mark.parametrize(
    ("streams", "refuse_seconds", "ends"),
    [("error", 0, "ErrorSubscriptionNotFound"), ("drop", 60, "cut")],
)
async def test_after_a_fail_over_everybody_is_read_within_five_minutes(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
    streams: str,
    refuse_seconds: float,
    ends: str,
) -> None:
    names = [f"u{number:03}" for number in range(PEOPLE)]
    addresses = [f"{name}@acme.test" for name in names]
    exchange = await make_exchange(*addresses)
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, names)), random=Random(5).random)
    async with scene(bridge).at_work(*names) as watched:
        await watched.streamed(*addresses, limit=300)
        await asyncio.sleep(60)
        exchange.lab.record.clear()
        began = kit.now()
        lost = exchange.lab.disasters.fail_over("exch02.acme.test", streams=streams, refuse_seconds=refuse_seconds)
        assert lost == PEOPLE
        exchange.lab.dials.suppress_notifications = True
        exchange.appointment(addresses[-1], subject="Between two streams")
        exchange.lab.dials.suppress_notifications = False
        notified = bridge.notified(names[-1])
        await watched.streamed(*addresses, limit=300)
        await kit.until(
            lambda: all((last := bridge.parts.reader.last(each)) and last.read_at > began for each in addresses),
            limit=300 - (kit.now() - began).total_seconds(),
        )
        await kit.until(lambda: bridge.notified(names[-1]) > notified, limit=5)
        renewed = [each for each in exchange.requests("Subscribe") if each["code"] == "NoError"]
        assert len(renewed) == PEOPLE
        a_second = Counter(datetime.fromisoformat(each["arrived"]).replace(microsecond=0) for each in renewed)
        assert max(a_second.values()) <= 100
        servers = Counter(server_name(each.id) for each in exchange.lab.subscriptions)
        assert servers == {"exch02.acme.test": PEOPLE}
        assert len(exchange.lab.streams.open) == 3
        measures = watched.measures()
        assert measures["subscriptions_renewed"].total() == PEOPLE
        assert measures["stream_ends"][ends] == 3
        assert measures["mailboxes"] == {"streamed": PEOPLE, "polled": 0, "uncovered": 0}
        assert (measures["changes_found_after_gap"], measures["changes_recovered"]) == (1, 0)
        assert watched.found() == {}


async def test_two_fail_overs_within_a_minute_leave_one_stream(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    names = [f"u{number:02}" for number in range(20)]
    addresses = [f"{name}@acme.test" for name in names]
    exchange = await make_exchange(*addresses)
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, names)), random=Random(5).random)
    async with scene(bridge).at_work(*names) as watched:
        await watched.streamed(*addresses)
        for wait in (8, 20):
            await asyncio.sleep(wait)
            exchange.lab.disasters.fail_over("exch02.acme.test", streams="error")
            await watched.streamed(*addresses)
        await asyncio.sleep(60)
        assert len(exchange.lab.streams.open) == 1
        assert watched.found() == {}
        assert watched.measures()["mailboxes_owner_bound"] == 0


async def test_a_server_that_lets_only_owners_read_is_shown(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    names = [f"u{number}" for number in range(5)]
    addresses = [f"{name}@acme.test" for name in names]
    exchange = await make_exchange(*addresses, flavour="owner-bound", stream_limit=10)
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, names)), impersonation=True)
    async with scene(bridge).at_work(*names) as watched:
        await watched.streamed(*addresses)
        assert len(exchange.lab.streams.open) == 5
        assert watched.found()["exchange-owner-bound"] == (
            "Exchange lets a subscription be read by the mailbox's owner only, so each mailbox has a stream of its own."
        )
        assert [problem.severity for problem in watched.problems if problem.id == "exchange-owner-bound"] == ["notice"]
        assert watched.measures()["mailboxes_owner_bound"] == 4
