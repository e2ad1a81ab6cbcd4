"""What a colleague's client shows, against the lab's Rainbow."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.colleague import Colleague, Reply, State
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.rainbow.answers import ToldAutoReply, ToldEvent
from rainbow_exchange.lab.rainbow.presence import Known
from rainbow_exchange.lab.rainbow_account import RainbowAccount

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
END = NOW + timedelta(hours=1)
USERS = make_company(3)


@pytest.fixture
async def rainbow() -> AsyncIterator[LabRainbow]:
    lab = LabRainbow(users=USERS, now=lambda: NOW, random=Random(1))
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def colleague(rainbow: LabRainbow) -> AsyncIterator[Colleague]:
    async with aiohttp.ClientSession() as session:
        yield Colleague(account(session, rainbow))


def account(session: aiohttp.ClientSession, rainbow: LabRainbow, password: str = "") -> RainbowAccount:
    return RainbowAccount(
        session,
        url=rainbow.url,
        login=USERS[2].login_email,
        password=password or rainbow.password,
        app_id=rainbow.app_id,
        app_secret=rainbow.app_secret,
    )


async def test_busy_people_show_with_subject_and_times_and_those_never_told_as_such(
    rainbow: LabRainbow, colleague: Colleague
) -> None:
    event = ToldEvent(id="1", subject="Café 🎉", type="singleInstance", show_as="busy", start=NOW, end=END)
    rainbow.questions.known[USERS[0].id] = Known(events=(event,))
    assert await colleague.states([USERS[0].id, USERS[1].id, "nobody"]) == {
        USERS[0].id: State(status="busy", subject="Café 🎉", since=NOW, until=END),
        USERS[1].id: State(status="not_enabled"),
    }
    assert await colleague.states([]) == {}


async def test_an_automatic_reply_is_read_with_its_text_and_times(rainbow: LabRainbow, colleague: Colleague) -> None:
    told = ToldAutoReply(state="scheduled", start=NOW, end=END, internal_text="Bientôt", external_text="")
    rainbow.questions.known[USERS[0].id] = Known(auto_reply=told)
    assert await colleague.automatic_reply(USERS[0].id) == Reply(enabled=True, text="Bientôt", start=NOW, end=END)
    assert await colleague.automatic_reply(USERS[1].id) == Reply(enabled=False, text="")
    with pytest.raises(Refused, match="http-404: User does not exist"):
        await colleague.automatic_reply("nobody")


async def test_a_client_whose_token_is_over_signs_in_again(rainbow: LabRainbow, colleague: Colleague) -> None:
    assert await colleague.states([USERS[0].id])
    rainbow.sign_in.expire_tokens()
    assert await colleague.states([USERS[0].id])
    assert rainbow.record.counts["GET /api/rainbow/authentication/v1.0/login 200"] == 2


async def test_a_wrong_password_and_a_rainbow_that_answers_with_a_web_page_are_refusals(
    rainbow: LabRainbow, colleague: Colleague
) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Refused, match="http-401"):
            await Colleague(account(session, rainbow, "wrong")).states([USERS[0].id])
    rainbow.dials.set({"refuse_next": 1, "refuse_status": 503, "refuse_body": "html"})
    with pytest.raises(Refused, match="http-503"):
        await colleague.states([USERS[0].id])
