"""Limits drawn from a printed seed, and changed while thousands of requests are made: few are refused."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random, SystemRandom
from typing import Any

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.calendar import read_availability
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.model import Mailbox, Window
from tests.house import now, virtually

PEOPLE, GROUP, ASKERS, MOST = 220, 20, 60, 40
REFUSALS = ("ErrorExceededConnectionCount", "ErrorServerBusy")


class Load:
    """A connector that watches 220 mailboxes, and 60 askers who always have another question."""

    def __init__(self, exchange: LabExchange, random: Random) -> None:
        self.exchange = exchange
        self.random = random
        self.client = EwsClient(
            url=exchange.url, auth=BasicAuth("svc-rainbow", "pw"), ssl=None, max_in_flight=MOST, now=now
        )
        self.watcher = Watcher(
            self.client,
            impersonation=False,
            emit=lambda _: None,
            now=now,
            random=random.random,
            group_size=GROUP,
        )

    async def ask(self) -> None:
        while True:
            mailbox = f"u{self.random.randrange(PEOPLE)}@acme.test"
            window = Window(start=now(), end=now() + timedelta(hours=1))
            try:
                await read_availability(self.client, [mailbox], window, read_at=now())
            except EwsError:
                await asyncio.sleep(self.random.uniform(1, 3))
            await asyncio.sleep(self.random.uniform(0, 6))

    def requests(self) -> Counter[str]:
        return Counter(each.code for each in self.exchange.record._requests)

    async def share_refused(self, seconds: float) -> float:
        """Let so much time pass; give the share of requests that were refused."""
        before = self.requests()
        await asyncio.sleep(seconds)
        sent = self.requests() - before
        return sum(sent[code] for code in REFUSALS) / sent.total()


@pytest.mark.parametrize("drawn", [1, pytest.param(None, marks=pytest.mark.scale)], ids=["seed 1", "any seed"])
def test_after_the_first_minute_few_are_refused_and_the_limits_rise_again(drawn: int | None) -> None:
    seed = SystemRandom().randrange(10**6) if drawn is None else drawn
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    random = Random(seed)

    def limits() -> dict[str, Any]:
        return {"stream_limit": random.randint(3, 10), "request_limit": random.randint(5, 40)}

    async def test() -> None:
        first, second = limits(), limits()
        print(first, second)  # noqa: T201 - same
        boxes = [LabMailbox(address=f"u{number}@acme.test", right=Right.REVIEWER) for number in range(PEOPLE)]
        exchange = LabExchange(
            mailboxes=boxes, password="pw", now=now, random=random.random, abandoned_seconds=30.0,
            delay_seconds=4.0, delay_operations=["GetUserAvailability"], **first,
        )  # fmt: skip
        await exchange.start()
        load = Load(exchange, random)
        async with load.client, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(load.watcher.run())]
            for box in boxes:
                await load.watcher.subscribe(Mailbox(address=box.address))
            running += [tasks.create_task(load.ask()) for _ in range(ASKERS)]
            await asyncio.sleep(60)
            assert await load.share_refused(180) <= 0.02
            assert load.watcher.limits().streams_open == first["stream_limit"]
            exchange.dials.turn(second)
            for stream in list(exchange.streams.open):  # each is to be opened anew under the new limit
                stream.ordered("close")
            await asyncio.sleep(60)
            assert await load.share_refused(180) <= 0.02
            lower = load.watcher.limits().streams_open
            assert lower <= second["stream_limit"]
            in_flight = load.client.in_flight.limit
            exchange.dials.turn({"stream_limit": 20, "request_limit": 60})
            assert await load.share_refused(600) <= 0.02
            assert load.watcher.limits().streams_open == PEOPLE // GROUP
            assert load.client.in_flight.limit > in_flight or in_flight == MOST
            for each in running:
                each.cancel()
        await exchange.stop()

    virtually(test)
