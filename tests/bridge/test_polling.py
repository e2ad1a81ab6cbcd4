"""Whom no stream carries: looked at in turn, on the lab's Exchange which allows no streams at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.lab.exchange.mailbox import Right

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

NAMES = [f"u{number:03}" for number in range(120)]


@pytest.fixture(params=[True, False], ids=["own", "batched"])
async def bridge(
    request: pytest.FixtureRequest, kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
) -> AsyncIterator["Bridge"]:  # fmt: skip
    """Give a bridge of 120 mailboxes, all polled, at rest; impersonating, or by delegate rights."""
    boxes = [LabMailbox(address=f"{name}@acme.test", right=Right.REVIEWER) for name in NAMES]
    exchange = await make_exchange(*boxes, faults={"GetStreamingEvents": "ErrorExceededConnectionCount"})
    rainbow = await make_rainbow(*(kit.person(name) for name in NAMES))
    made = make_bridge(exchange, rainbow, impersonation=request.param)
    async with kit.running(made.pipeline.run()):
        await kit.until(lambda: len(list(made.pipeline.changes.polling._polled())) == 120, limit=600)
        await kit.until(lambda: all(made.parts.ledger.was_notified(name) for name in NAMES), limit=600)
        await asyncio.sleep(130)
        yield made


def polls(bridge: "Bridge", since: int) -> list[int]:
    """Count the mailboxes of each GetUserAvailability."""
    found = bridge.exchange.requests("GetUserAvailability")
    return [len(each["mailboxes"]) for each in found if each["number"] > since]


def last(bridge: "Bridge") -> int:
    return max(int(each["number"]) for each in bridge.exchange.requests("GetUserAvailability"))


async def test_everybodys_turn_comes_once_in_a_period_in_batches(bridge: "Bridge") -> None:
    since = last(bridge)
    await asyncio.sleep(bridge.pipeline.changes.polling.period * 3)
    assert bridge.pipeline.changes.polling.period == 60
    assert sum(polls(bridge, since)) == pytest.approx(360, abs=60)
    assert set(polls(bridge, since)) == {60}


async def test_a_change_reaches_rainbow_within_the_period(kit: "Kit", bridge: "Bridge") -> None:
    before = {name: bridge.notified(name) for name in ("u007", "u111")}
    reads = bridge.parts.reader.counters.mailboxes_read
    for name in before:
        bridge.exchange.appointment(f"{name}@acme.test")
    await kit.until(lambda: all(bridge.notified(name) > before[name] for name in before), limit=65)
    assert bridge.parts.counters.recovered_changes == 0
    assert bridge.parts.reader.counters.mailboxes_read == reads + 2


async def test_a_slow_server_is_asked_less_often_but_within_five_minutes(bridge: "Bridge") -> None:
    bridge.exchange.lab.dials.turn({"delay_seconds": 25.0, "delay_operations": ["GetUserAvailability"]})
    await asyncio.sleep(1800)
    assert 60 < bridge.pipeline.changes.polling.period <= 300
    since = last(bridge)
    await asyncio.sleep(620)
    assert sum(polls(bridge, since)) >= 240


async def test_one_that_is_slow_is_found_and_does_not_hold_up_the_others(kit: "Kit", bridge: "Bridge") -> None:
    slow = {"delay_seconds": 100.0, "delay_operations": ["GetUserAvailability"], "delay_mailboxes": ["u003@acme.test"]}
    bridge.exchange.lab.dials.turn(slow)
    await asyncio.sleep(400)
    before = bridge.notified("u004")
    bridge.exchange.appointment("u004@acme.test")
    await kit.until(lambda: bridge.notified("u004") > before, limit=65)


async def test_nobody_is_polled_while_exchange_wants_to_be_left_alone(bridge: "Bridge") -> None:
    busy = {"server_busy": "http", "server_busy_milliseconds": 200_000, "server_busy_requests": 1}
    bridge.exchange.lab.dials.turn(busy)
    await asyncio.sleep(65)
    since = last(bridge)
    await asyncio.sleep(100)
    assert polls(bridge, since) == []
    await asyncio.sleep(150)
    assert polls(bridge, since) != []
