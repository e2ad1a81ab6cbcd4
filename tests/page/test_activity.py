"""What happens is seen without reloading, by person and by kind, and without a subject."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
from lxml import html

from rainbow_exchange.bridge.history import What
from tests.house import EPOCH, House, virtually


async def lines(client: aiohttp.ClientSession, **query: str) -> list[tuple[str, str]]:
    """Load the page; give whom its lines are about and what they say, the newest first."""
    async with client.get("/activity", params=query) as answer:
        assert answer.status == 200
        page = html.fromstring(await answer.text())
    assert "4711" not in html.tostring(page, encoding="unicode")
    rows = [each.xpath("./span") for each in page.xpath("//ol[@id='activity_lines']/li")]
    return [(who.text_content(), text.text_content()) for _time, who, text in rows]


def test_a_change_is_seen_as_it_happens(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        ada, bob = (each.login_email for each in house.people[:2])
        async with house.at_work() as daemon, house.browser() as client:
            await asyncio.sleep(30)
            recent, mailbox = daemon.sides.history.recent, house.people[0].mailbox
            assert mailbox is not None
            number = recent.number
            async with client.get("/live/activity", params={"who": ada, "after": str(number)}) as stream:
                house.appointment(mailbox.address, "Sbj4711", start=EPOCH + timedelta(hours=1))
                said = ""
                while "and was answered" not in said:
                    said += (await stream.content.readuntil(b"\n\n")).decode()
            assert "event: more\nid: " in said
            assert "Exchange announced a change of the calendar." in said
            assert "4711" not in said
            assert bob not in said
            assert (ada, "Exchange announced a change of the calendar.") in await lines(client)
            assert {who for who, _ in await lines(client, who=ada)} == {ada}
            of_kind = await lines(client, kind="connections")
            assert ("everybody", "Exchange is connected.") in of_kind
            assert {who for who, _ in of_kind} == {"everybody"}
            assert await lines(client, who="<nobody>") == []

    virtually(test)


def test_no_more_than_ten_lines_a_second_and_the_rest_is_counted(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        ada = house.people[0]
        async with house.at_work() as daemon, house.browser() as client:
            await asyncio.sleep(30)
            history = daemon.sides.history
            async with client.get(
                "/live/activity", params={"kind": "told", "after": str(history.recent.number)}
            ) as stream:
                assert await stream.content.readuntil(b"\n\n") == b":\n\n"
                for _ in range(150):
                    history.note(ada.id, What.TOLD, login=ada.login_email, of="events")
                said = (await stream.content.readuntil(b"\n\n")).decode()
                while "event: more" not in said:
                    said = (await stream.content.readuntil(b"\n\n")).decode()
            assert said.count("<time") == 10
            assert "… and 140 more" in said
            for number in range(150):
                history.note(ada.id, What.TOLD, login=ada.login_email, of=str(number))
            assert len(await lines(client, kind="told")) == 100

    virtually(test)
