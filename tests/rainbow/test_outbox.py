import asyncio
from collections.abc import Iterable
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

    async def write(self, frames: Iterable[str]) -> None:
        self.writing += 1
        assert self.writing == 1, "two at a time"
        await self.open.wait()
        self.frames += frames
        self.writing -= 1


async def test_frames_leave_one_after_the_other_in_their_order() -> None:
    socket = Socket()
    outbox = Outbox(socket.write)
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(outbox.send(str(number)))
        await asyncio.sleep(0)
        socket.open.set()
    assert socket.frames == [str(number) for number in range(100)]


async def test_frame_is_made_only_when_its_turn_has_come() -> None:
    socket = Socket()
    outbox = Outbox(socket.write)
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
    outbox = Outbox(socket.write)
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
    outbox = Outbox(socket.write)
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
    async def write(_: Iterable[str]) -> None:
        raise RainbowConnectionError("closed")

    outbox = Outbox(write)
    await outbox.post("x")
    with pytest.raises(RainbowConnectionError):
        await outbox.run()
    with pytest.raises(RainbowConnectionError):
        await outbox.send("y")


async def test_what_is_left_is_sent_in_its_order_and_told_only_then() -> None:
    socket, sent = Socket(), list[str]()
    outbox = Outbox(socket.write)
    running = asyncio.create_task(outbox.run())
    for number in range(30):
        outbox.leave(f"{number}" + "x" * 1000, lambda number=number: sent.append(f"{number}"))  # type: ignore[misc]  # a default binds it
    await asyncio.sleep(1)
    assert sent == []
    socket.open.set()
    await asyncio.sleep(1)
    assert sent == [str(number) for number in range(30)]
    assert [frame.rstrip("x") for frame in socket.frames] == sent
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_it_is_ready_until_128_kibibytes_are_waiting_and_again_once_they_have_left() -> None:
    socket = Socket()
    outbox = Outbox(socket.write)
    running = asyncio.create_task(outbox.run())
    ready = []
    for _ in range(9):
        ready.append(outbox.ready)
        outbox.leave("x" * 2**14, lambda: None)
    assert ready == [True] * 8 + [False]
    socket.open.set()
    await asyncio.sleep(1)
    assert outbox.ready
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_of_what_is_left_none_is_written_twice_when_the_writer_is_cancelled_midway() -> None:
    frames, sent, full = list[str](), list[str](), asyncio.Event()

    async def write(some: Iterable[str]) -> None:
        for frame in some:
            frames.append(frame)
            if frame == "2" and not full.is_set():
                full.set()
                await asyncio.Event().wait()  # a socket that takes no more

    outbox = Outbox(write)
    for number in range(4):
        outbox.leave(str(number), lambda number=number: sent.append(f"{number}"))  # type: ignore[misc]  # a default binds it
    running = asyncio.create_task(outbox.run())
    await full.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await outbox.flush()
    assert frames == ["0", "1", "2", "3"]
    assert sent == ["3"]


async def test_whoever_waits_has_a_turn_though_more_is_left_with_everything_that_leaves() -> None:
    written: list[str] = []

    async def write(frames: Iterable[str]) -> None:
        written.extend(frames)
        if len(written) < 1000:
            outbox.leave("x" * 2**14, lambda: None)

    outbox = Outbox(write)
    outbox.leave("x", lambda: None)
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    await outbox.send("answer")
    assert written.index("answer") < 10
    await asyncio.sleep(1)
    assert len(written) >= 1000
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
