"""An Exchange whose certificate is wrong: what status says, and what Rainbow is told, which is nothing at all."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.tls import Kind, LabAuthority
from tests.house import House, virtually
from tests.verdicts import EXPECTED

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("kind", "trusting", "text", "action"), EXPECTED, ids=[each[0] for each in EXPECTED])
def test_status_says_it_and_rainbow_hears_of_nobody(
    tmp_path: Path, kind: Kind, trusting: bool, text: str, action: str
) -> None:
    authority = LabAuthority(tmp_path)

    async def test() -> None:
        house = House(
            tmp_path / "state",
            2,
            tls=authority.server_context(kind=kind),
            ca_file=authority.ca_file if trusting else None,
        )
        async with house.at_work("degraded") as daemon:
            await asyncio.sleep(60)
            status = daemon.status()
            found: dict[str, Any] = {problem["id"]: problem for problem in status["problems"]}
            assert found["exchange-certificate"]["text"] == status["exchange"]["reason"] == text
            assert found["exchange-certificate"]["action"] == action
            assert status["exchange"]["state"] == "disconnected"
            assert status["rainbow"] == {"state": "connected", "reason": ""}
            assert status["mailboxes"] == {"total": 2, "streamed": 0, "polled": 0, "uncovered": 2}
            assert house.exchange.record.counts == {}
            assert not house.rainbow.record.notifies
            person = house.people[0]
            answer = await house.rainbow.questions.ask("events", person.login_email)
            assert answer["condition"] == "remote-server-timeout"

    virtually(test)
