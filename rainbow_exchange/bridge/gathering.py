"""Requests about single ones that are wanted within a moment, sent as one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from rainbow_exchange.ews.errors import EwsError

#: seconds for which company is gathered, and at most while another request is under way
GATHER, GATHER_MOST = 0.02, 0.1
#: seconds that several wait for one answer before each is asked about alone: one of them may hold it up
PATIENCE = 2.0

T = TypeVar("T", bound=Hashable)


class Gathering(Generic[T]):
    """Sends by `together`, which asks about several, or returns False where it has nobody to ask about together.

    Then, and where it fails, each is asked about by `alone`.
    """

    def __init__(self, together: Callable[[list[T]], Awaitable[bool]], alone: Callable[[T], Awaitable[None]]) -> None:
        self._together = together
        self._alone = alone
        self._gathered: dict[T, None] = {}
        self._sent: asyncio.Future[bool] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, one: T, *, most: int) -> None:
        """Return once a request that was sent after this call has told of `one`; at most so many share one.

        Raises what it fails with for this one alone.
        """
        if self._sent is None or len(self._gathered) >= most:
            self._gathered, self._sent = {}, asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._send(self._gathered, self._sent), name="absences:questions")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._gathered[one] = None
        if not await asyncio.shield(self._sent):
            await self._alone(one)

    async def close(self) -> None:
        """End what is under way; whoever waits for it asks alone."""
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    async def _send(self, gathered: dict[T, None], sent: asyncio.Future[bool]) -> None:
        told = False
        try:
            await asyncio.sleep(GATHER)
            if under_way := [task for task in self._sending if task is not asyncio.current_task()]:
                await asyncio.wait(under_way, timeout=GATHER_MOST - GATHER, return_when=asyncio.FIRST_COMPLETED)
            if self._sent is sent:
                self._sent = None
            async with asyncio.timeout(PATIENCE):
                told = await self._together(list(gathered))
        except (EwsError, TimeoutError):
            pass  # each finds out for itself
        except Exception as bug:  # noqa: BLE001  (it is raised where it is waited for)
            sent.set_exception(bug)
        finally:
            if self._sent is sent:
                self._sent = None
            if not sent.done():
                sent.set_result(told)
