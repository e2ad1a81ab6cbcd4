"""The list of people says of everybody where the mailbox stands, whatever one asks it by, and holds nobody up."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.diagnosis.mailboxes import Mailboxes
from rainbow_exchange.diagnosis.mailboxes_query import Query, read_query
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually


def mailboxes_of(house: House) -> Mailboxes:
    sides = house.daemon._sides if house.daemon else None
    assert sides is not None
    return Mailboxes(sides.bridge, lambda: "none")


def users(page: dict[str, Any]) -> list[str]:
    return [each["user"] for each in page["people"]]


def company(tmp_path: Path) -> House:
    """Five people with mailboxes; Eve has none, Una and Zoe share an address, Ann's login is an alias of another's."""
    first, *others = make_company(5, 1)
    assert first.mailbox is not None
    first = replace(first, mailbox=replace(first.mailbox, aliases=(*first.mailbox.aliases, "ann@acme.test")))
    house = House(tmp_path, [first, *others], right=Right.REVIEWER)
    info = (("info@acme.test", "work"),)
    for id_, login, emails in (("5f76", "ann", ()), ("5f77", "eve", ()), ("5f78", "una", info), ("5f79", "zoe", info)):
        user = replace(first, id=id_, login_email=f"{login}@acme.test", emails=emails, mailbox=None)
        house.people = [*house.people, user]
        house.rainbow.people.add(user)
    return house


def test_everybody_is_listed_with_state_mailbox_reason_and_what_to_do(tmp_path: Path) -> None:
    async def test() -> None:
        house = company(tmp_path)
        async with house.open():
            house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 5, within=60)
            await until(lambda: {"mailbox-shared", "mailbox-not-found"} <= set(house.problems()), within=60)
            listed = mailboxes_of(house)
            page = await listed.page(Query())
            assert page["counts"] == {"total": 9, "streamed": 5, "polled": 0, "uncovered": 4, "not_read": 0}
            assert users(page) == sorted(user.login_email for user in house.people)
            eve = next(each for each in page["people"] if each["user"] == "eve@acme.test")
            assert eve | {"next_try": None} == {
                "user": "eve@acme.test", "user_id": "5f77", "state": "uncovered", "mailbox": None, "identifier": None,
                "read_mode": None, "read": True, "reason": "no-mailbox", "next_try": None, "finding": "no-mailbox",
                "says": "Exchange knows no mailbox by any of the user's addresses.",
                "suggestion": "Compare the user's login and work addresses in Rainbow with the mailboxes in Exchange.",
                "problem": "mailbox-not-found", "stream": None,
                "last_change": None, "last_told": None, "last_question": None,
                "tries": [{"kind": "login", "value": "eve@acme.test", "code": "ErrorNonExistentMailbox"}],
            }  # fmt: skip
            assert eve["next_try"] is not None
            first = house.people[0]
            ann = next(each for each in page["people"] if each["user"] == "ann@acme.test")
            assert (ann["finding"], ann["problem"], ann["tries"][0]["code"]) == (
                "alias-of-another", "mailbox-shared", "taken",
            )  # fmt: skip
            assert first.mailbox is not None
            assert ann["says"] == (
                f"ann@acme.test is an alias of {first.mailbox.address}, the mailbox of {first.login_email}."
            )
            streamed = next(each for each in page["people"] if each["state"] == "streamed")
            assert streamed["identifier"] == {"kind": "login", "value": streamed["user"]}
            assert (streamed["read_mode"], streamed["reason"], streamed["finding"]) == ("own", "", "own-address")
            assert page["reasons"] == {"no-mailbox": 1, "shared": 2, "taken": 1}
            assert {each["stream"] for each in page["people"]} == {1, None}
            assert users(await listed.page(Query(stream="1"))) == sorted(
                each["user"] for each in page["people"] if each["state"] == "streamed"
            )
            assert (await listed.page(Query(stream="2")))["people"] == []

            assert users(await listed.page(Query(state="uncovered"))) == [
                "ann@acme.test",
                "eve@acme.test", "una@acme.test", "zoe@acme.test",
            ]  # fmt: skip
            assert users(await listed.page(Query(problem="mailbox-shared"))) == [
                "ann@acme.test",
                "una@acme.test",
                "zoe@acme.test",
            ]
            assert users(await listed.page(Query(text="INFO@"))) == ["una@acme.test", "zoe@acme.test"]
            assert users(await listed.page(Query(text="?na@*"))) == ["una@acme.test"]
            assert users(await listed.page(Query(reason="no-mail"))) == ["eve@acme.test"]
            assert house.daemon is not None
            tried = house.daemon.retry(["info@acme.test", "nobody@acme.test"])
            assert (tried["several"], tried["unknown"]) == (("info@acme.test",), ("nobody@acme.test",))
            by_reason = users(await listed.page(Query(sort="reason")))
            shown = ["eve@acme.test", "una@acme.test", "zoe@acme.test", "ann@acme.test"]
            assert by_reason[:4] == shown  # no-mailbox, shared, taken; those without come last
            assert users(await listed.page(Query(sort="state")))[-4:] == sorted(shown)

    virtually(test)


def test_a_page_keeps_to_the_order_of_the_first(tmp_path: Path) -> None:
    async def test() -> None:
        house = company(tmp_path)
        async with house.open():
            house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 5, within=60)
            listed = mailboxes_of(house)
            first = await listed.page(Query(), limit=3)
            assert (first["matching"], first["offset"], first["next_offset"]) == (9, 0, 3)
            newcomer = replace(house.people[0], id="0000", login_email="aaa@acme.test", mailbox=None)
            house.rainbow.people.add(newcomer)
            pipeline = listed._bridge()
            assert pipeline is not None
            await pipeline.membership.listing.refresh()
            rest = [await listed.page(Query(), offset=offset, limit=3) for offset in (3, 6)]
            assert [each["next_offset"] for each in rest] == [6, None]
            seen = [user for page in (first, *rest) for user in users(page)]
            assert seen == sorted(user.login_email for user in house.people)
            assert users(await listed.page(Query(), limit=1)) == ["aaa@acme.test"]
            await asyncio.sleep(180)  # nobody has asked for long: the order is made anew for any page
            assert (await listed.page(Query(), offset=3, limit=3))["matching"] == 10

    virtually(test)


def test_each_row_says_when_somebody_changed_was_told_and_was_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3, right=Right.REVIEWER)
        async with house.at_work():
            await asyncio.sleep(60)
            listed = mailboxes_of(house)
            before = (await listed.page(Query()))["people"]
            assert [each["last_change"] for each in before] == [None, None, None]
            at = now()
            mailbox = list(house.exchange.directory.by_address.values())[1]
            house.appointment(mailbox.address, start=at + timedelta(hours=1))
            await asyncio.sleep(10)
            for sort in ("changed", "told", "asked"):
                first, *_ = (await listed.page(Query(sort=sort)))["people"]
                assert first["mailbox"] == mailbox.address, sort
            told = [datetime.fromisoformat(first[name]) for name in ("last_change", "last_told", "last_question")]
            assert told == sorted(told)
            assert at - timedelta(seconds=1) <= told[0] <= told[2] <= at + timedelta(seconds=5)
            rest = [each["last_change"] for each in (await listed.page(Query(sort="changed")))["people"]][1:]
            assert rest == [None, None]

    virtually(test)


def test_whoever_looks_again_and_again_gets_an_order_that_is_kept_and_rows_that_are_new(tmp_path: Path) -> None:
    async def test() -> None:
        house = company(tmp_path)
        async with house.open():
            house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 5, within=60)
            listed = mailboxes_of(house)
            first = await listed.page(Query(), glance=True)
            member = next(iter(listed._bridge().parts.roster))  # type: ignore[union-attr]  # there is one
            member.tries.clear()
            again = await listed.page(Query(), glance=True)  # at the same instant
            assert again["as_of"] == first["as_of"]
            row = next(each for each in again["people"] if each["user_id"] == member.user.id)
            assert row["tries"] == []
            await asyncio.sleep(3)
            assert (await listed.page(Query(), glance=True))["as_of"] > first["as_of"]

    virtually(test)


def test_whoever_cannot_be_read_is_found_and_without_a_bridge_it_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER)
        async with house.at_work():
            listed = mailboxes_of(house)
            await asyncio.sleep(60)  # everybody is read
            house.exchange.dials.turn({"faults": {"FindItem": "ErrorInternalServerError"}})
            mailbox = next(iter(house.exchange.directory.by_address.values()))
            house.appointment(mailbox.address, start=now() + timedelta(hours=1))
            await until(lambda: house.status()["not_read"], within=60)
            [unread] = (await listed.page(Query(state="not-read")))["people"]
            assert (unread["mailbox"], unread["state"], unread["read"]) == (mailbox.address, "streamed", False)
            assert unread["reason"] == "ErrorInternalServerError"
            assert (await listed.page(Query(state="not-streamed")))["people"] == []
            await house.stop()
        without = Mailboxes(lambda: None, lambda: "Exchange is switched off.")
        assert await without.page(Query()) == {
            "schema_version": 1, "state": "not-ready", "reason": "Exchange is switched off.",
        }  # fmt: skip

    virtually(test)


def test_there_is_no_list_before_rainbow_has_given_one(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        refused = {"refuse_next": 1000, "refuse_status": 403, "refuse_path": "/admin/v1.0/users"}
        house.rainbow.dials.set(refused)
        async with house.at_work("degraded"):
            page = await mailboxes_of(house).page(Query())
            assert page["state"] == "not-ready"
            assert page["reason"].startswith("Rainbow has not listed the users of the company so far.")
            house.rainbow.dials.set({"refuse_next": 0})
            await until(lambda: house.status()["mailboxes"]["total"] == 2, within=600)
            assert (await mailboxes_of(house).page(Query()))["state"] == "shown"

    virtually(test)


@pytest.mark.parametrize(
    "wanted",
    [[], {"state": "lost"}, {"sort": "luck"}, {"problem": "exchange-error"}, {"stream": "-1"}, {"stream": "\u0663"},
     {"text": 1}, {"text": "x" * 321}, {"limit": 0}, {"limit": 1001},
     {"limit": True}, {"offset": -1}, {"offset": 1.5}],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(wanted: object) -> None:
    with pytest.raises(ValueError, match="needed"):
        read_query(wanted)
