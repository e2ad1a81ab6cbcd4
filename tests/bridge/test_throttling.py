"""What status shows of Exchange's limits, and which problems they make."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.parts import Cause
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.throttling import ThrottlingReview, meter
from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.lab.exchange.mailbox import Right

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

NAMES = [f"u{number}" for number in range(8)]
BOXES = [LabMailbox(address=f"{name}@acme.test", right=Right.REVIEWER) for name in NAMES]


def watched(bridge: "Bridge", coverage: str) -> list[str]:
    found = bridge.parts.watcher
    return [name for name in NAMES if found.coverage(f"{name}@acme.test") == coverage]


async def test_where_nothing_was_refused_the_meter_is_at_rest(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange, rainbow = await make_exchange(*BOXES), await make_rainbow(*(kit.person(name) for name in NAMES))
    bridge = make_bridge(exchange, rainbow)
    async with bridge.at_work(*NAMES):
        await kit.until(lambda: len(watched(bridge, "streamed")) == 8)
        now = meter(bridge.pipeline, exchange.client)
        assert (now.requests_limit, now.streams_limit, now.streams_open) == (10, None, 1)
        assert (now.subscriptions_limited, now.back_offs, now.last_reason) == (False, 0, "")
        assert (now.until, now.next_stream_try, now.poll_period_seconds) == (None, None, None)
        assert (now.last_at, now.out_of_office_period_seconds) == (None, 60.0)


async def test_a_limit_on_streams_is_shown_with_those_who_are_polled(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(*BOXES, stream_limit=2)
    rainbow = await make_rainbow(*(kit.person(name) for name in NAMES))
    bridge = make_bridge(exchange, rainbow, impersonation=False)
    bridge.parts.watcher._placing._group_size = 2  # as if a hundred times as many
    told: list[str] = []
    review = ThrottlingReview(bridge.pipeline, Problems(now=kit.now, observe=lambda problem: told.append(problem.id)))
    async with bridge.at_work(*NAMES):
        await kit.until(lambda: len(watched(bridge, "waiting")) == 4)
        review.review(len(watched(bridge, "waiting")))
        now = meter(bridge.pipeline, exchange.client)
        assert (now.streams_limit, now.streams_open) == (2, 2)
        assert now.back_offs >= 1
        assert now.last_reason == "ErrorExceededConnectionCount (MaxStreamingConcurrency)"
        assert now.last_at is not None
        assert timedelta(0) <= kit.now() - now.last_at < timedelta(seconds=60)
        assert now.next_stream_try is not None
        assert timedelta(0) < now.next_stream_try - kit.now() <= timedelta(seconds=75)
        assert now.until is None
        assert now.poll_period_seconds == 60
        assert told == []
        await asyncio.sleep(61)
        review.review(len(watched(bridge, "waiting")))
        assert told == ["mailboxes-polled"]
        [problem] = review._problems
        assert problem.severity == "notice"
        assert all(name in problem.text for name in watched(bridge, "waiting"))
        assert "rainbow-exchange throttling-policy print --group NAME" in problem.action
        exchange.lab.dials.turn({"stream_limit": 10})
        await kit.until(lambda: len(watched(bridge, "streamed")) == 8, limit=600)
        review.review(len(watched(bridge, "waiting")))
        assert list(review._problems) == []


async def test_a_limit_on_subscriptions_names_the_remedy(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(*BOXES, subscription_limit=5)
    rainbow = await make_rainbow(*(kit.person(name) for name in NAMES))
    bridge = make_bridge(exchange, rainbow, impersonation=False)
    problems = Problems(now=kit.now, observe=lambda _: None)
    review = ThrottlingReview(bridge.pipeline, problems)
    async with bridge.at_work(*NAMES):
        await kit.until(lambda: len(watched(bridge, "streamed")) == 5)
        review.review(len(watched(bridge, "waiting")))
        assert meter(bridge.pipeline, exchange.client).subscriptions_limited
        [problem] = problems
        assert (problem.id, problem.severity) == ("exchange-subscriptions-exceeded", "warning")
        assert "ErrorExceededSubscriptionCount" in problem.text
        assert problem.action.startswith("Raise EwsMaxSubscriptions")
        assert "use impersonation" in problem.action


async def test_a_busy_server_is_shown_with_the_time_until_which_it_is_left_alone(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(*BOXES)
    bridge = make_bridge(exchange, await make_rainbow(*(kit.person(name) for name in NAMES)), impersonation=False)
    async with bridge.at_work(*NAMES):
        await asyncio.sleep(5)
        exchange.lab.dials.turn({"server_busy": "fault", "server_busy_milliseconds": 90_000, "server_busy_requests": 1})
        before = meter(bridge.pipeline, exchange.client)
        await kit.until(lambda: meter(bridge.pipeline, exchange.client).back_offs > before.back_offs, limit=300)
        now = meter(bridge.pipeline, exchange.client)
        assert now.last_reason == "ErrorServerBusy"
        assert now.until is not None
        assert now.until > datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        assert timedelta(seconds=80) < now.until - kit.now() <= timedelta(seconds=90)
        assert now.requests_limit == 5


async def test_one_busy_mailbox_neither_stops_the_out_of_office_of_the_others_nor_is_shown_as_exchange_busy(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(*BOXES)
    bridge = make_bridge(exchange, await make_rainbow(*(kit.person(name) for name in NAMES)))
    async with bridge.at_work(*NAMES):
        await asyncio.sleep(5)
        dials = {"server_busy": "fault", "server_busy_milliseconds": 300_000, "server_busy_requests": 1}
        exchange.lab.dials.turn(dials | {"server_busy_operations": ["FindItem"]})
        exchange.appointment(BOXES[0].address)
        await kit.until(lambda: exchange.client.counters.back_offs)
        now = meter(bridge.pipeline, exchange.client)
        assert (now.requests_limit, now.until, now.last_reason) == (10, None, "ErrorServerBusy")
        asked = len(exchange.requests("GetMailTips"))
        await kit.until(lambda: len(exchange.requests("GetMailTips")) > asked, limit=150)


@pytest.mark.parametrize("shape", ["message", "inner", "fault", "http"])
@pytest.mark.parametrize("operation", ["GetUserAvailability", "GetMailTips"])
async def test_a_busy_server_is_obeyed_whatever_the_shape_in_which_it_says_so(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    shape: str,
    operation: str,
) -> None:
    exchange = await make_exchange(*BOXES)
    bridge = make_bridge(exchange, await make_rainbow(*(kit.person(name) for name in NAMES)), impersonation=False)
    async with bridge.at_work(*NAMES):
        await asyncio.sleep(5)
        dials = {"server_busy": shape, "server_busy_milliseconds": 90_000, "server_busy_operations": [operation]}
        exchange.lab.dials.turn(dials)
        for box in BOXES:
            bridge.pipeline.changes.look_again(box.address, Cause.BACKGROUND)
        await kit.until(lambda: exchange.client.counters.back_offs, limit=150)
        assert 85 < exchange.client.held_back_for() <= 90
        assert exchange.client.in_flight.limit == 5
        sent = len(exchange.requests(operation))
        await asyncio.sleep(85)
        assert len(exchange.requests(operation)) == sent


async def test_of_several_calendars_in_one_answer_a_busy_one_does_not_keep_the_others_waiting(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(*BOXES)
    bridge = make_bridge(exchange, await make_rainbow(*(kit.person(name) for name in NAMES)), impersonation=False)
    async with bridge.at_work(*NAMES):
        exchange.lab.dials.turn({"availability_errors": {BOXES[0].address: "ErrorServerBusy"}})
        for box in BOXES:
            bridge.pipeline.changes.look_again(box.address, Cause.BACKGROUND)
        await kit.until(lambda: bridge.parts.reader.failed(BOXES[0].address) == "ErrorServerBusy")
        assert exchange.client.in_flight.limit == 10
        assert list(dict(bridge.parts.reader.unread)) == [BOXES[0].address]
