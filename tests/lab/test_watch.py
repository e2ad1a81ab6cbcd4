"""Looking at the lab as a client does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.rainbow.answers import ToldEvent
from rainbow_exchange.lab.rainbow.presence import Known
from rainbow_exchange.lab.watch import Seen, Watch

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
USERS = make_company(250)


@pytest.fixture
async def rainbow() -> AsyncIterator[LabRainbow]:
    lab = LabRainbow(users=USERS, now=lambda: NOW, random=Random(1))
    await lab.start()
    yield lab
    await lab.stop()


def told(lab: LabRainbow, user: LabUser, subject: str | None) -> None:
    """As if the connector had answered: busy for an hour, or nothing."""
    end = NOW + timedelta(hours=1)
    event = ToldEvent(id="1", subject=subject or "", type="singleInstance", show_as="busy", start=NOW, end=end)
    lab.questions.known[user.id] = Known(events=() if subject is None else (event,))


def watch(lab: LabRainbow, made: Made) -> Watch:
    return Watch(
        url=lab.url,
        login=USERS[0].login_email,
        password=lab.password,
        app_id=lab.app_id,
        app_secret=lab.app_secret,
        users=USERS,
        made=made,
        interval=0.0,
    )


async def test_a_change_is_seen_with_the_time_it_took(rainbow: LabRainbow) -> None:
    """The last of 250 people, whose turn among all would come late, is looked at because a change is awaited."""
    made = Made()
    seen = watch(rainbow, made).changes()
    last = USERS[-1]
    assert last.mailbox
    made.note(last.mailbox.address, asyncio.get_running_loop().time())
    told(rainbow, last, "Revue 🎉")
    async with asyncio.timeout(60):
        change = await anext(seen)
    assert (change.user.id, change.status, change.subject) == (last.id, "busy", "Revue 🎉")
    assert change.until == NOW + timedelta(hours=1)
    assert change.seconds is not None
    assert 0 <= change.seconds < 60
    assert made.waiting() == []
    await seen.aclose()


async def test_what_nobody_made_now_has_no_time_and_the_first_free_is_no_change(rainbow: LabRainbow) -> None:
    for user in USERS:
        told(rainbow, user, None)
    told(rainbow, USERS[120], "Point")
    seen = watch(rainbow, Made()).changes()
    async with asyncio.timeout(60):
        change = await anext(seen)
        assert (change.user.id, change.status, change.seconds) == (USERS[120].id, "busy", None)
        told(rainbow, USERS[120], None)
        change = await anext(seen)
    assert (change.user.id, change.status) == (USERS[120].id, "free")
    await seen.aclose()


async def test_a_token_that_ran_out_is_asked_for_anew_and_a_stopped_rainbow_waited_for(rainbow: LabRainbow) -> None:
    seen = watch(rainbow, Made()).changes()
    waiting = asyncio.ensure_future(anext(seen))
    async with asyncio.timeout(60):
        while not rainbow.record.counts["POST /api/rainbow/calendar/v1.0/states 200"]:  # noqa: ASYNC110  (over a socket)
            await asyncio.sleep(0.01)
        rainbow.people.remove(USERS[0].id)
        while not rainbow.record.counts["POST /api/rainbow/calendar/v1.0/states 401"]:  # noqa: ASYNC110  (over a socket)
            await asyncio.sleep(0.01)
        rainbow.people.add(USERS[0])
        told(rainbow, USERS[1], "Point")
        assert (await waiting).user.id == USERS[1].id
    await seen.aclose()


def test_a_change_is_said_in_one_line() -> None:
    until = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    seen = Seen(user=USERS[0], status="busy", subject="Café", until=until, seconds=0.84)
    name = USERS[0].display_name
    assert seen.sentence() == f"{name} is busy: Café, until {until.astimezone():%H:%M} (0.8 s)"
    free = Seen(user=USERS[0], status="free", subject=None, until=None, seconds=None)
    assert free.sentence() == f"{name} is free"
