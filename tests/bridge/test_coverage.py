"""Whose changes no stream announces, why, when that is tried again; and trying it at once."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.coverage import NotRead, NotStreamed, not_read, not_streamed, retry

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


def shown(bridge: "Bridge") -> dict[str, tuple[str | None, str, str]]:
    return {each.user: (each.mailbox, each.coverage, each.reason) for each in not_streamed(bridge.pipeline)}


async def test_whoever_is_refused_is_shown_with_reason_and_next_try_and_a_retry_does_not_wait(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, BOB, mailbox_errors={BOB: "ErrorAccessDenied"})
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with bridge.at_work("ann"):
        await kit.until(lambda: bridge.streamed(ANN) and bridge.member("bob").next_try)
        next_try = bridge.member("bob").next_try
        assert list(not_streamed(bridge.pipeline)) == [
            NotStreamed(user=BOB, mailbox=None, coverage="uncovered", reason="ErrorAccessDenied", next_try=next_try)
        ]
        assert next_try is not None
        assert timedelta(minutes=59) < next_try - kit.now() <= timedelta(hours=1)
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await asyncio.sleep(10)
        done = retry(bridge.pipeline, exchange.client, [BOB, ANN, "nobody@acme.test"])
        assert (done.retried, done.streamed, done.unknown) == ((BOB,), (ANN,), ("nobody@acme.test",))
        await kit.until(lambda: bridge.streamed(BOB), limit=10)
        assert list(not_streamed(bridge.pipeline)) == []


async def test_a_retry_of_everybody_concerns_those_who_are_not_streamed(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, BOB, mailbox_errors={BOB: "ErrorPasswordExpired"})
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with bridge.at_work("ann"):
        await kit.until(lambda: bridge.streamed(ANN) and bridge.member("bob").next_try)
        assert shown(bridge) == {BOB: (None, "uncovered", "ErrorPasswordExpired")}
        before = len(exchange.requests("Subscribe", BOB))
        done = retry(bridge.pipeline, exchange.client, None)
        assert (done.retried, done.streamed, done.unknown) == ((BOB,), (), ())
        await asyncio.sleep(5)
        assert [each["code"] for each in exchange.requests("Subscribe", BOB)[before:]] == ["ErrorPasswordExpired"]


async def test_a_renewal_that_waits_is_shown_and_cut_short(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with bridge.at_work("ann", "bob"):
        exchange.lab.dials.turn({"mailbox_errors": {BOB: "ErrorMailboxMoveInProgress"}})
        for each in exchange.lab.subscriptions.of(BOB):
            exchange.lab.subscriptions.remove(each)
        await asyncio.sleep(1000)
        [entry] = not_streamed(bridge.pipeline)
        assert (entry.user, entry.mailbox, entry.coverage) == (BOB, BOB, "uncovered")
        assert entry.reason == "ErrorMailboxMoveInProgress"
        assert entry.next_try is not None
        assert timedelta(seconds=1) < entry.next_try - kit.now() <= timedelta(minutes=5)
        exchange.lab.dials.turn({"mailbox_errors": {}})
        retry(bridge.pipeline, exchange.client, [BOB])
        await kit.until(lambda: bridge.streamed(BOB), limit=10)


async def test_a_mailbox_that_no_stream_may_carry_is_shown_as_polled_until_its_stream_is_tried_again(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, stream_limit=1)
    exchange.lab.streams.charged[f"svc-rainbow>{ANN}"] = 1  # somebody else's
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with kit.running(bridge.pipeline.run()):
        await kit.until(lambda: shown(bridge) == {ANN: (ANN, "polled", "ErrorExceededConnectionCount")})
        [entry] = not_streamed(bridge.pipeline)
        assert entry.next_try is not None
        assert timedelta(seconds=55) < entry.next_try - kit.now() <= timedelta(seconds=75)
        exchange.lab.streams.charged.clear()
        retry(bridge.pipeline, exchange.client, None)
        await kit.until(lambda: bridge.streamed(ANN), limit=5)


async def test_while_exchange_is_out_everybody_waits_for_it_and_a_retry_asks_it_at_once(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN)
    port = int(exchange.lab.base.rpartition(":")[2])
    await exchange.lab.stop()
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with kit.running(bridge.pipeline.run()):
        await asyncio.sleep(300)
        await kit.until(lambda: shown(bridge) == {ANN: (None, "uncovered", "no connection")})
        await kit.until(lambda: all(each.next_try is not None for each in not_streamed(bridge.pipeline)))
        await exchange.lab.start(port=port)
        retry(bridge.pipeline, exchange.client, None)
        await kit.until(lambda: bridge.streamed(ANN), limit=3)


async def test_refused_credentials_are_tried_once_more_when_somebody_says_so(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, unauthorized=True)
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with kit.running(bridge.pipeline.run()):
        await asyncio.sleep(600)
        asked = sum(exchange.client.counters.requests.values())
        retry(bridge.pipeline, exchange.client, None)
        await asyncio.sleep(60)
        assert sum(exchange.client.counters.requests.values()) == asked + 1
        exchange.lab.dials.turn({"unauthorized": False})
        retry(bridge.pipeline, exchange.client, None)
        await kit.until(lambda: bridge.streamed(ANN), limit=5)


@pytest.mark.parametrize("named", [True, False])
async def test_a_calendar_that_cannot_be_read_is_shown_and_read_at_once_when_somebody_says_so(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge", named: bool
) -> None:
    exchange = await make_exchange(ANN)
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with bridge.at_work("ann"):
        await asyncio.sleep(10)
        exchange.lab.dials.turn({"faults": {"FindItem": "ErrorMailboxStoreUnavailable"}})
        exchange.appointment(ANN)
        await asyncio.sleep(1000)
        [entry] = not_read(bridge.pipeline)
        assert entry == NotRead(user=ANN, mailbox=ANN, reason="ErrorMailboxStoreUnavailable", next_try=entry.next_try)
        assert entry.next_try is not None
        assert timedelta(seconds=1) < entry.next_try - kit.now() <= timedelta(minutes=5)
        assert list(not_streamed(bridge.pipeline)) == []
        exchange.lab.dials.turn({"faults": {}})
        notified = bridge.notified("ann")
        done = retry(bridge.pipeline, exchange.client, [ANN] if named else None)
        assert (done.retried, done.read, done.streamed, done.unknown) == ((), (ANN,), (), ())
        await kit.until(lambda: bridge.notified("ann") > notified, limit=5)
        assert list(not_read(bridge.pipeline)) == []


async def test_while_exchange_is_gone_each_is_shown_with_one_word_for_it(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with bridge.at_work("ann", "bob"):
        await kit.until(lambda: bridge.streamed(ANN, BOB))
        await exchange.lab.stop()
        await asyncio.sleep(60)
        assert shown(bridge) == {ANN: (ANN, "uncovered", "no connection"), BOB: (BOB, "uncovered", "no connection")}


async def test_a_personal_address_outside_the_companys_domains_is_shown_as_not_tried(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, "bob@home.test")
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob", personal=("bob@home.test",)))
    bridge = make_bridge(exchange, rainbow)
    async with bridge.at_work("ann"):
        await kit.until(lambda: bridge.streamed(ANN) and bridge.member("bob").next_try)
        assert shown(bridge) == {BOB: (None, "uncovered", "no-mailbox; bob@home.test not tried: domain")}
        assert exchange.requests("Subscribe", "bob@home.test") == []
