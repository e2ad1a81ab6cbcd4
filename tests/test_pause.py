import asyncio

from rainbow_exchange.pause import Pause, others_turn


async def test_a_pause_ends_by_itself_or_is_cut_short() -> None:
    pause = Pause()
    loop = asyncio.get_running_loop()
    assert await pause.sleep(0.01) is False
    began = loop.time()
    loop.call_later(0.01, pause.cut)
    assert await pause.sleep(30) is True
    assert loop.time() - began < 5


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
