"""The product with one leak planted: `python leaky.py KIND run`, KIND being tasks, sockets or memory.

Each question from Rainbow that is answered leaves something behind, as a forgotten reference would.
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from rainbow_exchange.__main__ import main
from rainbow_exchange.bridge.answer import Answers

#: what is left behind by each answer in bytes, where it is memory
EACH = 300_000
kept: list[Any] = []


def leave_task() -> None:
    """Leave a task that waits for what never comes."""
    kept.append(asyncio.create_task(asyncio.Event().wait(), name="leaky:answer"))


def leave_socket() -> None:
    """Leave a socket open."""
    kept.append(socket.socket())


def leave_memory() -> None:
    """Leave memory that nobody reads any more, in pieces such as a calendar is made of."""
    kept.append([bytes(200) for _ in range(EACH // 200)])


LEAKS: dict[str, Callable[[], None]] = {"tasks": leave_task, "sockets": leave_socket, "memory": leave_memory}


def plant(leak: Callable[[], None]) -> None:
    """Have each answer leak."""
    answer: Callable[..., Awaitable[Any]] = Answers.answer
    at_once: Callable[..., Any] = Answers.at_once

    async def leaking(self: Answers, *arguments: Any, **more: Any) -> Any:
        leak()
        return await answer(self, *arguments, **more)

    def leaking_at_once(self: Answers, *arguments: Any) -> Any:
        answered = at_once(self, *arguments)
        if answered is not None:
            leak()
        return answered

    Answers.answer = leaking  # type: ignore[method-assign]  # this is the leak
    Answers.at_once = leaking_at_once  # type: ignore[method-assign, assignment]  # and this


if __name__ == "__main__":
    plant(LEAKS[sys.argv.pop(1)])
    main()
