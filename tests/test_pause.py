import asyncio
from collections import Counter
from collections.abc import Generator

import pytest

from rainbow_exchange.pause import TURN, Gate, Pause, others_turn


async def test_a_pause_ends_by_itself_or_is_cut_short() -> None:
    pause = Pause()
    assert await pause.sleep(0.01) is False
    asyncio.get_running_loop().call_later(0.01, pause.cut)
    async with asyncio.timeout(60):
        assert await pause.sleep(1000) is True


async def test_a_cut_without_a_pause_does_nothing_to_the_next() -> None:
    pause = Pause()
    pause.cut()
    assert await pause.sleep(0.01) is False


async def test_others_come_to_their_turn_after_each_twentieth_step() -> None:
    steps: list[int] = []
    seen: list[int] = []

    async def look() -> None:
        while True:
            seen.append(len(steps))
            await asyncio.sleep(0)

    other = asyncio.create_task(look())
    for number in range(50):
        steps.append(number)
        await others_turn(number)
    other.cancel()
    assert seen == [20, 40]


async def test_work_lets_others_come_to_their_turn_once_it_has_taken_its_time() -> None:
    done: list[int] = []
    seen: list[int] = []
    now = [0.0]

    def work() -> Generator[None, None, str]:
        for number in range(6):
            done.append(number)
            now[0] += TURN if number == 4 else TURN / 2
            yield
        return "all of it"

    async def look() -> None:
        while True:
            seen.append(len(done))
            await asyncio.sleep(0)

    other = asyncio.create_task(look())
    assert await Gate(clock=lambda: now[0]).through(work()) == "all of it"
    other.cancel()
    assert seen == [2, 4, 5]


async def test_what_all_want_to_do_at_once_is_spread_over_turns_of_the_loop() -> None:
    now, turn = [0.0], [0]
    done: list[tuple[int, int]] = []
    gate = Gate(clock=lambda: now[0])

    async def work(number: int) -> None:
        async with gate.passed():
            done.append((number, turn[0]))
            now[0] += TURN / 2

    async def count() -> None:
        while True:
            turn[0] += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(work(number) for number in range(10)))
    counting.cancel()
    assert [number for number, _ in done] == list(range(10))
    assert max(Counter(turn for _, turn in done).values()) == 2
    assert turn[0] <= 2 * len(done)


async def test_work_that_fails_or_is_given_up_keeps_nobody_waiting() -> None:
    gate = Gate()

    def work() -> Generator[None, None, None]:
        yield
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await gate.through(work())

    async def given_up() -> None:
        async with gate.passed():
            await asyncio.sleep(1000)

    holding = asyncio.create_task(given_up())
    waiting = asyncio.create_task(given_up())
    await asyncio.sleep(0)
    waiting.cancel()
    holding.cancel()
    await asyncio.wait({holding, waiting})
    async with asyncio.timeout(10), gate.passed():
        pass
