"""How late the loop is, on virtual time: what holds it, what does not count, and for how long it is remembered."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from rainbow_exchange.loop_lag import LoopLag, new_loop
from tests.house import virtually


class Machine:
    """A steady clock that can be moved on while nothing else happens."""

    extra = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.extra


def looked_at(test: Callable[[LoopLag, Machine], Awaitable[None]]) -> None:
    """Run a test beside the lag that is looked at."""

    async def run() -> None:
        machine = Machine()
        lag = LoopLag(every=0.25, clock=machine)
        looking = asyncio.create_task(lag.run())
        await asyncio.sleep(10.1)
        await test(lag, machine)
        looking.cancel()

    virtually(run)


def test_at_rest_there_is_none() -> None:
    async def test(lag: LoopLag, _machine: Machine) -> None:
        assert lag.longest() < 0.001
        assert dict(lag.all.buckets())["0.005"] == dict(lag.all.buckets())["+Inf"] == 40

    looked_at(test)


def test_what_holds_the_loop_is_seen_and_forgotten_after_a_minute() -> None:
    async def test(lag: LoopLag, machine: Machine) -> None:
        machine.extra += 0.8  # as by work of that length
        await asyncio.sleep(0.3)
        assert 0.79 < lag.longest() < 0.81
        counted = dict(lag.all.buckets())
        assert (counted["0.5"], counted["1"], counted["+Inf"]) == (40, 41, 41)
        machine.extra += 0.3
        await asyncio.sleep(58)
        assert 0.79 < lag.longest() < 0.81
        await asyncio.sleep(2)
        assert 0.29 < lag.longest() < 0.31
        await asyncio.sleep(60)
        assert lag.longest() < 0.001
        assert dict(lag.all.buckets())["0.25"] == dict(lag.all.buckets())["+Inf"] - 2

    looked_at(test)


def test_a_machine_that_stood_still_was_not_late() -> None:
    async def test(lag: LoopLag, machine: Machine) -> None:
        machine.extra += 8 * 3600
        await asyncio.sleep(1)
        assert lag.longest() < 0.001
        assert dict(lag.all.buckets())["0.005"] == dict(lag.all.buckets())["+Inf"]
        assert lag.all.total < 0.01

    looked_at(test)


def test_work_in_the_loop_is_measured_by_the_clock_of_the_system() -> None:
    """The clock that the product itself takes, with something that really holds the loop."""

    async def run() -> float:
        lag = LoopLag(every=0.001)
        looking = asyncio.create_task(lag.run())
        await asyncio.sleep(0.02)
        end = asyncio.get_running_loop().time() + 0.06
        while asyncio.get_running_loop().time() < end:
            pass
        await asyncio.sleep(0.02)
        looking.cancel()
        return lag.longest()

    assert asyncio.run(run()) >= 0.05


def held(seconds: float) -> float:
    """Hold the loop for so long; return for how long it was."""
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        pass
    return took


def test_a_loop_of_the_product_tells_exactly_how_long_it_was_held() -> None:
    async def run() -> tuple[float, float, dict[str, int]]:
        lag = LoopLag(every=3600)  # so seldom that nothing would be seen by looking
        taking_note = asyncio.create_task(lag.run())
        await asyncio.sleep(0.01)
        took = held(0.03)
        await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        taking_note.cancel()
        return took, lag.longest(), dict(lag.all.buckets())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        took, longest, counted = runner.run(run())
    assert 0.03 <= took <= longest
    assert counted["+Inf"] - counted["0.025"] >= 1
    assert counted["+Inf"] > 100  # each turn


def test_a_loop_that_stood_still_for_more_than_a_minute_was_not_held() -> None:
    async def run() -> float:
        lag = LoopLag()
        taking_note = asyncio.create_task(lag.run())
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        turns = getattr(loop, "turns")  # noqa: B009 - it is no public name of a loop
        turns.long(61.0)
        taking_note.cancel()
        return lag.longest()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(run()) < 60
