"""A day of the lab's company, against the lab's Exchange."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from lxml import etree

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.life import Life
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.owner import ItemId, Owner, Plan, Refused

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


async def test_an_owner_makes_changes_and_deletes_appointments(exchange: LabExchange, owners: list[Owner]) -> None:
    subject = "Café <R&D> 🎉"
    plan = Plan(subject=subject, start=START, end=START + timedelta(hours=1))
    first, second = await owners[0].create([plan, plan])
    assert [each.subject for each in calendar(exchange, ADDRESSES[0])] == [subject, subject]
    changed = await owners[0].change(first, subject="New", end=START + timedelta(minutes=5))
    await owners[0].delete(second)
    (left,) = calendar(exchange, ADDRESSES[0])
    assert (left.subject, left.end - left.start) == ("New", timedelta(minutes=5))
    assert changed.id == first.id
    with pytest.raises(Refused, match="ErrorItemNotFound"):
        await owners[0].delete(second)


async def test_an_owner_is_out_and_back(exchange: LabExchange, owners: list[Owner]) -> None:
    await owners[0].be_out("En congés 🌴", now=START)
    oof = exchange.directory.by_address[ADDRESSES[0]].oof
    assert (oof.state, oof.audience) == ("Enabled", "Known")
    assert "En congés 🌴" in oof.internal
    await owners[0].be_out(None, now=START)
    assert exchange.directory.by_address[ADDRESSES[0]].oof.state == "Disabled"


async def test_a_wrong_password_is_refused(exchange: LabExchange) -> None:
    async with aiohttp.ClientSession() as session:
        owner = Owner(session, url=exchange.url, address=ADDRESSES[0], password="wrong")
        with pytest.raises(Refused, match="http-401"):
            await owner.create([Plan(subject="x", start=START, end=START)])


async def test_each_request_of_an_owner_validates(shared: Path, unused_tcp_port: int) -> None:
    """Against Microsoft's schema: what an Exchange that is no simulation would take."""
    schema = etree.XMLSchema(etree.parse(shared / "ews" / "schemas" / "all.xsd"))
    seen: list[str] = []

    async def look(request: web.Request) -> web.Response:
        body = etree.fromstring(await request.read()).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        assert body is not None
        schema.assertValid(body[0])
        seen.append(etree.QName(body[0]).localname)
        return web.Response(status=500)

    app = web.Application()
    app.router.add_post("/", look)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    async with aiohttp.ClientSession() as session:
        owner = Owner(session, url=f"http://127.0.0.1:{unused_tcp_port}/", address="a@b.test", password="pw")
        item = ItemId(id="AAA=", change_key="BBB=")
        calls: list[Callable[[], Any]] = [
            lambda: owner.create([Plan(subject="x", start=START, end=START)] * 2),
            lambda: owner.change(item, subject="y", start=START, end=START),
            lambda: owner.delete(item),
            lambda: owner.be_out("gone", now=START),
            lambda: owner.be_out(None, now=START),
        ]
        for call in calls:
            with pytest.raises(Refused, match="http-500"):
                await call()
    await runner.cleanup()
    assert Counter(seen) == Counter(["CreateItem", "UpdateItem", "DeleteItem", *["SetUserOofSettingsRequest"] * 2])


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
