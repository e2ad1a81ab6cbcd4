"""What is kept of a mailbox that is covered and told, in bytes: a container for each would be seen here."""

import asyncio
import gc
import sys
from datetime import timedelta
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import aiohttp

from rainbow_exchange.bridge.recent import Recent
from rainbow_exchange.lab.users_file import user_from_json
from tests.house import EPOCH, House, until, virtually

#: what leads out of the bridge, to the program and to whatever else runs on its loop; and what does not depend on how
#: many mailboxes there are: what is kept of the last few events, and the connections that are open just now
_OUTSIDE = (
    *(type, ModuleType, FunctionType, CodeType, FrameType, asyncio.AbstractEventLoop, asyncio.Future),
    *(House, Recent, aiohttp.TCPConnector),
)


def held(root: object) -> int:
    """Add up whatever can be reached from there."""
    seen: dict[int, Any] = {}
    ahead = [root]
    while ahead:
        each = ahead.pop()
        if id(each) not in seen and not isinstance(each, _OUTSIDE):
            seen[id(each)] = each
            ahead += gc.get_referents(each)
    return sum(map(sys.getsizeof, seen.values()))


def kept(folder: Path, people: int) -> int:
    """Return what a bridge holds between companies of so many, each with ten appointments in the days to come."""
    size = 0

    async def test() -> None:
        nonlocal size
        house = House(folder, [user_from_json({"loginEmail": f"p{number}@acme.test"}) for number in range(people)])
        for number, person in enumerate(house.people):
            for meeting in range(10):
                start = EPOCH + timedelta(hours=13 * meeting + 2, minutes=30 * (number % 16))
                house.appointment(person.login_email, f"About {number} and {meeting}", start=start, minutes=30)
        async with house.at_work() as daemon:
            await until(lambda: len(set(house.notified())) == people, within=60)
            await asyncio.sleep(30)  # Rainbow has asked, and the past is written
            bridge = daemon.sides.bridge()
            assert bridge is not None
            size = held(bridge)

    virtually(test)
    return size


def test_a_mailbox_with_ten_appointments_keeps_less_than_eight_kilobytes(tmp_path: Path) -> None:
    few, more = kept(tmp_path / "few", 10), kept(tmp_path / "more", 60)
    assert 3_000 < (more - few) / 50 < 8_000
