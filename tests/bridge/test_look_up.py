"""Single addresses that Rainbow asks about: an error that nobody waits for any more is no loose end."""

import asyncio
import gc
from typing import Any

import pytest

from rainbow_exchange.bridge.look_up import LookUps
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.types import RainbowUser


async def test_an_error_after_everybody_has_left_off_waiting_is_no_loose_end() -> None:
    loose: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: loose.append(context))
    fails = asyncio.Event()

    async def ask(_: str) -> RainbowUser | None:
        await fails.wait()
        raise RainbowConnectionError("closed", "the connection was closed")

    look_ups = LookUps(ask)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await look_ups.find("new@acme.test", listing=0)
    fails.set()
    await asyncio.sleep(0.5)
    await look_ups.close()
    del look_ups
    gc.collect()
    await asyncio.sleep(0)
    assert loose == []
