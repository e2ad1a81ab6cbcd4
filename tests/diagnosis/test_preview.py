"""The preview of one person is what leaves on the wire, byte for byte, and says why each field is so."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.lab.exchange.mailbox import OutOfOffice, Right
from rainbow_exchange.web import runtime
from tests.house import House, now, until, virtually
from tests.ports import free_port

MARKS = ("Normal", "Personal", "Private", "Confidential")
PLACE = "Room-4711"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give every frame that any WebSocket of this process's clients sends."""
    frames: list[str] = []
    send = aiohttp.ClientWebSocketResponse.send_str

    async def noted(self: Any, data: str, compress: int | None = None) -> None:
        frames.append(data)
        await send(self, data, compress)

    monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "send_str", noted)
    return frames


def house_of(tmp_path: Path, **more: Any) -> House:
    house = House(tmp_path, 2, **more)
    house.people = [replace(user, language="en") for user in house.people]
    for user in house.people:
        house.rainbow.people.add(user)
    return house


def fill(house: House) -> None:
    for mailbox in house.exchange.directory.by_address.values():
        for number, mark in enumerate(MARKS):
            item = house.appointment(mailbox.address, f"{mark} & <é>", start=now() + timedelta(hours=number))
            item.details = replace(
                item.details, sensitivity=mark, location=PLACE, body=PLACE, required=("x@acme.test",)
            )
        mailbox.oof = OutOfOffice(
            state="Enabled", audience="All", internal="<p>Away & <b>out</b></p>", external="gone",
            start=now(), end=now() + timedelta(days=1),
        )  # fmt: skip


def fields(entries: list[dict[str, Any]]) -> dict[str, tuple[Any, str]]:
    return {entry["name"]: (entry["value"], entry["rule"]) for entry in entries}


def subjects(shown: dict[str, Any]) -> list[tuple[Any, str]]:
    return [fields(item)["subject"] for item in shown["events"]["items"]]


def test_it_is_what_leaves_on_the_wire_and_tells_nothing_that_is_masked(tmp_path: Path, sent: list[str]) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        user = house.people[0]
        async with house.at_work() as daemon:
            fill(house)
            await asyncio.sleep(90)
            asked = {kind: await house.rainbow.questions.ask(kind, user.login_email, dates=False) for kind in KINDS}
            assert {each["outcome"] for each in asked.values()} == {"result"}
            shown = await daemon.preview(user.login_email)
            assert shown["schema_version"] == 1
            for kind in KINDS:
                frame = next(each for each in reversed(sent) if f"<{kind} " in each)
                id_ = frame.partition(' id="')[2].partition('"')[0]
                assert shown[kind]["wire"].replace(' id="preview"', f' id="{id_}"', 1) == frame
                assert shown[kind]["bytes"] == len(shown[kind]["wire"].encode())
            hidden = "the appointment is marked as private: private-masked by bridge.privacy"
            assert subjects(shown) == [("Normal & <é>", "as it was written")] + [("Private appointment", hidden)] * 3
            assert fields(shown["autoreply"]["fields"])["internalReplyMessage"][0] == "Away & out"
            assert shown["read_mode"] == "own"
            assert await over_the_page(house, user.login_email.upper()) == shown | {"address": user.login_email.upper()}
            assert {name for name, _ in fields(shown["never"]).items()} >= {"location", "body", "attendees"}
            said = json.dumps(shown, ensure_ascii=False)
            masked = [f"{mark} &" for mark in MARKS[1:]]
            assert [mark for mark in (*masked, PLACE, "x@acme.test") if mark in said] == []

    virtually(test)


KINDS = ("events", "autoreply")


async def over_the_page(house: House, address: str) -> Any:
    """Ask as the command does; the wire repeats the address as it was asked, and is left as the login has it."""
    found = runtime.read(house.folder)
    assert found is not None
    headers = {"Authorization": f"Bearer {runtime.read_token(house.folder)}"}
    url = f"http://{found.host}:{found.port}/api/preview"
    async with aiohttp.ClientSession(headers=headers) as page, page.post(url, json={"address": address}) as answer:
        text = await answer.text()
    read = json.loads(text)
    for kind in KINDS:
        read[kind]["wire"] = read[kind]["wire"].replace(f'email="{address}"', f'email="{address.lower()}"')
    return read


def test_what_rainbow_is_told_of_a_change_is_shown_as_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[bytes] = []
    request = aiohttp.ClientSession._request

    async def noted(self: Any, method: str, url: Any, **more: Any) -> Any:
        if "/calendarprovider/v1.0/notify" in str(url) and json.loads(more["data"])["value"]:
            posted.append(more["data"])
        return await request(self, method, url, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", noted)

    async def test() -> None:
        house = house_of(tmp_path)
        user = house.people[0]
        async with house.at_work() as daemon:
            await asyncio.sleep(90)
            posted.clear()
            house.appointment(house.exchange.directory.by_address[user.login_email].address, "x", start=now())
            await until(lambda: bool(posted), within=30)
            shown = (await daemon.preview(user.login_email))["notify"]
            assert posted[0].decode() == shown["wire"]
            assert shown["bytes"] == len(posted[0])
            assert [field["value"] for field in shown["fields"]] == [user.id]

    virtually(test)


def test_over_the_s2s_link_too(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        port = free_port()
        house.link = {"link": "s2s", "callback_url": f"http://127.0.0.1:{port}/", "callback_port": port}
        user = house.people[0]
        async with house.at_work() as daemon:
            fill(house)
            await asyncio.sleep(90)
            answer = await house.rainbow.questions.ask("events", user.login_email, dates=False)
            shown = await daemon.preview(user.login_email)
            said = json.loads(shown["events"]["wire"])["events"]
            assert said["request_id"] == "preview"
            assert [each["id"] for each in said["items"]] == [each["id"] for each in answer["answer"]]
            assert [each["subject"] for each in said["items"]] == [each["subject"] for each in answer["answer"]]
            assert json.loads(shown["autoreply"]["wire"])["autoreply"]["internalReplyMessage"] == "Away & out"

    virtually(test)


def test_each_rule_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path, right=Right.REVIEWER)
        ada, bob = (user.mailbox.address for user in house.people if user.mailbox)
        house.settings = {"impersonation": False}
        house.bridge = {"privacy_exceptions": {ada: "busy-only"}}
        async with house.at_work() as daemon:
            fill(house)
            house.appointment(bob, "", start=now() + timedelta(hours=5))
            await asyncio.sleep(90)
            shown = await daemon.preview(ada)
            assert shown["privacy"] == {"level": "busy-only", "rule": f'bridge.privacy_exceptions "{ada}"'}
            assert set(subjects(shown)) == {
                ("Busy", f'no subject is shown: busy-only by bridge.privacy_exceptions "{ada}"')
            }
            assert shown["events"]["doubtful"] is False
            assert fields(shown["never"])["location"][1] == "Exchange is not asked for it"
            shown = await daemon.preview(bob)
            assert shown["read_mode"] == "batched"
            assert shown["events"]["doubtful"] is True  # Confidential and Personal are not told apart
            assert [value for value, _ in subjects(shown)] == [
                "Normal & <é>", "Personal & <é>", "Private appointment", "Confidential & <é>", "(no subject)",
            ]  # fmt: skip
            assert subjects(shown)[-1][1] == "there is none, and Rainbow demands one"
            assert fields(shown["never"])["location"][1].endswith("it is dropped unread")
            assert shown["autoreply"]["wire"]

    virtually(test)


def test_whoever_is_not_known_or_has_no_mailbox(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        info = (("info@acme.test", "other"),)
        for id_, login, emails in (("5f77", "eve", ()), ("5f78", "una", info), ("5f79", "zoe", info)):
            user = replace(house.people[0], id=id_, login_email=f"{login}@acme.test", emails=emails)
            house.people = [*house.people, user]
            house.rainbow.people.add(user)
        async with house.at_work() as daemon:
            nobody = await daemon.preview("nobody@acme.test")
            assert (nobody["state"], nobody["reason"]) == ("unknown", "No user of the company has this address.")
            await until(lambda: house.status()["mailboxes"]["uncovered"] == 3, within=60)
            several = await daemon.preview("Info@acme.test")
            assert (several["state"], several["user"]) == ("unknown", None)
            assert several["reason"].startswith("Several users have this address, and none as login; write the login")
            shown = await daemon.preview("eve@acme.test")
            assert (shown["mailbox"], shown["read_mode"]) == (None, None)
            assert (shown["events"]["refused"], shown["events"]["why"]) == ("item-not-found", "no-mailbox")
            assert "<item-not-found " in shown["events"]["wire"]
            assert shown["autoreply"]["refused"] == "item-not-found"
        assert (await daemon.preview("eve@acme.test"))["state"] == "not-ready"

    virtually(test)


def test_whose_mailbox_is_not_looked_up_yet_is_said(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.open():
            house.exchange.dials.turn({"web_server_status": 503})
            daemon = house.start()
            await until(lambda: (house.status()["users"] or {}).get("total") == 2, within=60)
            await asyncio.sleep(30)
            shown = await daemon.preview(house.people[0].login_email)
            assert (shown["state"], shown["mailbox"]) == ("shown", None)
            for kind in KINDS:
                assert shown[kind]["refused"] == "remote-server-timeout"
                assert shown[kind]["why"] == "Exchange has not said yet whether there is a mailbox"

    virtually(test)


def test_exchange_away_and_the_link_down_are_said(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        user = house.people[0]
        async with house.at_work() as daemon:
            fill(house)
            await asyncio.sleep(90)
            house.exchange.dials.turn({"faults": {"FindItem": "ErrorInternalServerError"}})
            house.exchange.subscriptions.cry_wolf(next(iter(house.exchange.directory.by_address.values())))
            await asyncio.sleep(10)
            house.rainbow.outage.set({"link": "reset"})
            await until(lambda: not daemon_link(daemon).connected, within=60)
            shown = await daemon.preview(user.login_email)
            assert shown["events"]["stale"] is True
            assert len(shown["events"]["items"]) == 4
            assert shown["reason"].startswith("Nothing leaves at present: the link is down (")

    virtually(test)


def daemon_link(daemon: Any) -> Any:
    return daemon._sides.rainbow.link
