"""Changes of owners, as the record of the lab's Exchange tells of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.owner import Owner, Plan, Refused
from rainbow_exchange.lab.writes import Writes

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PLAN = Plan(subject="Point", start=START, end=START + timedelta(hours=1))


@pytest.fixture
async def exchange() -> AsyncIterator[LabExchange]:
    mailboxes = [LabMailbox(address="ada@acme.test"), LabMailbox(address="alan@acme.test")]
    lab = LabExchange(mailboxes=mailboxes, password="pw", now=lambda: START, random=Random(1).random)
    await lab.start()
    yield lab
    await lab.stop()


async def test_each_change_of_any_owner_is_told_once_it_is_answered(exchange: LabExchange) -> None:
    """Also one that goes on while another one ends, and one that is refused; reading is no change."""
    heard: list[tuple[str, str, str]] = []

    async def hear(lab: LabCalls) -> None:
        async for each in Writes(lab).changes():
            heard.append((each.mailbox, each.operation, each.code))  # noqa: PERF401  (without end)

    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        ada, alan = (
            Owner(session, url=exchange.url, address=f"{name}@acme.test", password="pw") for name in ("ada", "alan")
        )
        await ada.create([PLAN])  # before anybody looks
        hearing = asyncio.create_task(hear(LabCalls(session, exchange.base)))
        while not heard:
            await ada.agenda(START, START + timedelta(days=1))
            (item,) = await ada.create([PLAN])
            await asyncio.sleep(0.02)
        exchange.dials.turn({"delay_operations": ["DeleteItem"], "delay_seconds": 0.3})
        slow = asyncio.create_task(ada.delete(item))
        while not exchange.record.counts["DeleteItem"]:  # noqa: ASYNC110  (over a socket)
            await asyncio.sleep(0.01)
        await alan.be_out("Away", now=START)
        await slow
        with pytest.raises(Refused):
            await ada.delete(item)
        while len(heard) < 4 or heard[-1][2] == "NoError":  # noqa: ASYNC110  (over a socket)
            await asyncio.sleep(0.01)
        hearing.cancel()
        with suppress(asyncio.CancelledError):
            await hearing
    assert set(heard[:-3]) == {("ada@acme.test", "CreateItem", "NoError")}
    assert heard[-3:] == [
        ("alan@acme.test", "SetUserOofSettings", "NoError"),
        ("ada@acme.test", "DeleteItem", "NoError"),
        ("ada@acme.test", "DeleteItem", "ErrorItemNotFound"),
    ]
