"""How work is ended: the first of several, and in time."""

import asyncio

import pytest

from rainbow_exchange.ending import ended_alone, first_of, in_time, whole


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

    async with asyncio.timeout(60):
        await in_time(hangs(), asyncio.get_running_loop().time() + 0.01)


async def test_what_is_not_to_be_left_half_done_is_done_though_it_is_cancelled() -> None:
    done: list[str] = []

    async def opens() -> str:
        await asyncio.sleep(0.01)
        done.append("open")
        return "it"

    assert await whole(opens()) == "it"
    opening = asyncio.create_task(whole(opens()))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert done == ["open", "open"]


async def test_one_that_is_alone_says_what_it_has_failed_with() -> None:
    async def fails() -> None:
        raise LookupError("lost")

    failed, goes_on = asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    with pytest.raises(LookupError):
        await ended_alone(failed)
    await ended_alone(goes_on)
    assert goes_on.cancelled()


async def test_whoever_waits_for_an_end_can_be_cancelled() -> None:
    go = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await go.wait()

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(ended_alone(task))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    go.set()
    await asyncio.wait([task])
