"""Thousands of mailboxes whose subscriptions are lost at once, on a server that takes its time."""

import asyncio
from pathlib import Path

import pytest

from tests.house import now, virtually
from tests.scale.company import Company

PEOPLE = 5000


@pytest.mark.scale
@pytest.mark.timeout(900)
def test_5000_read_by_themselves_at_a_fifth_of_a_second_are_all_read_within_five_minutes(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, PEOPLE, impersonation=True, preset="stock-2016")
        async with here.at_work("starting") as daemon:
            await here.until(lambda: here.covered()["streamed"] == PEOPLE, within=900, step=5)
            sides = daemon._sides
            assert sides is not None
            assert sides.exchange is not None
            reader = sides.exchange.pipeline.parts.reader
            addresses = [f"u{number:05}@acme.test" for number in range(PEOPLE)]
            await here.until(lambda: all(map(reader.last, addresses)), within=900, step=5)
            here.exchange.dials.turn({"delay_seconds": 0.2})
            began = now()
            assert here.exchange.disasters.fail_over("exch02.acme.test", streams="error") == PEOPLE
            here.exchange.dials.turn({"suppress_notifications": True})
            here.change(PEOPLE - 1)
            here.exchange.dials.turn({"suppress_notifications": False})

            def unread() -> int:
                return sum(not ((last := reader.last(each)) and last.read_at > began) for each in addresses)

            await here.until(lambda: not unread(), within=300, step=5)
            await asyncio.sleep(10)
            assert here.covered()["streamed"] == PEOPLE
            assert here.refused()[1] == 0

    virtually(test)
