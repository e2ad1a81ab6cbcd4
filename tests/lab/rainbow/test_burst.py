"""A burst of questions: each answer is timed, counted once, and read as strictly as any."""

import asyncio
from typing import Any


async def burst(rest: Any, body: Any) -> tuple[int, Any]:
    answer: tuple[int, Any] = await rest.call("POST", "/lab/burst", json=body, headers={})
    return answer


async def test_each_question_is_answered_exactly_once(*, admin: Any, link: Any, make_event: Any) -> None:
    asking = asyncio.create_task(burst(admin, {"count": 6, "seed": 4}))
    await link.answer_all(
        6, events=make_event("Un", "08:30", "09:00") + make_event("Two", "10:00", "11:00", identifier="e2")
    )
    status, summed = await asking
    assert status == 200
    counts = ("asked", "answered", "missing", "twice", "malformed", "errors", "events")
    assert [summed[each] for each in counts] == [6, 6, 0, 0, 0, {}, 12]
    assert 0 < summed["p50"] <= summed["p99"] <= summed["longest"] <= summed["seconds"]
    assert summed["rate"] > 0


async def test_nobody_is_asked_about_twice_before_all_were(*, admin: Any, link: Any, users: Any) -> None:
    asking = asyncio.create_task(burst(admin, {"count": 24, "rate": 2000.0, "kind": "autoreply"}))
    emails = []
    for _ in range(24):
        question = await link.hear()
        emails.append(question[0].get("email"))
        about = f'xmlns="urn:xmpp:calendar:0" email="{emails[-1]}" state="disabled"'
        await link.answer(question, f"<autoreply {about}><internalReplyMessage/></autoreply>")
    assert (await asking)[1]["answered"] == 24
    everybody = sorted(each.login_email for each in users)
    assert sorted(emails[:12]) == sorted(emails[12:]) == everybody


async def test_what_is_wrong_with_answers_is_counted(*, admin: Any, link: Any, users: Any) -> None:
    wanted = {"users": [each.id for each in users[:4]], "count": 4, "seconds": 0.3}
    asking = asyncio.create_task(burst(admin, wanted))
    first, second, third, _ = [await link.hear() for _ in range(4)]
    whole = f'<events xmlns="urn:xmpp:calendar:0" email="{first[0].get("email")}"/>'
    await link.answer(first, whole)
    await link.answer(first, whole)
    await link.answer(second, '<events xmlns="urn:xmpp:calendar:0" email="other@acme.test"/>')
    await link.answer(
        third,
        '<error type="wait"><remote-server-timeout xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>',
        kind="error",
    )
    summed = (await asking)[1]
    counts = ("asked", "answered", "missing", "twice", "malformed", "errors")
    assert [summed[each] for each in counts] == [4, 3, 1, 1, 1, {"remote-server-timeout": 1}]


async def test_other_frames_go_their_way_during_a_burst(*, admin: Any, link: Any, users: Any) -> None:
    asking = asyncio.create_task(burst(admin, {"users": [users[0].login_email]}))
    question = await link.hear()
    await link.say('<iq xmlns="jabber:client" type="get" id="p1" to="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    assert (await link.hear()).get("id") == "p1"
    await link.answer(question, f'<events xmlns="urn:xmpp:calendar:0" email="{users[0].login_email}"/>')
    assert (await asking)[1]["answered"] == 1


async def test_what_cannot_be_asked_is_refused(*, admin: Any) -> None:
    wrong: tuple[Any, ...] = (
        {"count": 0},
        {"count": True},
        {"rate": "x"},
        {"kind": "ping"},
        {"users": ["nobody"]},
        {"users": []},
        {"x": 1},
    )
    for body in wrong:
        status, answer = await burst(admin, body)
        assert status == 400, body
        assert answer["error"]


async def test_without_a_connector_nothing_is_asked(*, admin: Any) -> None:
    assert (await burst(admin, {"count": 1}))[0] == 409
