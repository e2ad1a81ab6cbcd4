"""The administrator is told where a level cannot be guaranteed, and which exception concerns nobody."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually

UNKNOWN, UNMATCHED = "mailboxes-confidential-unknown", "settings-privacy-unmatched"


def with_appointments(house: House) -> None:
    for address in house.exchange.directory.by_address:
        house.appointment(address, start=now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("right", "settings", "bridge", "said"),
    [
        (Right.REVIEWER, {"impersonation": False}, {}, "Confidential or Personal"),
        (Right.REVIEWER, {"impersonation": False}, {"mask_personal": False}, "what is Confidential;"),
        (Right.REVIEWER, {"impersonation": True}, {}, ""),
        (Right.REVIEWER, {"impersonation": False}, {"privacy": "full"}, ""),
        (Right.REVIEWER, {"impersonation": False}, {"privacy": "busy-only"}, ""),
    ],
)
def test_where_confidential_cannot_be_told_apart(
    tmp_path: Path, right: Right, settings: dict[str, Any], bridge: dict[str, Any], said: str
) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=right)
        house.settings, house.bridge = settings, bridge
        async with house.open():
            with_appointments(house)
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=60)
            await asyncio.sleep(90)
            problem = house.problems().get(UNKNOWN, {"text": "", "severity": "notice"})
            assert said in problem["text"]
            assert bool(problem["text"]) is bool(said)
            assert problem["severity"] == "notice"
            assert house.status()["state"] == "healthy"

    virtually(test)


def test_an_exception_that_concerns_nobody_is_named_until_it_does(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        user = house.people[0]
        house.bridge = {
            "users_refresh_minutes": 1,
            "privacy_exceptions": {"*@board.test": "busy-only", user.login_email: "full"},
        }
        async with house.at_work():
            await until(lambda: UNMATCHED in house.problems(), within=60)
            assert house.problems()[UNMATCHED]["text"].endswith("in bridge.privacy_exceptions: *@board.test.")
            house.rainbow.people.add(replace(user, emails=(*user.emails, ("ada@board.test", "other"))))
            await until(lambda: UNMATCHED not in house.problems(), within=180)

    virtually(test)
