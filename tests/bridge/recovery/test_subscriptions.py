"""Exchange allows no more subscriptions: what the person sees, what Rainbow is told, and how it ends."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.lab.exchange import LabMailbox

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow

NAMES = [f"u{number}" for number in range(6)]
ADDRESSES = [f"{name}@acme.test" for name in NAMES]
CODE = "ErrorExceededSubscriptionCount"


@pytest.mark.parametrize(
    ("impersonation", "limit", "taken", "remedy"),
    [
        (False, 4, [], "Raise EwsMaxSubscriptions, or use impersonation: rainbow-exchange throttling-policy print"),
        (True, 1, ADDRESSES[4:], "Does another program subscribe to these mailboxes without end?"),
    ],
)
async def test_whoever_may_not_be_subscribed_is_polled_shown_and_streamed_once_it_is_allowed(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
    impersonation: bool,
    limit: int,
    taken: list[str],
    remedy: str,
) -> None:
    exchange = await make_exchange(
        *(LabMailbox(address=address, right="reviewer") for address in ADDRESSES), subscription_limit=limit
    )
    for address in taken:  # by another program that signs in as the same account
        exchange.lab.subscriptions.subscribe(
            account="svc-rainbow",
            identity=address,
            charged=f"svc-rainbow>{address}",
            mailbox=exchange.lab.directory.by_address[address],
            folders=frozenset({"calendar"}),
            events=frozenset({"ModifiedEvent"}),
        )
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, NAMES)), impersonation=impersonation)
    async with scene(bridge).at_work() as watched:
        await kit.until(lambda: watched.measures()["mailboxes"] == {"streamed": 4, "polled": 2, "uncovered": 0})
        shown = watched.not_streamed()
        assert [(each.mailbox, each.coverage, each.reason) for each in shown] == [
            (each.user, "polled", CODE) for each in shown
        ]
        assert all(timedelta(0) < each.next_try - kit.now() <= timedelta(seconds=150) for each in shown)
        assert list(watched.found()) == ["exchange-subscriptions-exceeded"]
        await asyncio.sleep(70)
        assert watched.found() == {
            "exchange-subscriptions-exceeded": f"Exchange allows no more subscriptions ({CODE}).",
            "mailboxes-polled": f"Exchange allows no stream for 2 mailboxes: {shown[0].user}, {shown[1].user}. Their"
            " calendars are looked at every 60 s instead.",
        }
        actions = {each.id: each.action for each in watched.problems}
        assert actions["exchange-subscriptions-exceeded"].startswith(remedy)
        polled = shown[0].user
        name = polled.partition("@")[0]
        before = bridge.notified(name)
        exchange.appointment(polled, subject="Planning")
        await kit.until(lambda: bridge.notified(name) > before, limit=65)
        assert await watched.asked(polled) == ["Planning"]
        exchange.lab.dials.turn({"subscription_limit": 5000})
        watched.retry()
        await watched.streamed(*ADDRESSES, limit=30)
        assert watched.found() == {}
        assert await watched.asked(polled) == ["Planning"]
