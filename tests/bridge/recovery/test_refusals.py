"""Each code with which Exchange refuses a mailbox: what the person sees, what Rainbow is told, when it is tried again.

Expected values are written down from the protocol's table of errors, not taken from the product's.
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
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

GONE = """
    ErrorNonExistentMailbox ErrorNonPrimarySmtpAddress ErrorInvalidSmtpAddress
"""
IMPERSONATION = "ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed"
DENIED = """
    ErrorAccessDenied ErrorFolderNotFound ErrorSubscriptionDelegateAccessNotSupported ErrorItemNotFound
"""
DISABLED = "ErrorAccountDisabled ErrorPasswordExpired ErrorMailboxConfiguration"
REFUSED = """
    ErrorMissingEmailAddress ErrorInvalidExchangeImpersonationHeaderData
    ErrorSchemaValidation ErrorInvalidRequest ErrorInvalidServerVersion ErrorInvalidSubscriptionRequest
"""
PASSING = """
    ErrorMailboxMoveInProgress ErrorMailboxFailover ErrorMailboxStoreUnavailable ErrorConnectionFailed
    ErrorADUnavailable ErrorInsufficientResources ErrorInternalServerTransientError ErrorTimeoutExpired
    ErrorBatchProcessingStopped ErrorInternalServerError ErrorServerBusy ErrorExceededConnectionCount
    ErrorNoRespondingCASInDestinationSite ErrorNoApplicableProxyCASServersAvailable
    ErrorNoDestinationCASDueToKerberosRequirements ErrorNoDestinationCASDueToSSLRequirements
    ErrorNoDestinationCASDueToVersionMismatch ErrorCrossSiteRequest ErrorProxyServiceDiscoveryFailed
    ErrorProxyRequestProcessingFailed ErrorProxyRequestNotAllowed ErrorProxiedSubscriptionCallFailure
    ErrorSubscriptionAccessDenied ErrorInvalidSubscription ErrorOfTomorrow
"""


@pytest.fixture
def refused(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> Callable[..., Any]:
    """Give a scene in which everything about Bob's mailbox is refused with a code; Ann's is well."""

    async def make(code: str, *, impersonation: bool = True) -> Any:
        right = "freebusy" if impersonation else "reviewer"
        exchange = await make_exchange(
            *(LabMailbox(address=address, right=right) for address in (ANN, BOB)), mailbox_errors={BOB: code}
        )
        rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"))
        return scene(make_bridge(exchange, rainbow, impersonation=impersonation))

    return make


async def settled(kit: "Kit", scene: Any) -> Any:
    """Wait until Ann is streamed and Bob waits for his next try; give how Bob is shown."""
    await scene.streamed(ANN)
    await kit.until(lambda: [each.next_try for each in scene.not_streamed() if each.user == BOB and each.next_try])
    [shown] = scene.not_streamed()
    assert (shown.user, shown.coverage) == (BOB, "uncovered")
    return shown


def codes(*groups: str) -> list[str]:
    return [code for group in groups for code in group.split()]


@pytest.mark.parametrize("impersonation", [True, False])
@pytest.mark.parametrize("code", codes(GONE))
async def test_an_address_without_mailbox_is_shown_and_tried_again_the_next_day(
    kit: "Kit", refused: Callable[..., Any], code: str, impersonation: bool
) -> None:
    async with (await refused(code, impersonation=impersonation)).at_work("ann") as scene:
        shown = await settled(kit, scene)
        assert (shown.mailbox, shown.reason) == (None, "no-mailbox")
        assert DAY - HOUR < shown.next_try - kit.now() <= DAY
        assert scene.found() == {"mailbox-not-found": f"No mailbox was found for 1 user: {BOB} (no-mailbox)."}
        assert scene.bridge.notified("bob") == 0
        assert await scene.asked(BOB) == "item-not-found"
        assert await scene.asked(ANN) == []


@pytest.mark.parametrize("impersonation", [True, False])
@pytest.mark.parametrize(
    ("code", "again", "problem", "text"),
    [
        *((code, HOUR, "mailbox-denied", "Exchange denies access to the mailbox of 1 user") for code in codes(DENIED)),
        *(
            (code, HOUR, "mailbox-impersonation-denied", "Exchange does not let the service account act for 1 user")
            for code in codes(IMPERSONATION)
        ),
        *(
            (code, DAY, "mailbox-disabled", "The account or mailbox of 1 user is out of use in Exchange")
            for code in codes(DISABLED)
        ),
        *(
            (code, DAY, "mailbox-refused", "Exchange does not accept the request for the mailbox of 1 user")
            for code in codes(REFUSED)
        ),
    ],
)
async def test_what_somebody_has_to_mend_is_shown_and_tried_again_in_its_rhythm(
    kit: "Kit",
    refused: Callable[..., Any],
    code: str,
    again: timedelta,
    problem: str,
    text: str,
    impersonation: bool,
) -> None:
    async with (await refused(code, impersonation=impersonation)).at_work("ann") as scene:
        shown = await settled(kit, scene)
        assert (shown.mailbox, shown.reason) == (None, code)
        assert again * 0.9 < shown.next_try - kit.now() <= again
        assert scene.found() == {problem: f"{text}: {BOB} ({code})."}
        assert scene.bridge.notified("bob") == 0
        assert await scene.asked(BOB) == "item-not-found"
        assert await scene.asked(ANN) == []
        asked = len(scene.exchange.requests("Subscribe"))
        await asyncio.sleep(120)
        assert len(scene.exchange.requests("Subscribe")) == asked
        scene.exchange.lab.dials.turn({"mailbox_errors": {}})
        scene.retry()
        await kit.until(lambda: scene.bridge.notified("bob"), limit=10)
        await scene.streamed(ANN, BOB)
        assert scene.found() == {}
        assert await scene.asked(BOB) == []


@pytest.mark.parametrize("impersonation", [True, False])
@pytest.mark.parametrize("code", codes(PASSING))
async def test_what_may_pass_is_tried_again_with_back_off_and_fails_nobody(
    kit: "Kit", refused: Callable[..., Any], code: str, impersonation: bool
) -> None:
    async with (await refused(code, impersonation=impersonation)).at_work("ann") as scene:
        shown = await settled(kit, scene)
        assert (shown.mailbox, shown.reason) == (None, code)
        assert timedelta(0) < shown.next_try - kit.now() <= timedelta(minutes=5)
        assert await scene.asked(BOB) == "remote-server-timeout"
        await asyncio.sleep(240)
        tries = [each for each in scene.exchange.requests("Subscribe") if BOB in str(each)]
        assert 6 <= len(tries) <= 12
        assert scene.found() == {
            "mailbox-postponed": f"Exchange refuses to watch the mailbox of 1 user for now: {BOB} ({code})."
        }
        assert scene.bridge.notified("bob") == 0
        assert await scene.asked(ANN) == []
        scene.exchange.lab.dials.turn({"mailbox_errors": {}})
        await kit.until(lambda: scene.bridge.notified("bob"), limit=300)
        await scene.streamed(ANN, BOB)
        assert scene.found() == {}
        assert await scene.asked(BOB) == []
