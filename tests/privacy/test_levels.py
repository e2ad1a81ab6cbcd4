"""What Rainbow is told of whom, at each level and by each exception, over both wires; and how soon a new rule holds."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually

MARKS = ("Normal", "Personal", "Private", "Confidential")
MASK, BUSY = "Private appointment", "Busy"


def house_of(tmp_path: Path, people: int | list[LabUser] = 2, **more: Any) -> House:
    """Give a company that speaks English, in which everybody has an appointment of each sensitivity."""
    house = House(tmp_path, people, dials={"keep_bodies": True}, **more)
    house.people = [replace(user, language="en") for user in house.people]
    for user in house.people:
        house.rainbow.people.add(user)
    return house


def fill(house: House) -> None:
    for address in house.exchange.directory.by_address:
        for mark in MARKS:
            item = house.appointment(address, mark, start=now() + timedelta(hours=1))
            item.details = replace(item.details, sensitivity=mark)


def told(house: House, number: int) -> list[str]:
    """Give the subjects of the last answer about somebody, in the order of sensitivity."""
    answers = [
        each["answer"]
        for each in house.rainbow.record.questions
        if each["user_id"] == house.people[number].id and each["kind"] == "events" and each["outcome"] == "result"
    ]
    return sorted(event["subject"] for event in answers[-1]) if answers else []


def primary(house: House, number: int) -> str:
    mailbox = house.people[number].mailbox
    assert mailbox is not None
    return mailbox.address


@pytest.mark.parametrize("right", [Right.FREEBUSY, Right.REVIEWER])
@pytest.mark.parametrize(
    ("bridge", "expected"),
    [
        ({"privacy": "full"}, ["Confidential", "Normal", "Personal", "Private"]),
        ({}, ["Normal", MASK, MASK, MASK]),
        ({"mask_personal": False}, ["Normal", "Personal", MASK, MASK]),
        ({"privacy": "busy-only"}, [BUSY] * 4),
    ],
    ids=["full", "private-masked", "personal shown", "busy-only"],
)
def test_what_each_level_tells(tmp_path: Path, bridge: dict[str, Any], expected: list[str], right: Right) -> None:
    async def test() -> None:
        house = house_of(tmp_path, 1, right=right)
        house.bridge = bridge
        async with house.at_work():
            fill(house)
            house.exchange.subscriptions.cry_wolf(house.exchange.directory.by_address[primary(house, 0)])
            await until(lambda: told(house, 0) == expected, within=30)
            read = house.exchange.record.read(operation="FindItem")
            assert bool(read) is (bridge.get("privacy") != "busy-only")

    virtually(test)


def test_exceptions_by_address(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path, 4)
        alias = house.people[1].login_email  # of the mailbox, known as login only
        assert alias != primary(house, 1)
        house.bridge = {
            "privacy_exceptions": {
                alias: "busy-only",
                primary(house, 2): "full",
                house.people[3].login_email: "full",  # no address of the mailbox: it loosens nothing
            }
        }
        async with house.at_work():
            fill(house)
            for mailbox in house.exchange.directory.by_address.values():
                house.exchange.subscriptions.cry_wolf(mailbox)
            await until(lambda: told(house, 0) == ["Normal", MASK, MASK, MASK], within=30)
            await until(lambda: told(house, 1) == [BUSY] * 4, within=30)
            await until(lambda: told(house, 2) == ["Confidential", "Normal", "Personal", "Private"], within=30)
            await until(lambda: told(house, 3) == ["Normal", MASK, MASK, MASK], within=30)
            views = {
                address: view
                for body in house.exchange.record.read(operation="GetUserAvailability")
                for address, view in asked(body["body"])
            }
            assert views[primary(house, 1)] == "FreeBusy"
            assert primary(house, 1) not in [
                each["impersonated"] for each in house.exchange.record.read(operation="FindItem")
            ]

    virtually(test)


@pytest.mark.parametrize("away", ["", "ErrorInternalServerTransientError", "ErrorAccessDenied"])
def test_an_exception_by_an_alias_that_only_exchange_knows(tmp_path: Path, away: str) -> None:
    """It holds from the first answer on; where Exchange does not tell whose it is, from when it does."""

    async def test() -> None:
        alone, other = make_company(2, 1)
        assert alone.mailbox is not None
        hidden = replace(alone, mailbox=replace(alone.mailbox, aliases=("boss@board.test",)))
        house = house_of(tmp_path, [hidden, other])
        house.bridge = {"privacy": "full", "privacy_exceptions": {"Boss@board.test": "busy-only"}}
        async with house.open():
            fill(house)
            if away:
                house.exchange.dials.turn({"faults": {"ResolveNames": away}})
            house.start()
            await until(lambda: told(house, 0), within=60)
            assert ("Private" in told(house, 0)) is bool(away)
            house.exchange.dials.turn({"faults": {}})
            await until(lambda: told(house, 0) == [BUSY] * 4, within=120)
            assert "Private" in told(house, 1)
            await asyncio.sleep(60)
            assert house.problems() == {}
            if not away:
                answers = [each for each in house.rainbow.record.questions if each["user_id"] == hidden.id]
                assert "Private" not in str(answers)

    virtually(test)


def test_whoever_is_polled_is_polled_without_subjects_where_none_may_leave(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path, right=Right.REVIEWER)
        house.bridge = {"privacy_exceptions": {primary(house, 0): "busy-only"}}
        house.exchange.dials.turn({"faults": {"GetStreamingEvents": "ErrorExceededConnectionCount"}})
        async with house.open():
            fill(house)
            house.start()
            await until(lambda: house.status()["mailboxes"]["polled"] == 2, within=300)
            before = len(house.exchange.record.read())
            await asyncio.sleep(150)
            polls = house.exchange.record.read(operation="GetUserAvailability", since=before)
            assert {view for body in polls for view in asked(body["body"])} == {
                (primary(house, 0), "FreeBusy"), (primary(house, 1), "Detailed"),
            }  # fmt: skip

    virtually(test)


def asked(body: str) -> list[tuple[str, str]]:
    """Give whose calendar a GetUserAvailability asks for, and in which view."""
    request = etree.fromstring(body.encode())
    types = {"t": "http://schemas.microsoft.com/exchange/services/2006/types"}
    view = request.findtext(".//t:RequestedView", namespaces=types) or ""
    return [(each.text or "", view) for each in request.iterfind(".//t:Email/t:Address", types)]


def test_a_stricter_setting_reaches_rainbow_without_restart(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        house.bridge = {"privacy": "full"}
        async with house.at_work() as daemon:
            fill(house)
            for mailbox in house.exchange.directory.by_address.values():
                house.exchange.subscriptions.cry_wolf(mailbox)
            await until(lambda: all("Private" in told(house, number) for number in (0, 1)), within=30)
            house.bridge = {"privacy": "private-masked", "privacy_exceptions": {primary(house, 0): "busy-only"}}
            await daemon.reload()
            await until(lambda: told(house, 0) == [BUSY] * 4, within=30)
            await until(lambda: told(house, 1) == ["Normal", MASK, MASK, MASK], within=30)
            house.bridge = {"privacy": "full"}
            await daemon.reload()
            await until(lambda: "Private" in told(house, 0), within=30)

    virtually(test)


def test_a_new_address_in_rainbow_reaches_rainbow_with_the_next_listing(tmp_path: Path) -> None:
    async def test() -> None:
        house = house_of(tmp_path)
        house.bridge = {"users_refresh_minutes": 1, "privacy_exceptions": {"*@board.test": "busy-only"}}
        async with house.at_work():
            fill(house)
            for mailbox in house.exchange.directory.by_address.values():
                house.exchange.subscriptions.cry_wolf(mailbox)
            await until(lambda: "Normal" in told(house, 0), within=30)
            user = house.people[0]
            house.rainbow.people.add(replace(user, emails=(*user.emails, ("ada@board.test", "other"))))
            await until(lambda: told(house, 0) == [BUSY] * 4, within=120)
            house.rainbow.people.add(user)
            await until(lambda: "Normal" in told(house, 0), within=120)
            assert BUSY not in told(house, 1)

    virtually(test)
