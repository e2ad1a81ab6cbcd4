"""What is shown of changes that Rainbow cannot be told, or does not ask about."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.telling import failure, review, telling

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


@pytest.fixture
async def bridge(
    kit: "Kit", make_bridge: "MakeBridge", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow"
) -> "Bridge":
    return make_bridge(await make_exchange(ANN, BOB), await make_rainbow(kit.person("ann"), kit.person("bob")))


async def test_changes_that_wait_are_counted_at_once_and_a_problem_after_a_minute(kit: "Kit", bridge: "Bridge") -> None:
    problems = Problems(now=kit.now)

    def found() -> dict[str, str]:
        review(bridge.pipeline, problems)
        return {problem.id: problem.text for problem in problems}

    async with bridge.at_work("ann", "bob"):
        assert (telling(bridge.pipeline).waiting, telling(bridge.pipeline).failing) == (0, "")
        bridge.rainbow.lab.dials.set(
            {"refuse_next": 1000, "refuse_status": 503, "refuse_retry_after": 120, "refuse_path": "notify"}
        )
        bridge.exchange.appointment(ANN)
        await kit.until(lambda: telling(bridge.pipeline).failing)
        await asyncio.sleep(20)
        view = telling(bridge.pipeline)
        assert (view.waiting, view.refused) == (1, 0)
        assert view.oldest_seconds == pytest.approx(20, abs=2)
        assert view.failing == "retry after 120 s"
        assert view.next_try is not None
        assert (view.next_try - kit.now()).total_seconds() == pytest.approx(100, abs=3)
        assert "rainbow-changes-waiting" not in found()
        assert failure(bridge.pipeline) is None  # it was only asked to wait
        bridge.exchange.appointment(BOB)
        await asyncio.sleep(45)
        assert found()["rainbow-changes-waiting"].startswith(
            "Changes of 2 users could not be told to Rainbow, the oldest for 6"
        )
        assert str(failure(bridge.pipeline)) == "retry after 120 s"
        await asyncio.sleep(300)
        assert "the oldest for 6 min: retry after 120 s" in found()["rainbow-changes-waiting"]
        bridge.rainbow.lab.dials.set({"refuse_next": 0})
        await kit.until(lambda: not telling(bridge.pipeline).waiting, limit=150)
        assert "rainbow-changes-waiting" not in found()
        assert telling(bridge.pipeline).next_try is None


async def test_whom_rainbow_does_not_ask_for_is_counted_after_30_seconds(kit: "Kit", bridge: "Bridge") -> None:
    problems = Problems(now=kit.now)
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(20)
        assert telling(bridge.pipeline).did_not_ask == 0
        await asyncio.sleep(20)
        assert telling(bridge.pipeline).did_not_ask == 2
        review(bridge.pipeline, problems)
        (problem,) = problems
        assert problem.id == "rainbow-did-not-ask"
        assert problem.text == "Rainbow was notified of 2 users and has not asked for their calendars."
