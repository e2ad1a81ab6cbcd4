"""Counters, latencies and the rhythm of retries."""

from typing import TYPE_CHECKING

from rainbow_exchange.bridge.parts import BridgeCounters, Cause, TellingTimes
from rainbow_exchange.bridge.told import Told

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow


class Seconds(list[float]):
    def observe(self, seconds: float, /) -> None:
        self.append(seconds)


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


def test_a_change_takes_from_its_first_signal_to_the_notify() -> None:
    seconds = Seconds()
    times = TellingTimes(seconds)
    times.start("u", 10.0, Told.EVENTS)
    times.start("u", 11.0, Told.AUTO_REPLY)
    assert times.stop("u", 12.5) == (2.5, Told.EVENTS)
    assert times.stop("u", 99.0) is None
    assert seconds == [2.5]


def test_an_absence_does_not_count_in_the_latency() -> None:
    seconds = Seconds()
    times = TellingTimes(seconds)
    times.start("u", 10.0, Told.AUTO_REPLY)
    assert times.stop("u", 12.5) == (2.5, Told.AUTO_REPLY)
    assert seconds == []


async def test_a_mailbox_that_cannot_be_read_is_retried_at_growing_intervals(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    parts = make_bridge(await make_exchange(), await make_rainbow()).parts
    assert [parts.retry_after("a@acme.test") for _ in range(3)] == [0.75, 1.5, 3.0]
    assert [parts.retry_after("b@acme.test") for _ in range(12)][-1] == 225.0  # of at most 300
    parts.retried("a@acme.test")
    assert parts.retry_after("a@acme.test") == 0.75
    assert 0.8 * 6 * 3600 <= (parts.next_reread() - kit.now()).total_seconds() <= 6 * 3600
