import asyncio
import threading

import pytest

from rainbow_exchange.ews.blocking import Blocking


async def test_the_loop_goes_on_while_a_call_waits() -> None:
    go = threading.Event()
    waiting = asyncio.create_task(Blocking().run(lambda: go.wait(30)))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    go.set()
    assert await waiting


async def test_what_it_raises_arrives() -> None:
    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Blocking().run(fail)


async def test_whoever_gives_up_does_not_wait_for_the_call() -> None:
    go = threading.Event()
    blocking = Blocking()
    waiting = asyncio.create_task(blocking.run(lambda: go.wait(30)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    assert await blocking.run(lambda: 1) == 1


async def test_only_a_few_hang_at_a_time_and_the_next_comes_when_one_ends() -> None:
    go = threading.Event()
    blocking = Blocking()
    hanging = [asyncio.create_task(blocking.run(lambda: go.wait(30))) for _ in range(8)]
    await asyncio.sleep(0.01)
    before = threading.active_count()
    late = asyncio.create_task(blocking.run(lambda: 1))
    await asyncio.sleep(0.01)
    assert threading.active_count() == before
    assert not late.done()
    go.set()
    assert await late == 1
    await asyncio.gather(*hanging)


async def test_its_threads_do_not_hold_up_the_end_of_the_process() -> None:
    assert await Blocking().run(lambda: threading.current_thread().daemon)
