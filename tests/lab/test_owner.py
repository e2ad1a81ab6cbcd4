"""A mailbox's owner over EWS, against the lab's Exchange."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from lxml import etree

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.calendar import Details, details_from
from rainbow_exchange.lab.exchange.recurrence import read
from rainbow_exchange.lab.exchange.wire import read_back, t
from rainbow_exchange.lab.owner import Absence, ItemId, Owner, Plan, Refused

ADDRESS = "ada@acme.test"
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def exchange() -> AsyncIterator[LabExchange]:
    lab = LabExchange(
        mailboxes=[LabMailbox(address=ADDRESS)], password="pw", now=lambda: START, random=Random(1).random
    )
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def owner(exchange: LabExchange) -> AsyncIterator[Owner]:
    async with aiohttp.ClientSession() as session:
        yield Owner(session, url=exchange.url, address=ADDRESS, password="pw")


def calendar(exchange: LabExchange) -> list[Details]:
    """List what Exchange keeps of the mailbox on that day."""
    kept = exchange.directory.by_address[ADDRESS].calendar
    return [each.details for each in kept.view(START - timedelta(days=1), START + timedelta(days=1))]


async def test_an_owner_makes_changes_and_deletes_appointments(exchange: LabExchange, owner: Owner) -> None:
    subject = "Café <R&D> 🎉"
    plan = Plan(subject=subject, start=START, end=START + HOUR)
    first, second = await owner.create([plan, replace(plan, sensitivity="Private", show_as="OOF")])
    made = [(each.subject, each.sensitivity, each.show_as) for each in calendar(exchange)]
    assert sorted(made) == [(subject, "Normal", "Busy"), (subject, "Private", "OOF")]
    changed = await owner.change(first, subject="New", end=START + timedelta(minutes=5))
    await owner.delete(second)
    (left,) = calendar(exchange)
    assert (left.subject, left.end - left.start) == ("New", timedelta(minutes=5))
    assert changed.id == first.id
    assert changed.change_key != first.change_key
    await owner.change(
        changed, start=START + 2 * HOUR, end=START + 3 * HOUR, show_as="Tentative", sensitivity="Personal"
    )
    (left,) = calendar(exchange)
    assert (left.subject, left.start, left.end) == ("New", START + 2 * HOUR, START + 3 * HOUR)
    assert (left.show_as, left.sensitivity) == ("Tentative", "Personal")
    with pytest.raises(Refused, match="ErrorItemNotFound"):
        await owner.delete(second)


async def test_an_owner_lists_a_calendar(exchange: LabExchange, owner: Owner) -> None:
    """By beginning, with what others set, meetings of a series each by itself, and nothing outside of the window."""
    await owner.create(
        [
            Plan(subject="Later", start=START + 2 * HOUR, end=START + 3 * HOUR, sensitivity="Confidential"),
            Plan(subject="<Café> & Co", start=START, end=START + HOUR, show_as="WorkingElsewhere"),
            Plan(subject="Next week", start=START + timedelta(days=7), end=START + timedelta(days=7, hours=1)),
        ]
    )
    kept = exchange.directory.by_address[ADDRESS].calendar
    daily = t("DailyRecurrence", t("Interval", "1"))
    numbered = t("NumberedRecurrence", t("StartDate", "2026-01-05"), t("NumberOfOccurrences", "3"))
    every_day = details_from({"start": "2026-01-05T12:00:00+00:00", "end": "2026-01-05T12:30:00+00:00", "subject": ""})
    kept.create(every_day, recurrence=read(read_back(t("Recurrence", daily, numbered))))
    listed = await owner.agenda(START, START + timedelta(days=1))
    assert [(each.subject, each.start, each.end) for each in listed] == [
        ("<Café> & Co", START, START + HOUR),
        ("Later", START + 2 * HOUR, START + 3 * HOUR),
        ("", START + 4 * HOUR, START + 4.5 * HOUR),
    ]
    assert [each.show_as for each in listed] == ["WorkingElsewhere", "Busy", "Busy"]
    assert [each.private for each in listed] == [False, True, False]
    assert [each.series for each in listed] == [False, False, True]
    await owner.delete(listed[2].item)
    assert len(await owner.agenda(START, START + timedelta(days=2))) == 3, "tomorrow's meeting of the series is left"


async def test_a_subject_with_a_character_that_xml_forbids_is_shown_without_it(
    exchange: LabExchange, owner: Owner
) -> None:
    await owner.create([Plan(subject="Point", start=START, end=START + HOUR)])
    exchange.dials.charrefs_in_subjects = True
    (entry,) = await owner.agenda(START, START + HOUR)
    assert entry.subject == "Point"
    with pytest.raises(Refused, match="text-not-possible"):
        await owner.change(entry.item, subject="a\x00b")


async def test_an_owner_is_out_and_back(exchange: LabExchange, owner: Owner) -> None:
    await owner.be_out("En congés 🌴", now=START)
    oof = exchange.directory.by_address[ADDRESS].oof
    assert (oof.state, oof.audience) == ("Enabled", "Known")
    assert "En congés 🌴" in oof.internal
    assert (await owner.out_of_office()).on(START)
    await owner.be_out(None, now=START)
    assert exchange.directory.by_address[ADDRESS].oof.state == "Disabled"
    assert not (await owner.out_of_office()).on(START)


async def test_a_planned_absence_is_read_as_it_was_set(owner: Owner) -> None:
    planned = Absence(
        state="Scheduled", internal="Bientôt <là>", external="Away", start=START + HOUR, end=START + 2 * HOUR
    )
    await owner.set_out_of_office(planned)
    read = await owner.out_of_office()
    assert read == planned
    assert [read.on(START + hours * HOUR) for hours in (0, 1, 1.5, 2)] == [False, True, True, False]
    with pytest.raises(Refused, match="ErrorInvalidScheduledOofDuration"):
        await owner.set_out_of_office(replace(planned, end=START))


async def test_a_wrong_password_is_refused(exchange: LabExchange) -> None:
    async with aiohttp.ClientSession() as session:
        owner = Owner(session, url=exchange.url, address=ADDRESS, password="wrong")
        with pytest.raises(Refused, match="http-401"):
            await owner.create([Plan(subject="x", start=START, end=START)])


async def test_an_answer_without_end_is_not_read_to_it(unused_tcp_port: int) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):  # whoever asked has gone
            for _ in range(1000):
                await response.write(b"<a>" * 100_000)
        return response

    app = web.Application()
    app.router.add_post("/", pour)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    async with aiohttp.ClientSession() as session:
        owner = Owner(session, url=f"http://127.0.0.1:{unused_tcp_port}/", address=ADDRESS, password="pw")
        with pytest.raises(Refused, match="answer-too-long"):
            await owner.agenda(START, START)
    await runner.cleanup()


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
    plan = Plan(subject="x", start=START, end=START)
    async with aiohttp.ClientSession() as session:
        owner = Owner(session, url=f"http://127.0.0.1:{unused_tcp_port}/", address="a@b.test", password="pw")
        item = ItemId(id="AAA=", change_key="BBB=")
        calls: list[Callable[[], Any]] = [
            lambda: owner.agenda(START, START),
            lambda: owner.create([plan, replace(plan, sensitivity="Private")]),
            lambda: owner.change(item, subject="y", start=START, end=START, show_as="Free", sensitivity="Private"),
            lambda: owner.delete(item),
            owner.out_of_office,
            lambda: owner.be_out("gone", now=START),
            lambda: owner.be_out(None, now=START),
        ]
        for call in calls:
            with pytest.raises(Refused, match="http-500"):
                await call()
    await runner.cleanup()
    assert Counter(seen) == Counter(
        [
            *("FindItem", "CreateItem", "UpdateItem", "DeleteItem", "GetUserOofSettingsRequest"),
            *["SetUserOofSettingsRequest"] * 2,
        ]
    )
