"""What Rainbow's administration sees of the connector, and what it can order: the whole product between both labs."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from rainbow_exchange.lab.rainbow import LabRainbow
from tests.administrator import Administrator
from tests.house import House, now, until, virtually
from tests.wire_calls import calls

pytestmark = pytest.mark.e2e


def told(rainbow: LabRainbow) -> list[tuple[str, str]]:
    """Give operation and description of each event that Rainbow stored."""
    return [(each["operation"], each["description"]) for each in rainbow.record.events]


DOWN = ("connect", "Exchange does not answer the connector.")
UP = ("connect", "Exchange answers again.")


def test_an_outage_is_two_events_though_the_connector_is_restarted_in_the_middle(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work():
            await asyncio.sleep(60)
            assert told(house.rainbow) == []
            port = URL(house.exchange.url).port or 0
            await house.exchange.stop()
            await until(lambda: told(house.rainbow), within=120)
            await house.stop()
            house.start()
            await asyncio.sleep(300)
            assert told(house.rainbow) == [DOWN]
            await house.exchange.start(port=port)
            await until(lambda: house.status()["state"] == "healthy", within=600, step=1)
            await asyncio.sleep(30)
            assert told(house.rainbow) == [DOWN, UP]
            record = house.rainbow.record
            down, up = record.events
            assert (down["level"], up["level"], down["category"]) == ("ERROR", "INFO", "exchange")
            assert down["date"] < up["date"]
            assert house.status()["reports"] == {"sent": 1, "waiting": 0, "dropped": 0, "refused": None}
            assert "acme.test" not in str([down, up])
            # the page on Rainbow's wire is held to what is found in the code: here, to what is really sent
            sent = {(each["method"], re.sub(r"/[0-9a-f]{24}\b", "/<…>", each["path"])) for each in record.requests}
            assert len(sent) >= 6
            assert sent <= set(calls())

    virtually(test)


def test_a_stop_is_no_failure_however_long_it_takes(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            house.rainbow.outage.set({"rest": "silent"})
            began = now()
            await house.stop()
            assert now() - began > timedelta(seconds=4)  # the link is gone, and the logout is waited for
            house.rainbow.outage.set({"rest": ""})
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=120)
            await asyncio.sleep(60)
            assert told(house.rainbow) == []

    virtually(test)


def test_an_outage_of_rainbow_is_told_once_it_is_over(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            port = URL(house.rainbow.url).port or 0
            await house.rainbow.stop()
            await asyncio.sleep(1200)
            await house.rainbow.start(port=port)
            await until(lambda: house.status()["rainbow"]["state"] == "connected", within=900, step=1)
            await asyncio.sleep(10)
            unreached = [each for each in house.rainbow.record.events if each["operation"] == "connect"]
            assert [(each["level"], each["description"]) for each in unreached] == [
                ("ERROR", "The connector could not reach Rainbow."),
                ("INFO", "Rainbow is reached again."),
            ]
            assert "08:00" in unreached[0]["date"]
            assert "08:20" < unreached[1]["date"].partition("T")[2] < "08:25"
            assert {each["category"] for each in house.rainbow.record.events} == {"rainbow"}
            assert house.status()["reports"]["waiting"] == 0

    virtually(test)


def test_the_switch_is_told_once_over_a_restart_too(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            administrator = Administrator(house.rainbow)
            await administrator.switch("disabled")
            await until(lambda: "rainbow-switched-off" in house.problems(), within=1200, step=1)
            await asyncio.sleep(60)
            off = ("switch", "Exchange Calendar Synchronization is off: the connector has given up all subscriptions.")
            assert told(house.rainbow) == [off]
            await house.stop()
            house.start()
            await asyncio.sleep(600)
            assert told(house.rainbow) == [off]
            await administrator.switch("enabled")
            await until(lambda: house.status()["state"] == "healthy", within=1200, step=1)
            await asyncio.sleep(60)
            on = ("switch", "Exchange Calendar Synchronization is on, and Exchange answers.")
            assert told(house.rainbow) == [off, on]
            assert {each["level"] for each in house.rainbow.record.events} == {"INFO"}

    virtually(test)


def test_people_whose_mailbox_cannot_be_subscribed_are_told_by_their_ids(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        mailbox = house.people[1].mailbox
        assert mailbox is not None
        house.exchange.dials.turn({"mailbox_errors": {mailbox.address: "ErrorAccessDenied"}})
        async with house.at_work("degraded"):
            await until(lambda: told(house.rainbow), within=120)
            words = "Mailboxes not subscribed: 1. The connector's account has no right."
            assert told(house.rainbow) == [("subscribe", f"{words} Users: {house.people[1].id}.")]

    virtually(test)


async def order(rainbow: LabRainbow, command: str) -> str:
    """Order something of the connector as an administrator does, over REST; return the id of the command."""
    async with ClientSession(rainbow.url) as session:
        async with session.post("/lab/tokens", json={}) as answer:
            bearer = {"Authorization": f"Bearer {(await answer.json())['token']}"}
        path = f"/api/rainbow/admin/v1.0/connectors/ldaps/{rainbow.people.account.id}/command"
        async with session.post(path, json={"command": command}, headers=bearer) as answer:
            assert answer.status == 200
            return str((await answer.json())["data"]["commandId"])


def test_an_ordered_synchronisation_finds_who_is_new_and_says_how_it_ended(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        newcomer, house.people = house.people[2], house.people[:2]
        house.rainbow.people.remove(newcomer.id)
        async with house.at_work():
            house.rainbow.people.add(newcomer)
            command_id = await order(house.rainbow, "manual_synchro")
            record = house.rainbow.record
            await until(lambda: record.commands[0]["ended_at"], within=200)
            (entry,) = record.commands
            assert (entry["command_id"], entry["status"]) == (command_id, "success")
            assert entry["details"] == ("3 users listed, 1 of them new, 0 gone; 3 calendars read, 0 changes found.")
            assert house.status()["mailboxes"]["streamed"] == 3
            await asyncio.sleep(10)
            assert entry["told_at"] is not None
            assert told(house.rainbow) == [("manual_synchro", entry["details"])]

            await order(house.rainbow, "manual_dry_run")
            await asyncio.sleep(30)
            assert record.commands[1]["status"] == "failure"

    virtually(test)


def test_a_colleague_orders_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            listings = house.rainbow.record.counts["full_listings"]
            sender = f"{house.people[0].jid}/phone"
            command = {"command": "manual_synchro", "commandId": "c1"}
            assert await house.rainbow.management.order(
                house.rainbow.people.account, "connectorcommand", command, sender=sender
            )
            await until(lambda: house.rainbow.record.messages, within=10)
            await asyncio.sleep(60)
            assert [each["type"] for each in house.rainbow.record.messages] == ["error"]
            assert house.rainbow.record.counts["full_listings"] == listings
            assert "rainbow-stranger-asked" in house.problems()

    virtually(test)
