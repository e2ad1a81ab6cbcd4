"""Beyond the limit on subscriptions: one asks now and then, and at once when one was given back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from rainbow_exchange.ews.allowance import Allowance
from rainbow_exchange.ews.errors import ResponseError
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox

NAMES = [f"u{number}" for number in range(10)]


def time() -> float:
    return asyncio.get_running_loop().time()


async def test_one_asks_at_a_time_later_and_later() -> None:
    allowance = Allowance(random=lambda: 0.0)
    asked: list[float] = []

    async def ask() -> None:
        while True:
            await allowance.turn()
            asked.append(time())
            await asyncio.sleep(1)
            allowance.refused()

    allowance.refused()
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(ask()) for _ in range(50)]
        await asyncio.sleep(4000)
        for each in waiting:
            each.cancel()
    assert [round(moment) for moment in asked] == [120, 361, 842, 1803, 3604]


async def test_once_it_is_allowed_the_others_follow_at_once() -> None:
    allowance = Allowance(random=lambda: 0.0)

    async def ask() -> None:
        await allowance.turn()
        allowance.allowed()

    allowance.refused()
    began = time()
    await asyncio.gather(*(ask() for _ in range(50)))
    assert time() - began == pytest.approx(120, abs=0.1)
    assert not allowance.short


async def test_one_that_is_cancelled_passes_its_turn_on() -> None:
    allowance = Allowance(random=lambda: 0.0)
    first, second = (asyncio.ensure_future(allowance.turn()) for _ in range(2))
    await asyncio.sleep(0)
    assert allowance.short
    first.cancel()
    await asyncio.wait([first])
    await asyncio.wait_for(second, 1)
    allowance.allowed()
    assert not allowance.short


@pytest.fixture
async def lab() -> AsyncIterator[Callable[..., Awaitable[LabExchange]]]:
    """Give what starts a simulated Exchange of ten mailboxes."""
    made: list[LabExchange] = []

    async def start(**dials: Any) -> LabExchange:
        boxes = [LabMailbox(address=f"{name}@acme.test", right="reviewer") for name in NAMES]
        epoch = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        made.append(
            LabExchange(
                mailboxes=boxes,
                username="svc",
                password="pw",
                now=lambda: epoch + timedelta(seconds=time()),
                random=Random(3).random,
                **dials,
            )
        )
        await made[-1].start()
        return made[-1]

    yield start
    for each in made:
        await each.stop()


def refusals(exchange: LabExchange) -> int:
    subscribes = exchange.record.read(operation="Subscribe")
    return sum(each["code"] == "ErrorExceededSubscriptionCount" for each in subscribes)


async def test_mailboxes_beyond_the_limit_wait_and_follow(lab: Any, watching: Any) -> None:
    exchange = await lab(subscription_limit=6)
    watched = watching(exchange, impersonation=False)
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES[:6])
    assert [watched.coverage(name) for name in NAMES[6:]] == ["waiting"] * 4
    doubt = watched.watcher.doubt("u9@acme.test")
    assert doubt.reason == "ErrorExceededSubscriptionCount"
    assert doubt.next_try is not None
    assert refusals(exchange) == 1
    await watched.watcher.forget("u0@acme.test")
    await watched.until(lambda: sum(watched.coverage(name) == "streamed" for name in NAMES) == 6, 30)
    await asyncio.sleep(3600)
    assert refusals(exchange) <= 8
    exchange.dials.turn({"subscription_limit": 5000})
    await watched.streamed(*NAMES[1:], limit=2400)


async def test_a_mailbox_that_does_not_exist_does_not_wait(lab: Any, watching: Any) -> None:
    exchange = await lab(subscription_limit=2)
    watched = watching(exchange, impersonation=False)
    await watched.subscribe("u0", "u1", "u2")
    with pytest.raises(ResponseError, match="ErrorMailRecipientNotFound"):
        await watched.subscribe("nobody")
    assert watched.coverage("nobody") is None
    assert watched.coverage("u2") == "waiting"


async def test_what_could_not_be_unsubscribed_is_given_back_first(lab: Any, watching: Any) -> None:
    exchange = await lab(subscription_limit=2)
    watched = watching(exchange, impersonation=False)
    await watched.subscribe("u0", "u1")
    exchange.dials.turn({"faults": {"Unsubscribe": "ErrorInternalServerTransientError"}})
    await watched.watcher.forget("u0@acme.test")
    exchange.dials.turn({"faults": {}})
    await watched.subscribe("u2")
    await watched.streamed("u1", "u2", limit=30)


async def test_a_retry_by_hand_asks_at_once(lab: Any, watching: Any) -> None:
    exchange = await lab(subscription_limit=1)
    watched = watching(exchange, impersonation=False)
    await watched.subscribe("u0", "u1")
    exchange.dials.turn({"subscription_limit": 5000})
    await asyncio.sleep(30)
    assert watched.coverage("u1") == "waiting"
    watched.watcher.retry("u1@acme.test")
    await watched.streamed("u0", "u1", limit=10)


async def test_impersonated_each_mailbox_has_a_limit_of_its_own(lab: Any, watching: Any) -> None:
    exchange = await lab(subscription_limit=1)
    watched = watching(exchange)
    exchange.subscriptions._charged["svc>u0@acme.test"] = 1  # another program of the same account has taken u0's
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES[1:])
    assert watched.coverage("u0") == "waiting"
