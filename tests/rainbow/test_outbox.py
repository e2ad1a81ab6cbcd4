import asyncio
from contextlib import suppress

import pytest

from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.outbox import Outbox


class Socket:
    """Takes a frame as soon as it is let."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.open = asyncio.Event()
        self.writing = 0

    async def put(self, frame: str) -> None:
        self.writing += 1
        assert self.writing == 1, "two at a time"
        await self.open.wait()
        self.frames.append(frame)
        self.writing -= 1


async def test_frames_leave_one_after_the_other_in_their_order() -> None:
    socket = Socket()
    outbox = Outbox(socket.put)
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(outbox.send(str(number)))
        await asyncio.sleep(0)
        socket.open.set()
    assert socket.frames == [str(number) for number in range(100)]


async def test_frame_is_made_only_when_its_turn_has_come() -> None:
    socket = Socket()
    outbox = Outbox(socket.put)
    made = 0

    async def answer() -> None:
        nonlocal made
        async with outbox.turn():
            made += 1
            await outbox.put("x" * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(answer())
        await asyncio.sleep(1)
        assert made == 1
        socket.open.set()
    assert made == 50


async def test_what_is_posted_goes_in_one_turn_and_nobody_waits_for_it() -> None:
    socket = Socket()
    outbox = Outbox(socket.put)
    running = asyncio.create_task(outbox.run())
    for number in range(3):
        await outbox.post(f"p{number}")
    await asyncio.sleep(1)
    others = [asyncio.create_task(outbox.send(f"s{number}")) for number in range(2)]
    socket.open.set()
    await asyncio.gather(*others)
    assert socket.frames == ["p0", "p1", "p2", "s0", "s1"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_posting_waits_once_four_mebibytes_are_waiting() -> None:
    socket = Socket()
    outbox = Outbox(socket.put)
    running = asyncio.create_task(outbox.run())
    for _ in range(5):
        await outbox.post("x" * 2**20)
    sixth = asyncio.create_task(outbox.post("y"))
    await asyncio.sleep(10)
    assert not sixth.done()
    socket.open.set()
    await sixth
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_stream_that_is_over_ends_it() -> None:
    async def put(_: str) -> None:
        raise RainbowConnectionError("closed")

    outbox = Outbox(put)
    await outbox.post("x")
    with pytest.raises(RainbowConnectionError):
        await outbox.run()
    with pytest.raises(RainbowConnectionError):
        await outbox.send("y")
