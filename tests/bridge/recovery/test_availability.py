"""Each code with which availability refuses one calendar: what the person sees, what Rainbow is answered.

The mailbox is still watched; questions are answered from what was read last, else Rainbow is to ask again.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.lab.exchange import LabMailbox

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"
CODES = [
    "ErrorMailRecipientNotFound",
    "ErrorInvalidSmtpAddress",
    "ErrorNoFreeBusyAccess",
    "ErrorMailboxLogonFailed",
    "ErrorProxyRequestProcessingFailed",
    "ErrorServiceDiscoveryFailed",
    "ErrorFreeBusyGenerationFailed",
    "ErrorIndividualMailboxLimitReached",
    "ErrorTimeoutExpired",
    "ErrorOfTomorrow",
]
WHOLE = [
    "ErrorMailboxDataArrayTooBig",
    "ErrorMailboxDataArrayEmpty",
    "ErrorTimeIntervalTooBig",
    "ErrorInvalidMergedFreeBusyInterval",
    "ErrorInvalidFreeBusyViewType",
    "ErrorInternalServerError",
    "ErrorInternalServerTransientError",
    "ErrorADUnavailable",
]


@pytest.fixture
def reviewed(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> Callable[..., Any]:
    """Give a scene in which calendars are read by a Reviewer's rights, both in one request."""

    async def make(**dials: Any) -> Any:
        exchange = await make_exchange(
            *(LabMailbox(address=address, right="reviewer") for address in (ANN, BOB)), **dials
        )
        rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"))
        return scene(make_bridge(exchange, rainbow, impersonation=False))

    return make


@pytest.mark.parametrize("code", CODES)
async def test_one_calendar_that_is_refused_is_shown_answered_from_before_and_read_again(
    kit: "Kit", reviewed: Callable[..., Any], code: str
) -> None:
    async with (await reviewed()).at_work("ann", "bob") as scene:
        lab = scene.exchange.lab
        await scene.streamed(ANN, BOB)
        scene.exchange.appointment(BOB, subject="Known")
        await kit.until(lambda: scene.bridge.notified("bob") == 2)
        assert await scene.asked(BOB) == ["Known"]
        lab.dials.turn({"availability_errors": {BOB: code}})
        for address in (ANN, BOB):
            scene.exchange.appointment(address, subject="New")
        await asyncio.sleep(100)
        [unread] = scene.not_read()
        assert (unread.user, unread.mailbox, unread.reason) == (BOB, BOB, code)
        assert timedelta(0) < unread.next_try - kit.now() <= timedelta(minutes=5)
        assert scene.found() == {"mailboxes-not-read": f"The calendars of 1 mailbox cannot be read: {BOB} ({code})."}
        assert scene.not_streamed() == []
        assert await scene.asked(BOB) == ["Known"]
        assert scene.bridge.parts.answers.counters.stale == 1
        assert await scene.asked(ANN) == ["New"]
        lab.dials.turn({"availability_errors": {}})
        await kit.until(lambda: not scene.not_read(), limit=310)
        assert await scene.asked(BOB) == ["Known", "New"]
        assert scene.found() == {}
        measures = scene.measures()
        assert (measures["changes_found_after_gap"], measures["changes_recovered"]) == (0, 0)


@pytest.mark.parametrize("code", [CODES[0], CODES[2], CODES[6]])
async def test_one_calendar_that_was_never_read_makes_rainbow_ask_again(
    reviewed: Callable[..., Any], code: str
) -> None:
    async with (await reviewed(availability_errors={BOB: code})).at_work("ann") as scene:
        await scene.streamed(ANN, BOB)
        await asyncio.sleep(5)
        assert await scene.asked(BOB) == "remote-server-timeout"
        assert await scene.asked(ANN) == []
        assert scene.bridge.notified("bob") == 0


@pytest.mark.parametrize("code", WHOLE)
async def test_a_request_that_is_refused_as_a_whole_is_no_empty_calendar(
    kit: "Kit", reviewed: Callable[..., Any], code: str
) -> None:
    async with (await reviewed()).at_work("ann", "bob") as scene:
        await scene.streamed(ANN, BOB)
        scene.exchange.appointment(BOB, subject="Known")
        await kit.until(lambda: scene.bridge.notified("bob") == 2)
        scene.exchange.lab.dials.turn({"faults": {"GetUserAvailability": code}})
        scene.exchange.appointment(BOB, subject="New")
        await asyncio.sleep(100)
        assert [(unread.user, unread.reason) for unread in scene.not_read()] == [(BOB, code)]
        assert list(scene.found()) == ["mailboxes-not-read"]
        assert await scene.asked(BOB) == ["Known"]
        scene.exchange.lab.dials.turn({"faults": {}})
        scene.retry()
        await kit.until(lambda: not scene.not_read(), limit=10)
        assert await scene.asked(BOB) == ["Known", "New"]
