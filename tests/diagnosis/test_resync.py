"""What is read anew because somebody asks for it is told to Rainbow, and floods nobody however often one asks."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.diagnosis.resync import Resyncs
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually


def resyncs_of(house: House) -> Resyncs:
    assert house.daemon is not None
    return house.daemon._resyncs


async def ended(house: House, wanted: dict[str, Any]) -> dict[str, Any]:
    """Have it done as the command does; return how it ended."""
    answer = await resyncs_of(house).answer(wanted)
    while answer["state"] == "running":
        await asyncio.sleep(0.5)
        answer = await resyncs_of(house).answer({"job": answer["job"]})
    return answer


def listings(house: House) -> int:
    return sum("/admin/v1.0/users" in entry["path"] for entry in house.rainbow.record.requests)


def test_one_person_is_read_anew_and_told_though_nothing_announced_a_change(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER)
        ada, bob = house.people
        async with house.at_work():
            await asyncio.sleep(120)
            house.exchange.dials.turn({"suppress_notifications": True})
            house.appointment(ada.login_email, "Hidden", start=now() + timedelta(hours=1))
            house.rainbow.record.clear()
            answer = await ended(house, {"addresses": [ada.login_email.upper()]})
            assert answer["state"] == "done"
            assert answer["says"].startswith("2 users listed, 0 of them new")
            assert answer["people"] == [
                {"address": ada.login_email.upper(), "outcome": "told", "user": ada.login_email,
                 "mailbox": ada.login_email, "reason": "", "absence": ""},
            ]  # fmt: skip
            assert house.notified() == [ada.id]
            asked = await house.rainbow.questions.ask("events", ada.login_email, dates=False)
            assert [each["subject"] for each in asked["answer"]] == ["Hidden"]
            assert bob.id not in house.notified()
            # nothing is new, and she is told of all the same; her list is a minute old at most
            before = listings(house)
            assert (await ended(house, {"addresses": [ada.login_email]}))["people"][0]["outcome"] == "told"
            assert house.notified() == [ada.id, ada.id]
            assert [each["force"] for each in house.rainbow.record.notifies] == [False, True]
            assert listings(house) == before

    virtually(test)


def test_a_newcomer_is_found_and_whoever_cannot_be_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3, right=Right.REVIEWER)
        new = house.people[2]
        info = (("info@acme.test", "other"),)
        for name in ("una", "zoe"):
            house.rainbow.people.add(replace(new, id=name, login_email=f"{name}@acme.test", emails=info, mailbox=None))
        house.rainbow.people.remove(new.id)
        async with house.open():
            house.start()
            await until(
                lambda: house.status()["mailboxes"] == {"total": 4, "streamed": 2, "polled": 0, "uncovered": 2},
                within=60,
            )
            await asyncio.sleep(120)
            house.rainbow.people.add(new)
            answer = await ended(
                house, {"addresses": [new.login_email, "una@acme.test", "info@acme.test", "nobody@acme.test"]}
            )
            assert [(each["outcome"], each["reason"]) for each in answer["people"]] == [
                ("told", ""), ("no-mailbox", "no-mailbox"), ("several", ""), ("unknown", ""),
            ]  # fmt: skip
            assert new.id in house.notified()

    virtually(test)


def test_what_cannot_be_read_or_told_is_said(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER)
        [ada] = house.people
        async with house.at_work():
            await asyncio.sleep(120)
            house.exchange.dials.turn({"faults": {"FindItem": "ErrorInternalServerError"}})
            [person] = (await ended(house, {"addresses": [ada.login_email]}))["people"]
            assert (person["outcome"], person["reason"]) == ("not-read", "ErrorInternalServerError")
            house.exchange.dials.turn({"faults": {"GetUserOofSettings": "ErrorAccessDenied"}})
            [person] = (await ended(house, {"addresses": [ada.login_email]}))["people"]
            assert (person["outcome"], person["absence"]) == ("told", "ErrorAccessDenied")
            house.rainbow.outage.set({"rest": "reset"})
            answer = await ended(house, {"addresses": [ada.login_email]})
            assert (answer["state"], answer["people"][0]["outcome"]) == ("done", "not-told")
            answer = await ended(house, {"users": True})
            assert (answer["state"], answer["says"].partition(":")[0]) == (
                "failed", "The users of the company could not be listed",
            )  # fmt: skip

    virtually(test)


def test_the_whole_company_is_one_work_that_others_join_and_only_differences_are_told(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3, right=Right.REVIEWER)
        ada = house.people[0]
        async with house.at_work():
            await asyncio.sleep(120)
            house.exchange.dials.turn({"suppress_notifications": True})
            house.appointment(ada.login_email, start=now() + timedelta(hours=1))
            house.rainbow.record.clear()
            first = await resyncs_of(house).answer({"all": True})
            again = await resyncs_of(house).answer({"all": True})
            assert (first["job"], first["state"]) == (again["job"], "running")
            answer = await ended(house, {"all": True})
            assert answer["job"] == first["job"]
            assert answer["says"] == ("3 users listed, 0 of them new, 0 gone; 3 calendars read, 1 change found.")
            await asyncio.sleep(5)
            assert house.notified() == [ada.id]
            assert listings(house) == 1
            assert (await ended(house, {"users": True}))["says"].startswith("The list of users was read ")
            assert listings(house) == 1
            await asyncio.sleep(10)
            assert (await ended(house, {"users": True}))["says"] == "3 users listed, 0 of them new, 0 gone."

    virtually(test)


def test_without_a_bridge_and_after_a_restart_it_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        house.password = None
        async with house.at_work("degraded") as daemon:
            tried = daemon.retry(["ada@acme.test"])
            assert (tried["unknown"], tried["reason"]) == ([], "Settings are missing.")
            answer = await resyncs_of(house).answer({"all": True})
            assert (answer["state"], answer["says"][:28]) == ("failed", "Nothing can be read anew: Se")
            answer = await resyncs_of(house).answer({"job": "an earlier one"})
            assert (answer["state"], answer["says"]) == ("failed", "The daemon was started anew meanwhile; ask again.")

    virtually(test)


def test_an_address_given_twice_is_read_once_and_not_everybody_at_a_time(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER)
        [ada] = house.people
        async with house.at_work():
            await asyncio.sleep(120)
            answer = await ended(house, {"addresses": [ada.login_email, ada.login_email]})
            assert [each["address"] for each in answer["people"]] == [ada.login_email]
            house.exchange.dials.turn({"delay_seconds": 20.0})
            states = [(await resyncs_of(house).answer({"addresses": [ada.login_email]}))["state"] for _ in range(9)]
            assert states == ["running"] * 8 + ["failed"]

    virtually(test)


def test_a_stop_ends_it(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER)
        async with house.at_work():
            await asyncio.sleep(60)
            house.exchange.dials.turn({"delay_seconds": 20.0})
            await resyncs_of(house).answer({"addresses": [house.people[0].login_email]})
            await resyncs_of(house).answer({"all": True})
            await asyncio.sleep(3)
            await house.stop()

    virtually(test)


@pytest.mark.parametrize(
    "wanted", [[], {}, {"addresses": []}, {"addresses": [" "]}, {"addresses": ["x"] * 101}, {"all": 1}]
)
async def test_what_cannot_be_meant_is_refused(wanted: object) -> None:
    with pytest.raises(ValueError, match="needed"):
        await Resyncs(lambda: None, str).answer(wanted)
