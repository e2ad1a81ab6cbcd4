"""The state of the process, without a daemon: what it says before there is anything, and while it stops."""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.condition import Condition
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.histogram import Latency
from rainbow_exchange.sides.wanted import Wanted

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def test_a_state_is_that_of_the_last_review_and_knows_since_when() -> None:
    clock = [START]
    wanted = Wanted(Settings(), Secrets())
    problems = Problems(now=lambda: clock[0])
    condition = Condition(wanted, problems, Timings(Latency(), Latency(), lambda: clock[0]), now=lambda: clock[0])
    assert (condition.state, condition.since, condition.started) == ("starting", START, START)
    assert not condition.ready()

    clock[0] = START + timedelta(seconds=5)
    problems.report("exchange-error", severity="notice", text="…", action="…")
    condition.review()
    assert (condition.state, condition.since) == ("starting", START)

    problems.report("exchange-error", severity="warning", text="…", action="…")
    assert condition.state == "starting"
    condition.review()
    assert (condition.state, condition.since) == ("degraded", clock[0])

    clock[0] = START + timedelta(seconds=9)
    wanted.stop()
    condition.review()
    assert (condition.state, condition.since, condition.started) == ("stopping", clock[0], START)
