"""How work is ended: the first of several, and in time."""

import asyncio

from rainbow_exchange.ending import first_of, in_time


async def test_the_first_wins_and_the_others_are_cancelled() -> None:
    cancelled: list[str] = []

    async def waits(name: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(name)
        return name

    async def ends() -> str:
        return "first"

    assert await first_of(waits("slow"), ends()) == "first"
    assert cancelled == ["slow"]


async def test_what_takes_too_long_is_cut_short() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    started = loop.time()
    await in_time(hangs(), started + 0.01)
    assert loop.time() - started < 1
