"""`explain` tells the whole chain of one person, and names its first broken link, whatever the state."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import explain_screen
from rainbow_exchange.diagnosis.explained import person
from rainbow_exchange.lab.exchange.mailbox import OutOfOffice, Right
from tests.administrator import Administrator
from tests.house import House, now, until, virtually


def explained(house: House, address: str) -> dict[str, Any]:
    """Ask the running daemon's parts."""
    assert house.daemon is not None
    return person(house.daemon.sides, address)


def screen(answer: Mapping[str, Any]) -> str:
    return "\n".join(explain_screen.lines(answer, lambda instant: instant))


def house_of(tmp_path: Path, people: int = 2, **more: Any) -> House:
    return House(tmp_path, people, **more)


def busy(house: House, *, minutes: float = 60) -> str:
    """Give the first of the people an appointment that runs; return the login."""
    user = house.people[0]
    assert user.mailbox is not None
    house.appointment(user.mailbox.address, "Sbj4711", start=now() - timedelta(minutes=5), minutes=minutes)
    return user.login_email


def test_all_is_well(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.at_work():
            login = busy(house)
            mailbox = house.people[0].mailbox
            assert mailbox is not None
            mailbox_of = house.exchange.directory.by_address[mailbox.address]
            mailbox_of.oof = OutOfOffice(
                state="Enabled", internal="Txt4711", external="Txt4711", start=now(), end=now()
            )
            await asyncio.sleep(90)
            shown = explained(house, login.upper())
            assert shown["schema_version"] == 1
            assert (shown["state"], shown["verdict"]["right"], shown["verdict"]["broken"]) == ("explained", True, "")
            assert shown["identifiers"][0] == {"kind": "login", "value": login, "answer": "leads to the mailbox"}
            assert shown["mailbox"]["address"] == mailbox.address
            assert shown["read"]["mode"] == "own"
            assert shown["read"]["because"].startswith("it is read as its owner, by impersonation")
            group = shown["stream"]["group"]
            assert shown["stream"]["state"] == group["state"] == "streamed"
            assert group["members"] == 2
            assert group["age_seconds"] > 80
            assert datetime.fromisoformat(group["last_heartbeat"]) > now() - timedelta(minutes=1)
            assert shown["agenda"]["current"]["show_as"] == "busy"
            assert shown["agenda"]["current"] in shown["agenda"]["items"]
            assert shown["absence"]["state"] == "enabled"
            assert shown["privacy"] == {"level": "private-masked", "rule": "bridge.privacy"}
            assert shown["told"]["at"] is not None
            assert shown["told"]["answered_at"]["events"] is not None
            nearest = [each["what"] for each in shown["next"]]
            assert "an appointment ends" in nearest
            assert [each["at"] for each in shown["next"]] == sorted(each["at"] for each in shown["next"])
            told = screen(shown)
            assert f"{login} is shown right" in told.splitlines()[0]
            assert shown["now"] == {"shown": "oof", "until": None, "because": "the automatic reply is on"}
            assert "who is out of office is polled" in nearest
            assert "Now              out of office: the automatic reply is on" in told
            assert "<- now" in told
            for mark in ("Sbj4711", "Txt4711"):
                assert mark not in json.dumps(shown) + told

    virtually(test)


def test_nobody_has_the_address_or_several_have_it(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        info = (("info@acme.test", "other"),)
        for id_, login in (("5f78", "una"), ("5f79", "zoe")):
            user = replace(house.people[0], id=id_, login_email=f"{login}@acme.test", emails=info)
            house.people = [*house.people, user]
            house.rainbow.people.add(user)
        async with house.at_work():
            nobody = explained(house, "nobody@acme.test")
            assert (nobody["state"], nobody["verdict"]["broken"]) == ("unknown", "user")
            assert nobody["verdict"]["because"] == "No user of the company has this address in Rainbow."
            several = explained(house, "Info@acme.test")
            assert several["state"] == "unknown"
            assert "They are una@acme.test, zoe@acme.test." in several["verdict"]["because"]
            assert screen(several).startswith("Info@acme.test: Several users have this address, and none as login.")

    virtually(test)


def test_no_mailbox_says_why_of_each_identifier(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        emails = (("eve.work@acme.test", "work"), ("eve@home.test", "home"), (house.people[0].login_email, "work"))
        user = replace(house.people[0], id="5f77", login_email="eve@acme.test", emails=emails)
        house.people = [*house.people, user]
        house.rainbow.people.add(user)
        async with house.at_work("degraded"):
            await until(lambda: house.status()["mailboxes"]["uncovered"] == 1, within=60)
            await asyncio.sleep(5)
            shown = explained(house, "eve@acme.test")
            answers = {each["value"]: each["answer"] for each in shown["identifiers"]}
            assert answers["eve@acme.test"] == answers["eve.work@acme.test"] == "ErrorNonExistentMailbox"
            assert answers["eve@home.test"] == "domain"
            assert answers[house.people[0].login_email] == "taken"
            assert (shown["verdict"]["right"], shown["verdict"]["broken"]) == (False, "mailbox")
            assert shown["mailbox"]["state"] == "none"
            assert "the mailbox is looked for again" in [each["what"] for each in shown["next"]]
            told = screen(shown)
            assert "personal address eve@home.test: not tried: its domain is not the company's" in told
            assert "another user's mailbox" in told

    virtually(test)


def test_exchange_away_before_and_after_the_mailbox_was_found(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.open():
            house.exchange.dials.turn({"web_server_status": 503})
            house.start()
            await until(lambda: (house.status()["users"] or {}).get("total") == 2, within=60)
            await asyncio.sleep(30)
            login = house.people[0].login_email
            shown = explained(house, login)
            assert (shown["verdict"]["broken"], shown["mailbox"]["state"]) == ("exchange", "not known yet")
            assert shown["identifiers"][0]["answer"] == "not tried yet"
            house.exchange.dials.turn({"web_server_status": 0})
            await until(lambda: house.status()["state"] == "healthy", within=300)
            busy(house)
            await asyncio.sleep(60)
            house.exchange.dials.turn({"web_server_status": 503})
            for stream in tuple(house.exchange.streams.open):
                stream.ordered("drop")
            await until(lambda: house.status()["exchange"]["state"] == "disconnected", within=300)
            shown = explained(house, login)
            assert (shown["verdict"]["right"], shown["verdict"]["broken"]) == (False, "exchange")
            assert shown["mailbox"]["state"] == "found"
            assert shown["agenda"]["current"]["show_as"] == "busy"
            assert (shown["now"]["shown"], shown["now"]["until"]) == ("busy", shown["agenda"]["current"]["end"])
            assert "Now              busy until " in screen(shown)
            assert any("no stream carries its changes" in each for each in shown["verdict"]["also"])
            assert f"{login} may be shown wrong because Exchange cannot be used" in screen(shown)

    virtually(test)


def test_polled_and_batched(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path, right=Right.REVIEWER)
        house.settings = {"impersonation": False}
        async with house.open():
            house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 2, within=60)
            login = busy(house)
            house.exchange.dials.turn({"faults": {"GetStreamingEvents": "ErrorExceededConnectionCount"}})
            for stream in tuple(house.exchange.streams.open):
                stream.ordered("drop")
            await until(lambda: house.status()["mailboxes"]["polled"] == 2, within=300)
            await asyncio.sleep(180)
            shown = explained(house, login)
            assert shown["read"] == {
                "mode": "batched",
                "because": "exchange.impersonation is off",
                "subjects_seen": True,
            }
            assert shown["stream"]["state"] == "polled"
            assert shown["stream"]["reason"]
            assert shown["stream"]["poll_seconds"] == 60
            assert "the calendar is polled" in [each["what"] for each in shown["next"]]
            assert shown["verdict"]["right"] is True
            assert "changes are noticed (by polling, up to 60 s late)" in shown["verdict"]["because"]
            assert f"polled every 60 s: {shown['stream']['reason']}" in screen(shown)

    virtually(test)


def test_a_calendar_that_cannot_be_read(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.at_work():
            login = busy(house)
            await asyncio.sleep(60)
            house.exchange.dials.turn({"faults": {"FindItem": "ErrorInternalServerError"}})
            for mailbox in house.exchange.directory.by_address.values():
                house.exchange.subscriptions.cry_wolf(mailbox)
            await asyncio.sleep(20)
            shown = explained(house, login)
            assert (shown["verdict"]["broken"], shown["agenda"]["reason"]) == ("agenda", "ErrorInternalServerError")
            assert "what was read last is shown" in shown["verdict"]["because"]
            assert shown["agenda"]["waits"] is True
            nearest = [each["what"] for each in shown["next"]]
            assert "the calendar is read again that could not be read" in nearest

    virtually(test)


def test_rainbow_down_or_not_asking(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.at_work() as daemon:
            login = busy(house)
            await asyncio.sleep(60)
            house.rainbow.dials.set({"ask": False})
            busy(house, minutes=90)
            await asyncio.sleep(50)
            shown = explained(house, login)
            assert shown["verdict"]["broken"] == "asked"
            assert shown["told"]["not_asked"] == ["events"]
            assert "Rainbow is told again, which has not asked" in [each["what"] for each in shown["next"]]
            house.rainbow.outage.set({"link": "reset"})
            sides: Any = daemon.sides
            await until(lambda: not sides.rainbow.link.connected, within=60)
            shown = explained(house, login)
            assert (shown["verdict"]["right"], shown["verdict"]["broken"]) == (False, "rainbow")
            assert shown["rainbow"]["state"] == "disconnected"

    virtually(test)


def test_not_ready_and_switched_off(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        async with house.open():
            house.start()
            daemon = house.daemon
            assert daemon is not None
            await until(lambda: daemon._sides is not None, within=1, step=0)
            before = explained(house, "ada@acme.test")
            assert (before["state"], before["verdict"]["broken"]) == ("not-ready", "bridge")
            assert "not both there yet" in before["verdict"]["because"]
            await until(lambda: house.status()["state"] == "healthy", within=60)
            await Administrator(house.rainbow).switch(value=False)
            await until(lambda: house.status()["state"] == "switched off", within=400)
            off = explained(house, house.people[0].login_email)
            assert off["verdict"]["because"] == (
                "Rainbow is told nothing of anybody: Exchange Calendar Synchronization is off in Rainbow's"
                " administration."
            )

    virtually(test)
