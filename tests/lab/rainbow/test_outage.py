"""The lab's Rainbow out of reach: reset, silent, broken off in the middle of a call, killed, and without its memory."""

import asyncio
from typing import Any

import aiohttp
import pytest

USERS = "/api/rainbow/admin/v1.0/users"


async def turn(lab: Any, **dials: Any) -> int:
    """Turn dials over the lab's own wire, which is never away."""
    async with aiohttp.ClientSession() as session, session.post(f"{lab.url}/lab/dials", json=dials) as answer:
        return answer.status


async def test_a_part_that_resets_breaks_the_old_and_the_new_and_the_other_part_goes_on(
    *, admin: Any, link: Any, lab: Any
) -> None:
    assert await turn(lab, away={"link": "reset"}) == 200
    assert await link.ended() is not None
    assert (await admin.call("GET", USERS))[0] == 200
    assert await turn(lab, away={"rest": "reset", "link": ""}) == 200
    with pytest.raises(aiohttp.ClientError):
        await admin.call("GET", USERS)
    assert await turn(lab, away={"rest": ""}) == 200
    assert (await admin.call("GET", USERS))[0] == 200


async def test_a_part_that_is_silent_goes_on_afterwards_with_what_it_was_asked(*, admin: Any, link: Any) -> None:
    lab = admin.url
    async with aiohttp.ClientSession() as session:

        async def away(how: str) -> None:
            async with session.post(f"{lab}/lab/dials", json={"away": {"rest": how, "link": how}}) as answer:
                assert answer.status == 200

        await away("silent")
        listing = asyncio.create_task(admin.call("GET", USERS))
        await link.say('<iq xmlns="jabber:client" type="get" id="p1"><ping xmlns="urn:xmpp:ping"/></iq>')
        hearing = asyncio.create_task(link.hear())
        await asyncio.sleep(0.1)
        assert not listing.done()
        assert not hearing.done()
        await away("")
        assert (await listing)[0] == 200
        assert (await hearing).get("id") == "p1"


@pytest.mark.parametrize(("when", "told"), [("before", 0), ("after", 1)])
async def test_a_call_is_broken_off_before_or_after_it_was_handled(
    *, admin: Any, lab: Any, users: Any, when: str, told: int
) -> None:
    broken = []
    lab.outage.on_break = lambda: broken.append(when)
    assert await turn(lab, break_next=1, break_path="/notify", break_when=when) == 200
    with pytest.raises(aiohttp.ClientError):
        await admin.notify(users[0].id)
    assert (len(lab.record.notifies), broken) == (told, [when])
    assert (await admin.notify(users[0].id))[0] == 200


@pytest.mark.parametrize("path", ["xmpp:question", "xmpp:answer"])
async def test_the_link_breaks_between_question_and_answer_or_loses_the_answer(
    *, admin: Any, link: Any, lab: Any, users: Any, path: str
) -> None:
    lab.dials.set({"questions_in_flight": 1, "question_seconds": 0.2})
    assert await turn(lab, break_next=1, break_path=path) == 200
    await admin.notify(users[0].id)
    if path == "xmpp:answer":
        await link.answer_all(1)
    await lab.questions.idle()
    assert [question["outcome"] for question in lab.record.questions] == ["timeout", "no-link"]
    assert lab.questions.known == {}


async def test_a_killed_one_starts_again_with_its_memory_or_without(
    *, admin: Any, link: Any, lab: Any, users: Any
) -> None:
    await admin.notify(users[0].id)
    await link.answer_all(2)
    await lab.questions.idle()
    port = int(lab.url.rpartition(":")[2])
    await lab.kill()
    assert await link.ended() is not None
    with pytest.raises(aiohttp.ClientError):
        await admin.call("GET", USERS)
    await lab.start(port=port)
    assert (await admin.state(users[0].id))["status"] == "free"
    lab.forget()
    assert (await admin.call("GET", USERS))[0] == 401
    assert lab.questions.known == {}


@pytest.mark.parametrize("away", [{"all": "reset"}, {"rest": "slow"}, {"rest": ["silent"]}, "both"])
async def test_what_means_nothing_is_refused(*, lab: Any, away: Any) -> None:
    assert await turn(lab, away=away) == 400
    assert lab.outage.as_json() == {"rest": "", "link": ""}
