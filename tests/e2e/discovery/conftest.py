"""Time in these tests is the loop's own: it jumps to the next timer whenever nothing else is to be done."""

import asyncio
from typing import Any

import looptime
import pytest


class VirtualLoop(looptime.LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """Real sockets, and time that jumps."""

    def __init__(self) -> None:
        super().__init__(start=0, noop_cycles=12, idle_step=0.01, idle_timeout=30)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:  # noqa: ARG001 - its form
    return {"virtual": VirtualLoop}
