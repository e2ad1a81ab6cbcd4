import asyncio
import time

from rainbow_exchange.rainbow.pace import HELD, Pace


async def test_others_have_the_loop_once_it_was_held_for_its_time() -> None:
    turns: list[str] = []
    pace = Pace()
    asyncio.get_running_loop().call_soon(turns.append, "another's")
    await pace.kept()
    turns.append("ours")
    time.sleep(HELD * 1.5)  # noqa: ASYNC251  (work that takes so long is what it is about)
    await pace.kept()
    turns.append("ours")
    assert turns == ["ours", "another's", "ours"]
