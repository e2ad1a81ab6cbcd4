"""What is lost between Rainbow and us, or while one of us is away, leaves nobody shown what is not so."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.house import House, now, until, virtually


def shown(house: House, user_id: str) -> str:
    user = house.rainbow.people.by_id(user_id)
    assert user is not None
    return house.rainbow.questions.shown(user).status


def rename(house: House, user_id: str) -> None:
    """Give a user a login that leads to no mailbox, and nothing else that might."""
    user = house.rainbow.people.by_id(user_id)
    assert user is not None
    house.rainbow.people.add(replace(user, login_email="nobody@acme.test", emails=(), external_uid=None))


@pytest.mark.parametrize("crash", [True, False], ids=["crashed", "stopped"])
def test_somebody_renamed_while_the_connector_was_away_shows_nothing(tmp_path: Path, crash: bool) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        user_id = house.people[0].id
        async with house.at_work():
            house.appointment(next(iter(house.exchange.directory.by_address)), start=now())
            await until(lambda: shown(house, user_id) == "busy", within=30)
            await asyncio.sleep(5)  # what was learnt is written every two seconds
            if crash:
                assert house.running is not None
                house.running.cancel()
                await asyncio.wait([house.running])
            else:
                await house.stop()
            rename(house, user_id)
            house.start()
            await until(lambda: shown(house, user_id) == "not_enabled", within=30)
            await asyncio.sleep(60)
            before = house.notified().count(user_id)
            await house.stop()
            house.start()
            await asyncio.sleep(120)
            assert house.notified().count(user_id) == before  # once is enough

    virtually(test)


@pytest.mark.parametrize("lost", ["/notify", "xmpp:question"])
def test_somebody_renamed_shows_nothing_though_the_notify_or_the_question_was_lost(tmp_path: Path, lost: str) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        house.bridge = {"users_refresh_minutes": 1}
        user_id = house.people[0].id
        async with house.at_work():
            await until(lambda: shown(house, user_id) == "free", within=30)
            await asyncio.sleep(30)
            house.rainbow.dials.set({"break_next": 1, "break_path": lost})
            rename(house, user_id)
            await until(lambda: shown(house, user_id) == "not_enabled", within=240)
            assert house.rainbow.dials.break_next == 0
            assert house.status()["state"] == "healthy"

    virtually(test)


@pytest.mark.parametrize("lasts", [0.0, 45.0])
def test_an_answer_that_was_lost_with_the_link_is_asked_for_again(tmp_path: Path, lasts: float) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        user_id = house.people[0].id
        async with house.at_work():
            await until(lambda: shown(house, user_id) == "free", within=30)
            await asyncio.sleep(90)
            house.rainbow.outage.on_break = lambda: house.rainbow.outage.set({"link": "reset"})
            house.rainbow.dials.set({"break_next": 1, "break_path": "xmpp:answer"})
            house.appointment(next(iter(house.exchange.directory.by_address)), start=now() - timedelta(minutes=5))
            await until(lambda: house.rainbow.dials.break_next == 0, within=30)
            await asyncio.sleep(lasts)
            house.rainbow.outage.set({"link": ""})
            await until(lambda: shown(house, user_id) == "busy", within=120)

    virtually(test)


def test_a_rainbow_without_its_memory_is_told_anew_though_the_first_questions_are_lost(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work():
            await until(lambda: all(shown(house, user.id) == "free" for user in house.people), within=30)
            await asyncio.sleep(90)
            house.rainbow.outage.set({"link": "reset"})
            await asyncio.sleep(400)
            house.rainbow.forget()
            house.rainbow.dials.set({"break_next": 1, "break_path": "xmpp:question"})
            house.rainbow.outage.set({"link": ""})
            await until(lambda: house.rainbow.dials.break_next == 0, within=120)
            await until(lambda: all(shown(house, user.id) == "free" for user in house.people), within=120)

    virtually(test)
