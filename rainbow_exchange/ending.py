"""How work is ended: the first of several that is over, one task after another, all in time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

#: seconds that leaving a side in order may take
STOP_WITHIN = 9.5

T = TypeVar("T")


async def first_of(*works: Coroutine[Any, Any, T]) -> T:
    """Return what the first of these to end returns, by their order where several do; the others are cancelled."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(work) for work in works]
        done, _ = await asyncio.wait(started, return_when=asyncio.FIRST_COMPLETED)
        for task in started:
            task.cancel()
    return next(task.result() for task in started if task in done)


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do this to its end though cancelled meanwhile: what is half opened nobody could close."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        if not task.done():
            await asyncio.wait([task])


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended; what it raises is its TaskGroup's business."""
    task.cancel()
    await asyncio.wait([task])


async def in_time(work: Coroutine[Any, Any, None], by: float) -> None:
    """Do this until `by` on the loop's clock, and no longer."""
    try:
        async with asyncio.timeout_at(by):
            await work
    except TimeoutError:
        log.warning("stop_cut_short", after_seconds=STOP_WITHIN)


async def ended_alone(task: asyncio.Task[None]) -> None:
    """End a task that has no TaskGroup, as `ended` does; raises what it has failed with."""
    await ended(task)
    if not task.cancelled():
        task.result()
