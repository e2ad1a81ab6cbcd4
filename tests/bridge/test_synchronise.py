"""Everything is listed and read anew because somebody asks for it."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.synchronise import NotSynchronised, synchronise
from rainbow_exchange.model import OofState, OutOfOffice

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


@pytest.fixture
async def bridge(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> "Bridge":
    return make_bridge(await make_exchange(ANN, BOB), await make_rainbow(kit.person("ann"), ask=True))


async def test_newcomers_are_subscribed_and_what_nothing_announced_is_told(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann"):
        await asyncio.sleep(70)
        bridge.exchange.lab.dials.turn({"suppress_notifications": True})
        bridge.rainbow.lab.people.add(kit.person("bob"))
        bridge.exchange.appointment(ANN)
        bridge.exchange.away(ANN, text="Away")
        notified = bridge.notified("ann")
        said = await synchronise(lambda: bridge.pipeline)
        assert said == "2 users listed, 1 of them new, 0 gone; 2 calendars read, 1 change found."
        assert bridge.streamed(ANN, BOB)
        await kit.until(lambda: bridge.notified("ann") > notified and bridge.notified("bob"), limit=5)
        away = OutOfOffice(state=OofState.ENABLED, internal_text="Away")
        await kit.until(lambda: bridge.parts.absences.current(ANN) == away, limit=5)


async def test_what_cannot_be_done_is_said(bridge: "Bridge") -> None:
    with pytest.raises(NotSynchronised, match="not connected to Exchange"):
        await synchronise(lambda: None)
    async with bridge.at_work("ann"):
        bridge.rainbow.lab.dials.set({"refuse_next": 1, "refuse_status": 403, "refuse_path": "/users"})
        with pytest.raises(NotSynchronised, match=r"^The users of the company could not be listed\.$"):
            await synchronise(lambda: bridge.pipeline)
        bridge.exchange.lab.dials.turn({"faults": {"FindItem": "ErrorMailboxStoreUnavailable"}})
        with pytest.raises(NotSynchronised) as failed:
            await synchronise(lambda: bridge.pipeline)
        assert str(failed.value) == (
            "1 user listed, 0 of them new, 0 gone; 0 calendars read, 0 changes found; 1 could not be read."
        )


async def test_a_bridge_that_ends_meanwhile_ends_it(bridge: "Bridge") -> None:
    async with bridge.at_work("ann"):
        bridge.exchange.lab.dials.turn({"delay_seconds": 20.0})
        task = asyncio.create_task(synchronise(lambda: bridge.pipeline))
        await asyncio.sleep(3)
    async with asyncio.timeout(30):
        with pytest.raises(NotSynchronised, match="being stopped"):
            await task
