"""How far a change has come at Rainbow, from the record of the lab's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.stages import RainbowRecord, Stages

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
ADA, ALAN = make_company(2)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def written(seconds: float) -> str:
    return f"2026-01-05T08:00:{seconds:06.3f}Z"


@pytest.fixture
async def rainbow() -> AsyncIterator[LabRainbow]:
    lab = LabRainbow(users=[ADA, ALAN], now=lambda: NOW, random=Random(1))
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def record(rainbow: LabRainbow) -> AsyncIterator[RainbowRecord]:
    async with aiohttp.ClientSession() as session:
        yield RainbowRecord(session, rainbow.url)


def notified(rainbow: LabRainbow, seconds: float, *ids: str) -> None:
    rainbow.record.notifies.append({"at": written(seconds), "ids": list(ids), "force": False})


def asked(rainbow: LabRainbow, seconds: float, user: str, kind: str, outcome: str = "result") -> None:
    entry = {"at": written(seconds), "user_id": user, "kind": kind, "outcome": outcome, "seconds": 0.25}
    rainbow.record.questions.append(entry)


async def test_the_stages_of_a_change_are_its_own_and_no_other_s(rainbow: LabRainbow, record: RainbowRecord) -> None:
    """Not those of an earlier change, of another person, or of the question of the other kind."""
    notified(rainbow, 1, ADA.id)
    asked(rainbow, 1.1, ADA.id, "events")
    assert await record.stages(ADA.id, "events", after(2)) == Stages()
    notified(rainbow, 3, ALAN.id, ADA.id)
    asked(rainbow, 2.9, ADA.id, "events")  # to the earlier word, and answered late
    asked(rainbow, 3.1, ALAN.id, "events")
    asked(rainbow, 3.1, ADA.id, "autoreply")
    assert await record.stages(ADA.id, "events", after(2)) == Stages(told=after(3))
    asked(rainbow, 3.2, ADA.id, "events")
    asked(rainbow, 3.5, ADA.id, "events", outcome="error")
    whole = Stages(told=after(3), asked=after(3.2), answered=after(3.45), outcome="result")
    assert await record.stages(ADA.id, "events", after(2)) == whole
    of_reply = Stages(told=after(3), asked=after(3.1), answered=after(3.35), outcome="result")
    assert await record.stages(ADA.id, "autoreply", after(2)) == of_reply


async def test_without_a_connector_there_is_no_link(record: RainbowRecord) -> None:
    assert await record.link() == ""


async def test_what_is_no_instant_is_refused(rainbow: LabRainbow) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{rainbow.url}/lab/requests?since=soon") as answer:
        assert answer.status == 400
        assert "ISO 8601" in (await answer.json())["error"]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Refused, match="http-404"):
            await RainbowRecord(session, rainbow.url + "/nothing").link()
