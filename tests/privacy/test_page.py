"""What people write stands nowhere on the page but in what Rainbow is told of one person, and there it is text."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import aiohttp
from lxml import html

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.browsing import ACCEPT
from tests.house import House, now, virtually
from tests.page.formfiller import form_filler
from tests.privacy.pages import whole_page

SUBJECT = 'Sbj4711</main><script>alert(4711)</script><img src=x onerror="alert(4711)">\'&lt;'


def test_a_subject_with_a_script_in_it_is_text_where_it_may_stand_and_stands_nowhere_else(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER)
        house.bridge = {"privacy": "full"}
        ada = house.people[0]
        assert ada.mailbox is not None
        async with house.at_work(), form_filler(house.sign_in) as page:
            house.appointment(ada.mailbox.address, SUBJECT, start=now() - timedelta(minutes=10))
            await asyncio.sleep(30)
            await house.rainbow.questions.ask("events", ada.login_email)
            seen = await whole_page(page._client, ACCEPT, page.base)
            async with aiohttp.ClientSession(page.base) as stranger:
                for path in ("/healthz", "/readyz", "/metrics"):
                    async with stranger.get(path) as answer:
                        text = await answer.text()
                        assert answer.status == 200
                        assert not re.search(f"@|4711|acme|{ada.id}|{ada.login_email.partition('@')[0]}", text), path
                for path in seen:
                    async with stranger.get(path) as answer:
                        assert answer.status == 401, path

        assert {"/", "/people", "/streams", "/activity", "/problems", "/set-up", "/support"} <= seen.keys()
        told = f"/people/{ada.id}/told"
        assert [path for path, text in seen.items() if "4711" in text] == [told]
        document = html.fromstring(seen[told])
        assert SUBJECT in " ".join(document.get_element_by_id("main").text_content().split())
        assert list(document.iter("img", "iframe")) == []
        for path, text in seen.items():
            assert "alert(4711)<" not in text, path
            assert len(re.findall("<script", text)) == (0 if path.startswith("/live") else 1), path

    virtually(test)
