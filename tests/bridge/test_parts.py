"""Counters and the rhythm of retries."""

from typing import TYPE_CHECKING

from rainbow_exchange.bridge.parts import BridgeCounters, Cause
from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow


def test_differences_are_counted_by_what_found_them() -> None:
    counters = BridgeCounters()
    for cause in (Cause.CHANGE, Cause.POLL, Cause.GAP, Cause.BACKGROUND):
        counters.note(cause, known=True)
    assert (counters.changes, counters.changes_found_after_gap, counters.recovered_changes) == (2, 1, 1)


def test_the_first_reading_is_no_change() -> None:
    counters = BridgeCounters()
    for cause in Cause:
        counters.note(cause, known=False)
    assert counters == BridgeCounters()


async def test_a_mailbox_that_cannot_be_read_is_retried_at_growing_intervals(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    parts = make_bridge(await make_exchange(), await make_rainbow()).parts
    error = ResponseError("ErrorMailboxStoreUnavailable")
    assert [parts.retry_after("a@acme.test", error) for _ in range(3)] == [0.75, 1.5, 3.0]
    assert [parts.retry_after("b@acme.test", error) for _ in range(12)][-1] == 225.0  # of at most 300
    parts.retried("a@acme.test")
    assert parts.retry_after("a@acme.test", error) == 0.75
    assert 0.8 * 6 * 3600 <= (parts.next_reread() - kit.now()).total_seconds() <= 6 * 3600


async def test_what_the_server_asks_for_is_waited_and_what_was_not_sent_is_no_try(
    make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    parts = make_bridge(await make_exchange(), await make_rainbow()).parts
    busy = EwsConnectionError("http-503", retry_after=40)
    assert parts.retry_after("a@acme.test", busy) == 45  # the test's randomness is a half, of a quarter more
    held = EwsConnectionError("http-503", retry_after=8)
    held.sent = False
    assert [parts.retry_after("a@acme.test", held) for _ in range(5)] == [9] * 5
    assert parts.retry_after("a@acme.test", ResponseError("ErrorInternalServerError")) == 1.5
