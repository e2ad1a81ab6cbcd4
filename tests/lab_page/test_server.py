"""The page of the lab as a whole: one side alone, many people, who may call it, and what it costs when it is closed."""

import asyncio
import re
from typing import Any

import pytest

from rainbow_exchange import lab_page
from rainbow_exchange.lab.serve import LabOptions, serve
from rainbow_exchange.lab_page import sight
from tests.lab_page.opened import Opened, opened, text

ROWS = {"exchange": "//ul[@class='rows']/li[starts-with(@id, 'm-')]", "rainbow": "//li[starts-with(@id, 'c-')]"}


@pytest.mark.parametrize(("side", "other"), [("exchange", "rainbow"), ("rainbow", "exchange")])
async def test_one_side_alone_is_shown_alone(side: str, other: str) -> None:
    async with opened(only=side) as page:
        document = await page.look()
        assert len(document.xpath(ROWS[side])) == 3
        assert document.xpath(ROWS[other]) == []
        assert document.xpath("//*[@id='lab_way']") == []


async def test_people_are_searched_and_shown_thirty_at_a_time() -> None:
    async with opened(users=70) as page:
        first = await page.look()
        assert [len(first.xpath(rows)) for rows in ROWS.values()] == [30, 30]
        last = await page.look("/?page=3")
        assert len(last.xpath(ROWS["exchange"])) == 10
        assert text(last, "//nav[@class='pages']//span") == "3 of 3"
        assert len((await page.look("/?page=99999&hours=x")).xpath(ROWS["exchange"])) == 10
        name = text(first, f"({ROWS['exchange']})[1]//*[@class='name']")
        found = await page.look(f"/?q={name.split()[-1]}")
        assert name in text(found, ROWS["exchange"])
        assert "Nobody is called so." in text(await page.look("/?q=<nobody>"), "//main")


async def test_a_form_of_another_site_is_refused() -> None:
    async with opened() as page:
        for headers in ({"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            async with page.client.post("/appointment", data={}, headers=headers) as answer:
                assert answer.status == 403
        async with page.client.post("/appointment", data={}, headers={"Host": "evil.test:80"}) as answer:
            assert answer.status == 421
        async with page.client.get("/", headers={"Host": "evil.test"}) as answer:
            assert answer.status == 421


async def test_what_it_serves_is_its_own_style_and_script() -> None:
    async with opened() as page, page.client.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert re.findall(r"(style|script)-src 'sha256-[^']+';", policy) == ["style", "script"]
    assert "unsafe" not in policy


async def test_a_port_that_is_taken_is_replaced() -> None:
    async with serve(LabOptions(users=1)) as lab, lab_page.serve(lab, 0) as first:
        port = int(first.rpartition(":")[2])
        async with lab_page.serve(lab, port) as second:
            assert second.startswith("http://127.0.0.1:")
            assert second != first


async def test_nothing_is_asked_once_the_page_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "_WANTED", 0.3)
    async with opened() as page:
        at_first = await _asked(page)
        await page.look()
        await page.shows("No calendar yet", ROWS["rainbow"])
        before, now = at_first, await _asked(page)
        assert now[1] > at_first[1]
        async with asyncio.timeout(60):
            while now != before:
                await asyncio.sleep(0.5)
                before, now = now, await _asked(page)
        assert now[0]["FindItem"] >= 3


async def _asked(page: Opened) -> tuple[Any, ...]:
    """Count what both sides were asked."""
    assert page.lab.exchange is not None
    assert page.lab.rainbow is not None
    base = page.lab.exchange.url.removesuffix("/EWS/Exchange.asmx")
    async with page.client.get(f"{base}/lab/counts") as answer:
        exchange = await answer.json()
    async with page.client.get(f"{page.lab.rainbow.url}/lab/requests", params={"only": "requests"}) as answer:
        rainbow = await answer.json()
    return exchange, len(rainbow["requests"])
