"""Steps that may wait for another machine without asking the event loop: each in a thread of its own.

The threads are daemons: a domain controller that never answers must neither hold up the end of the process nor take
away the few threads of the loop's own pool, in which names are resolved.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_MOST = 8  # threads of one Blocking that may hang at a time; whoever comes then waits


class Blocking:
    """Runs calls in threads, a few at a time. The caller limits how long it waits; the call itself cannot be ended."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MOST)

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, or raise what it raises."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def ended(result: T | None, error: Exception | None) -> None:
            self._free.release()
            if outcome.cancelled():
                return
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(result)  # type: ignore[arg-type] # without an error it is the call's

        def body() -> None:
            result, failure = None, None
            try:
                result = call()
            except Exception as error:  # noqa: BLE001 - raised again where it is awaited
                failure = error
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(ended, result, failure)

        threading.Thread(target=body, name="ews-sign-in", daemon=True).start()
        return await outcome
