"""The log and the data for the support are had by a button each, with hashes in place of people unless it is chosen."""

import asyncio
import io
import json
import re
import zipfile
from pathlib import Path

import aiohttp
from lxml import html

from rainbow_exchange import logs
from tests.house import House, virtually


async def support(client: aiohttp.ClientSession) -> html.HtmlElement:
    async with client.get("/support") as answer:
        assert answer.status == 200
        return html.fromstring(await answer.text())


async def press(client: aiohttp.ClientSession, action: str, **fields: str) -> tuple[int, bytes]:
    """Send the form that leads there."""
    (form,) = (await support(client)).xpath(f"//form[@action='{action}']")
    given = dict(form.form_values()) | fields
    async with client.post(action, data=given, allow_redirects=False) as answer:
        return answer.status, await answer.read()


async def packed(client: aiohttp.ClientSession, **fields: str) -> dict[str, str]:
    """Have support data packed; give the files."""
    assert (await press(client, "/support/pack", **fields))[0] == 303
    for _ in range(600):
        if (await support(client)).xpath("//form[@action='/support/packed']"):
            break
        await asyncio.sleep(1)
    status, content = await press(client, "/support/packed")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_support_data_are_packed_and_hide_who_is_who(tmp_path: Path) -> None:
    async def test() -> None:
        logs.configure("debug")
        house = House(tmp_path, 3)
        ada = house.people[0].login_email
        async with house.at_work(), house.browser() as client:
            page = await support(client)
            assert "Exchange#1" not in html.tostring(page, encoding="unicode")
            rows = {row[0].text_content(): row[1].text_content() for row in page.xpath("//tbody/tr")}
            assert (rows["exchange.password"], rows["bridge.privacy"]) == ("set", '"private-masked"')
            files = await packed(client, explain=ada)
            manifest = json.loads(files["manifest.json"])
            assert (manifest["people"], manifest["people_known_by"]) == ("hashed", "the running service")
            assert {"status.json", "settings.json", "daemon.log", "metrics.txt", "explain.json", "state.json"} <= set(
                files
            )
            assert "check.json" in [each["name"] for each in manifest["missing"]]
            everything = "".join(files.values())
            assert ada not in everything
            assert "Exchange#1" not in everything
            hashed = json.loads(files["explain.json"])["asked_for"][0]
            status, names = await press(client, "/support/names")
            assert status == 200
            assert re.search(rf"^{re.escape(hashed)}\t{re.escape(ada)}$", names.decode(), re.MULTILINE)
            shown = await packed(client, people="shown")
            assert ada in shown["mailboxes.json"] + shown["explain.json"] + shown["daemon.log"]
            assert not (await support(client)).xpath("//form[@action='/support/names']")
            await asyncio.sleep(1801)
            assert (await support(client)).xpath("//form[@action='/support/packed']") == []

    virtually(test)


def test_the_log_is_downloaded_as_it_is(tmp_path: Path) -> None:
    async def test() -> None:
        logs.configure("debug")
        house = House(tmp_path, 1)
        async with house.at_work(), house.browser() as client:
            status, content = await press(client, "/support/log")
            assert status == 200
            events = [json.loads(line)["event"] for line in content.decode().splitlines()]
            assert {"starting", "page_served", "users_listed"} <= set(events)

    virtually(test)


def test_the_log_says_more_for_a_time_by_a_button(tmp_path: Path) -> None:
    async def test() -> None:
        logs.configure("info")
        house = House(tmp_path, 1)
        async with house.at_work(), house.browser() as client:
            assert not (await support(client)).xpath("//button[@value='reset']")
            assert (await press(client, "/support/log-level", level="debug"))[0] == 303
            assert house.status()["log"]["level"] == "debug"
            assert not (await support(client)).xpath("//button[@value='debug']")
            assert (await press(client, "/support/log-level", level="reset"))[0] == 303
            assert house.status()["log"]["level"] == "info"
            assert (await press(client, "/support/log-level", level="loud"))[0] != 200
            assert house.status()["log"]["level"] == "info"

    virtually(test)


def test_a_stop_does_not_wait_for_what_is_being_packed(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        loop = asyncio.get_running_loop()
        async with house.at_work(), house.browser() as client:
            assert (await press(client, "/support/pack"))[0] == 303
            began = loop.time()
            await house.stop()
            assert loop.time() - began < 9.5

    virtually(test)
