"""A thousand newcomers within a minute, on a stock Exchange where each stream left counts on for a minute."""

import asyncio
from random import Random

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.exchange.throttling import PRESETS
from rainbow_exchange.model import Mailbox
from tests.house import now, virtually


@pytest.mark.parametrize(
    ("preset", "impersonation"), [("stock-2016", True), ("stock-2013", True), ("stock-2016", False)]
)
def test_a_thousand_newcomers_within_a_minute_cause_few_reopenings(preset: str, impersonation: bool) -> None:
    async def test() -> None:
        boxes = [LabMailbox(address=f"u{number}@acme.test", right=Right.REVIEWER) for number in range(1000)]
        exchange = LabExchange(mailboxes=boxes, password="pw", now=now, random=Random(1).random, **PRESETS[preset])
        await exchange.start()
        client = EwsClient(url=exchange.url, auth=BasicAuth("svc-rainbow", "pw"), ssl=None, now=now)
        watcher = Watcher(client, impersonation=impersonation, emit=lambda _: None, now=now, random=Random(1).random)
        async with client, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watcher.run())
            began = asyncio.get_running_loop().time()
            for number, box in enumerate(boxes):
                await watcher.subscribe(Mailbox(address=box.address))
                await asyncio.sleep(max(began + 0.06 * (number + 1) - asyncio.get_running_loop().time(), 0))
            await asyncio.sleep(30)
            assert sum(watcher.coverage(box.address) == "streamed" for box in boxes) == 1000
            assert sum(view.reopenings for view in watcher.streams()) <= 15
            opened = exchange.record.read(operation="GetStreamingEvents")
            assert len(opened) <= 15
            assert [each["code"] for each in opened if each["code"] == "ErrorExceededConnectionCount"] == []
            running.cancel()
        await exchange.stop()

    virtually(test)
