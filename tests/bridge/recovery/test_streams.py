"""What may befall a stream, and what the bridge makes of it: the right state in the end, a counter, no change lost.

Each change here is made between two streams, and nothing announces it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.grouping import server_name
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


@pytest.fixture
async def watched(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> AsyncIterator[Any]:
    """Give a scene in which Ann and Bob share a stream that has been open for a while."""
    bridge = make_bridge(await make_exchange(ANN, BOB), await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with scene(bridge).at_work("ann", "bob") as running:
        await running.streamed(ANN, BOB)
        await asyncio.sleep(100)
        yield running


def change(scene: Any, address: str = ANN) -> None:
    """Change a calendar without anybody being notified."""
    scene.exchange.lab.dials.suppress_notifications = True
    scene.exchange.appointment(address, subject="Between two streams")
    scene.exchange.lab.dials.suppress_notifications = False


@asynccontextmanager
async def told(kit: "Kit", scene: Any, within: float) -> AsyncIterator[None]:
    """Whatever breaks inside, both are streamed again in time, and Ann's change is told five seconds later."""
    notified, counters = scene.bridge.notified("ann"), scene.bridge.parts.watcher.counters
    reopened = counters.opened
    yield
    await kit.until(lambda: counters.opened > reopened, limit=within)
    await scene.streamed(ANN, BOB, limit=within)
    await kit.until(lambda: scene.bridge.notified("ann") > notified, limit=5)
    assert await scene.asked(ANN) == ["Between two streams"]
    await asyncio.sleep(60)
    measures = scene.measures()
    assert measures["changes_found_after_gap"] == 1
    assert measures["changes_recovered"] == 0
    assert scene.not_streamed() == []
    assert scene.found() == {}
    assert scene.health.exchange()["state"] == "connected"


@pytest.mark.parametrize(
    ("order", "ends", "within"),
    [
        ("silence", {"silent": 1}, 120),
        ("drop", {"cut": 1}, 5),
        ("truncate", {"cut": 1}, 5),
        ("html", {"garbled": 1}, 5),
    ],
)
async def test_a_stream_that_dies(kit: "Kit", watched: Any, order: str, ends: dict[str, int], within: float) -> None:
    async with told(kit, watched, within):
        for stream in tuple(watched.exchange.lab.streams.open):
            stream.ordered(order)
        change(watched)
    measures = watched.measures()
    assert measures["stream_ends"] == ends
    ages = dict(measures["stream_age_at_end_seconds"].buckets())
    assert (ages["300"], ages["+Inf"]) == (1, 1)
    assert 55 < measures["stream_oldest_age_seconds"] < 70  # `told` has waited for a minute
    assert measures["stream_reopenings"] == 1
    assert watched.measures()["subscriptions_renewed"] == {}


async def test_a_stream_closed_at_its_time_is_no_gap_and_what_waits_comes_with_the_next(
    kit: "Kit", watched: Any
) -> None:
    notified = watched.bridge.notified("ann")
    for stream in tuple(watched.exchange.lab.streams.open):
        stream.ordered("close")
        stream.subscriptions[0].wake = None
    watched.exchange.appointment(ANN, subject="Meanwhile")
    await kit.until(lambda: watched.bridge.notified("ann") > notified, limit=5)
    assert watched.bridge.streamed(ANN, BOB)
    measures = watched.measures()
    assert measures["stream_ends"] == {"closed": 1}
    assert dict(measures["stream_age_at_end_seconds"].buckets())["+Inf"] == 1
    assert (measures["changes_told"], measures["changes_found_after_gap"], measures["changes_recovered"]) == (1, 0, 0)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "code",
    [
        "ErrorInvalidSubscription",
        "ErrorSubscriptionNotFound",
        "ErrorExpiredSubscription",
        "ErrorReadEventsFailed",
        "ErrorMissedNotificationEvents",
        "ErrorSubscriptionUnsubscribed",
        "ErrorSubscriptionAccessDenied",
        "ErrorProxyRequestNotAllowed",
    ],
)
async def test_a_subscription_that_is_lost(kit: "Kit", watched: Any, code: str, named: bool) -> None:
    lab = watched.exchange.lab
    lab.dials.turn({"name_bad_ids": named})
    async with told(kit, watched, within=30):
        for each in lab.subscriptions.of(ANN):
            each.lost = code
            lab.subscriptions.remove(each)
        change(watched)
    assert watched.measures()["stream_ends"] == {code: 1}
    assert watched.measures()["subscriptions_renewed"] == {code: 1}
    assert [each["impersonated"] for each in watched.exchange.requests("Subscribe")][2:] == [ANN]


async def test_a_second_connection_on_the_same_subscription_ends_the_first(kit: "Kit", watched: Any) -> None:
    lab = watched.exchange.lab
    [subscription] = lab.subscriptions.of(ANN)
    intruder = GetStreamingEvents(subscription_ids=(subscription.id,), connection_timeout_minutes=1)
    async with (
        EwsClient(url=lab.url, auth=BasicAuth("svc-rainbow", "lab-password"), ssl=None, now=kit.now) as another,
        told(kit, watched, within=10),
    ):
        change(watched)
        async with another.stream(intruder) as messages:
            await anext(messages)
    assert watched.measures()["stream_ends"] == {"ErrorNewEventStreamConnectionOpened": 1}
    assert watched.measures()["subscriptions_renewed"] == {"ErrorNewEventStreamConnectionOpened": 1}


@pytest.mark.parametrize(
    "code", ["ErrorInvalidSubscription", "ErrorProxyRequestNotAllowed", "ErrorMailboxMoveInProgress"]
)
async def test_a_mailbox_that_moves_is_found_on_its_new_server(kit: "Kit", watched: Any, code: str) -> None:
    lab = watched.exchange.lab
    lab.disasters.move(ANN, "exch02.acme.test", code=code, takes_seconds=100)
    change(watched)
    await asyncio.sleep(60)
    [shown] = watched.not_streamed()
    assert (shown.user, shown.reason) == (ANN, "ErrorMailboxMoveInProgress")
    assert watched.bridge.streamed(BOB)
    async with told(kit, watched, within=400):
        pass
    assert watched.measures()["subscriptions_renewed"] == {code: 1}
    servers = {stream.server: stream.members for stream in watched.bridge.parts.watcher.streams()}
    assert servers == {"exch01.acme.test": 1, "exch02.acme.test": 1}
    [subscription] = lab.subscriptions.of(ANN)
    assert server_name(subscription.id) == "exch02.acme.test"


@pytest.mark.parametrize("code", ["ErrorAccountDisabled", "ErrorPasswordExpired", "ErrorAccessDenied"])
async def test_a_mailbox_that_is_lost_is_told_once_more_and_comes_back(kit: "Kit", watched: Any, code: str) -> None:
    lab, notified = watched.exchange.lab, watched.bridge.notified("ann")
    lab.dials.turn({"mailbox_errors": {ANN: code}})
    for stream in tuple(lab.streams.open):
        stream.wake.set()
    await kit.until(lambda: watched.bridge.notified("ann") > notified, limit=30)
    await watched.streamed(BOB)
    assert await watched.asked(ANN) == "item-not-found"
    [shown] = watched.not_streamed()
    assert (shown.user, shown.reason) == (ANN, code)
    assert watched.measures()["mailboxes_lost"] == {code: 1}
    assert list(watched.found()) == ["mailbox-denied" if code == "ErrorAccessDenied" else "mailbox-disabled"]
    lab.dials.turn({"mailbox_errors": {}})
    watched.exchange.appointment(ANN, subject="While it was closed")
    watched.retry()
    await watched.streamed(ANN, BOB, limit=10)
    await kit.until(lambda: watched.bridge.notified("ann") > notified + 1, limit=5)
    assert await watched.asked(ANN) == ["While it was closed"]
    assert (watched.not_streamed(), watched.found()) == ([], {})


async def test_exchange_gone_for_an_hour(kit: "Kit", watched: Any) -> None:
    lab = watched.exchange.lab
    port = int(lab.base.rpartition(":")[2])
    await lab.stop()
    change(watched)
    await asyncio.sleep(3600)
    assert watched.health.exchange()["state"] == "disconnected"
    assert watched.found() == {"exchange-unreachable": f"Nothing accepts connections at {lab.url}."}
    assert {(each.user, each.reason) for each in watched.not_streamed()} == {
        (ANN, "no connection"),
        (BOB, "no connection"),
    }
    assert await watched.asked(ANN) == []  # what was read last, not older than twelve hours
    await lab.start(port=port)
    async with told(kit, watched, within=60):
        pass
    assert watched.measures()["subscriptions_renewed"] == {"ErrorSubscriptionNotFound": 2}
