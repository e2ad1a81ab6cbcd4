"""A process within a loop that it shares with its peers: it can be killed as `kill -9` kills, as far as one can see.

Whatever is begun by what runs in it belongs to it: tasks, timers and sockets carry its context. Once it is killed, its
sockets are closed by no word of its own and it reaches nobody any more; what it still does then, since it cannot be
taken off the loop, nobody hears of.
"""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from typing import Any

from tests.virtual_time import VirtualLoop

_RUNS_IN: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """One run of the connector."""

    def __init__(self) -> None:
        self.killed = False
        self.context = copy_context()
        self.context.run(_RUNS_IN.set, self)

    def kill(self) -> None:
        """Close its sockets at once, those that listen too, and let it open no other."""
        self.killed = True
        loop = asyncio.get_running_loop()
        for file in [*self._files(loop)]:
            transport = loop._transports.get(file)  # type: ignore[attr-defined]  # of selector loops
            if transport is not None:
                transport.abort()

    def _files(self, loop: Any) -> Iterator[int]:
        for key in loop._selector.get_map().values():
            for handle in key.data if isinstance(key.data, tuple) else ():
                if handle is not None and handle._context.get(_RUNS_IN) is self:
                    yield key.fd
                    break


class LoopOfProcesses(VirtualLoop):
    """Connects nobody who has been killed."""

    async def sock_connect(self, sock: Any, address: Any) -> None:
        process = _RUNS_IN.get()
        if process is not None and process.killed:
            raise ConnectionAbortedError("of a process that was killed")
        await super().sock_connect(sock, address)
