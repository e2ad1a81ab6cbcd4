"""What Rainbow is answered about an absence is what its owner has set: case by case, at the times that matter."""

import asyncio
import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, virtually

FIXTURES = Path(__file__).parents[2] / "fixtures" / "right"
CASES: list[dict[str, Any]] = tomllib.loads((FIXTURES / "out_of_office.toml").read_text("utf-8"))["case"]
Told = dict[tuple[str, int], dict[str, Any]]


def utc(written: str | None) -> str | None:
    return written and written.replace("Z", "+00:00")


def set_absences(house: House, people: list[LabUser]) -> None:
    """Have each person set what the case of that person says."""
    for person, case in zip(people, CASES, strict=True):
        assert person.mailbox is not None
        mailbox = house.exchange.directory.by_address[person.mailbox.address]
        values = dict(case["set"])
        values |= {name: datetime.fromisoformat(values[name]) for name in ("start", "end") if name in values}
        mailbox.oof = replace(mailbox.oof, **values)


async def answer(house: House, person: LabUser) -> dict[str, Any]:
    entry = await house.rainbow.questions.ask("autoreply", person.login_email)
    assert entry["outcome"] == "result"
    told: dict[str, Any] = entry["answer"]
    return told | {"shown": house.rainbow.questions.shown(person).status}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Each answer by title and minute: the whole truth, by impersonation."""
    found: Told = {}

    async def run() -> None:
        people = make_company(len(CASES), 1)
        house = House(tmp_path_factory.mktemp("settings"), people)
        set_absences(house, people)
        minutes = sorted({each["after"] for case in CASES for each in case["told"]})
        async with house.at_work():
            await asyncio.sleep(5)
            for minute in minutes:
                await asyncio.sleep(max(0.0, minute * 60 - asyncio.get_running_loop().time()))
                for person, case in zip(people, CASES, strict=True):
                    found[case["title"], minute] = await answer(house, person)

    virtually(run)
    return found


@pytest.fixture(scope="module")
def told_by_tips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each answer by title where the account may not impersonate, and MailTips are all there is."""
    found: dict[str, dict[str, Any]] = {}

    async def run() -> None:
        people = make_company(len(CASES), 1)
        house = House(tmp_path_factory.mktemp("tips"), people, right=Right.REVIEWER, impersonation=False)
        set_absences(house, people)
        async with house.at_work():
            await asyncio.sleep(90)
            for person, case in zip(people, CASES, strict=True):
                found[case["title"]] = await answer(house, person)

    virtually(run)
    return found


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        pytest.param(case, wanted, id=f"{case['title']}, after {wanted['after']} min")
        for case in CASES
        for wanted in case["told"]
    ],
)
def test_told_as_it_was_set(told: Told, case: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert told[case["title"], wanted["after"]] == {
        "state": wanted["state"],
        "startDate": utc(wanted.get("start")),
        "endDate": utc(wanted.get("end")),
        "internalReplyMessage": wanted["internal"],
        "externalReplyMessage": wanted.get("external"),
        "audience": wanted.get("audience"),
        "shown": wanted["shown"],
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in CASES if "tips" in case])
def test_told_as_far_as_tips_tell(told_by_tips: dict[str, dict[str, Any]], case: dict[str, Any]) -> None:
    answered = told_by_tips[case["title"]]
    assert {"state": answered["state"], "internal": answered["internalReplyMessage"]} == case["tips"]
    assert (answered["startDate"], answered["endDate"], answered["externalReplyMessage"]) == (None, None, None)
