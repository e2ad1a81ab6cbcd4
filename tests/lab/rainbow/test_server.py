"""The lab's Rainbow as a whole: start, stop, start again."""

from datetime import UTC, datetime
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.rainbow.answers import ToldEvent
from rainbow_exchange.lab.rainbow.people import Filters
from rainbow_exchange.lab.rainbow.presence import Known
from rainbow_exchange.lab.user import made_id

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def made(users: list[LabUser]) -> LabRainbow:
    return LabRainbow(users=users, now=lambda: NOW, random=Random(1))


async def test_it_starts_again_on_its_port_and_remembers(unused_tcp_port: int) -> None:
    users = make_company(2)
    lab = made(users)
    told = ToldEvent(id="1", subject="x", type="occurrence", show_as="busy", start=NOW, end=NOW.replace(hour=9))
    for _ in range(2):
        await lab.start(port=unused_tcp_port)
        assert lab.url == f"http://127.0.0.1:{unused_tcp_port}"
        async with aiohttp.ClientSession() as session, session.get(f"{lab.url}/api/rainbow/ping") as answer:
            assert answer.status == 200
        lab.questions.known.setdefault(users[0].id, Known(events=(told,)))
        await lab.stop()
    assert lab.questions.shown(users[0]).status == "busy"
    await lab.stop()


async def test_a_port_that_is_taken_is_an_error(unused_tcp_port: int) -> None:
    first, second = made([]), made([])
    await first.start(port=unused_tcp_port)
    with pytest.raises(OSError, match=str(unused_tcp_port)):
        await second.start(port=unused_tcp_port)
    await second.stop()
    await first.stop()


def test_an_account_that_is_one_of_the_users_is_that_user_and_an_administrator() -> None:
    users = make_company(3)
    lab = LabRainbow(users=users, now=lambda: NOW, random=Random(1), login=users[1].login_email.upper())
    assert lab.people.account.id == users[1].id != made_id("account", users[1].login_email)
    assert set(lab.people.account.roles) == {"user", "admin"}
    assert len(lab.people.select(Filters())) == 3
