"""A day of the lab's company, against the lab's Exchange."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.life import Life
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.owner import Owner

ADDRESSES = [f"p{index}@acme.test" for index in range(10)]
START = datetime(2026, 1, 5, 8, 12, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def exchange(clock: Clock) -> AsyncIterator[LabExchange]:
    mailboxes = [LabMailbox(address=address) for address in ADDRESSES]
    lab = LabExchange(mailboxes=mailboxes, password="pw", now=clock, random=Random(1).random)
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def owners(exchange: LabExchange) -> AsyncIterator[list[Owner]]:
    async with aiohttp.ClientSession() as session:
        yield [Owner(session, url=exchange.url, address=address, password="pw") for address in ADDRESSES]


def calendar(exchange: LabExchange, address: str) -> list[Details]:
    """List what Exchange keeps of a mailbox on that day."""
    kept = exchange.directory.by_address[address].calendar
    return [each.details for each in kept.view(START - timedelta(days=1), START + timedelta(days=1))]


async def test_the_day_begins_with_a_calendar_for_everybody_and_some_in_a_meeting(
    exchange: LabExchange, owners: list[Owner], clock: Clock
) -> None:
    life = Life(owners, made=Made(), now=clock, random=Random(1))
    await life.prepare()
    days = [calendar(exchange, address) for address in ADDRESSES]
    assert all(len(day) >= 2 for day in days)
    running = [day for day in days if any(each.start <= START < each.end for each in day)]
    assert 1 <= len(running) < len(days)


async def test_changes_are_of_all_kinds_and_what_can_be_seen_is_noted(owners: list[Owner], clock: Clock) -> None:
    """In 150 changes at half a minute each, what clients should come to see is waiting to be seen, and nothing else."""
    made = Made()
    life = Life(owners, made=made, now=clock, random=Random(3))
    await life.prepare()
    kinds: Counter[str] = Counter()
    for _ in range(150):
        for mailbox in made.waiting():
            made.seen(mailbox, 0)
        kind = await life.change_something()
        kinds[kind] += 1
        assert len(made.waiting()) == (0 if kind == "planned" else 1)
        clock.at += timedelta(seconds=30)
    assert set(kinds) == {"busy", "free", "renamed", "planned", "out", "back"}
    assert life.changes == 150
    assert life.failures == 0
    assert kinds["busy"] > 20


async def test_a_change_that_fails_is_not_waited_for(exchange: LabExchange, owners: list[Owner], clock: Clock) -> None:
    made = Made()
    life = Life(owners, made=made, now=clock, random=Random(1))
    await exchange.stop()
    for _ in range(10):
        with pytest.raises(aiohttp.ClientError):
            await life.change_something()
    assert made.waiting() == []
    assert life.changes == 0
