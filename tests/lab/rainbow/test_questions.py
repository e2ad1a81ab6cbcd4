"""After a notify the lab asks, and clients see what was answered."""

from typing import Any

import pytest


async def test_a_notify_is_followed_by_both_questions_about_that_user(*, link: Any, admin: Any, users: Any) -> None:
    assert await admin.notify(users[0].id) == (200, {"status": "ok"})
    first, second = await link.hear(), await link.hear()
    assert [first[0].tag, second[0].tag] == ["{urn:xmpp:calendar:0}events", "{urn:xmpp:calendar:0}autoreply"]
    assert {first[0].get("email"), second[0].get("email")} == {users[0].login_email}
    asker, _, digits = first.get("from").partition("/")
    assert asker == "pcloud_enduser_1@rainbow.test"
    assert digits.isdigit()
    assert first.get("to") == link.jid
    assert first[0].findtext("{urn:xmpp:calendar:0}startDate") == "2026-01-05T08:00:00Z"
    assert first[0].findtext("{urn:xmpp:calendar:0}endDate") == "2026-01-06T08:00:00Z"


async def test_questions_come_alternately_as_get_and_as_set(*, link: Any, admin: Any, users: Any) -> None:
    await admin.notify(users[0].id, users[1].id)
    asked = [await link.hear() for _ in range(4)]
    kinds = [(q[0].tag.rpartition("}")[2], q.get("type")) for q in asked]
    assert sorted(kinds) == [("autoreply", "get"), ("autoreply", "set"), ("events", "get"), ("events", "set")]


async def test_a_client_sees_what_was_answered_until_it_ends(
    *, lab: Any, link: Any, admin: Any, colleague: Any, users: Any, clock: Any, make_event: Any
) -> None:
    user = users[3]
    assert (await colleague.state(user.id))["status"] == "not_enabled"
    await admin.notify(user.id)
    await link.answer_all(2, make_event("Revue &amp; café ☕", "08:00", "09:00"))
    await lab.questions.idle()
    assert await colleague.state(user.login_email.upper()) == {
        "busy": True,
        "status": "busy",
        "subject": "Revue & café ☕",
        "since": "2026-01-05T08:00:00.000Z",
        "until": "2026-01-05T09:00:00.000Z",
    }
    clock.go_on(hours=1)
    nothing = {"busy": False, "status": "free", "subject": None, "since": None, "until": None}
    admin_sees = await colleague.call("POST", "/api/rainbow/calendar/v1.0/states", json={"users": [user.id, "nobody"]})
    assert admin_sees == (401, admin_sees[1])  # the token's hour is over too
    await colleague.login(users[0].login_email)
    assert await colleague.state(user.id) == nothing


async def test_an_automatic_reply_shows_with_its_text(
    *, lab: Any, link: Any, admin: Any, colleague: Any, users: Any, clock: Any
) -> None:
    await admin.notify(users[0].id)
    await link.answer_all(
        2,
        auto_reply='<autoreply state="scheduled"><startDate>2026-01-05T08:30:00Z</startDate>'
        "<endDate>2026-01-05T08:45:00Z</endDate><internalReplyMessage>En congés</internalReplyMessage>"
        '<externalReplyMessage audience="known">Away</externalReplyMessage></autoreply>',
    )
    await lab.questions.idle()
    path = f"/api/rainbow/calendar/v1.0/automatic_reply?userid={users[0].id}"
    _, before = await colleague.call("GET", path)
    assert before["enabled"] is False
    assert (await colleague.state(users[0].id))["status"] == "free"
    clock.go_on(minutes=30)
    _, now = await colleague.call("GET", path)
    assert (now["enabled"], now["message_text"], now["end"]) == (True, "En congés", "2026-01-05T08:45:00.000Z")
    state = await colleague.state(users[0].id)
    assert (state["status"], state["busy"], state["until"]) == ("out_of_office", True, "2026-01-05T08:45:00.000Z")


async def test_an_answer_of_item_not_found_forgets_and_other_errors_do_not(
    *, lab: Any, link: Any, admin: Any, colleague: Any, users: Any, make_event: Any
) -> None:
    await admin.notify(users[0].id)
    await link.answer_all(2, make_event("Point", "08:00", "09:00"))
    await lab.questions.idle()
    error = '<error type="{}"><{} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    for kind, condition, expected in (
        ("wait", "remote-server-timeout", "busy"),
        ("cancel", "item-not-found", "not_enabled"),
    ):
        await admin.notify(users[0].id)
        for _ in range(2):
            await link.answer(await link.hear(), error.format(kind, condition), "error")
        await lab.questions.idle()
        assert (await colleague.state(users[0].id))["status"] == expected
    last = lab.record.questions[-1]
    assert (last["outcome"], last["condition"], last["error_type"]) == ("error", "item-not-found", "cancel")


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ('<events xmlns="urn:xmpp:calendar:0" email="other@acme.test"/>', "email is not the one"),
        ('<events xmlns="urn:xmpp:calendar:0" email="{email}"><event id="1"/></events>', "no subject"),
        ("", "must hold one events"),
    ],
)
async def test_an_answer_that_is_not_as_documented_is_recorded_and_not_shown(
    *, link: Any, lab: Any, admin: Any, users: Any, colleague: Any, payload: str, fault: str
) -> None:
    lab.dials.set({"question_type": "get"})
    await admin.notify(users[0].id)
    question = await link.hear()
    await link.answer(question, payload.replace("{email}", users[0].login_email))
    await link.answer_all(1)
    await lab.questions.idle()
    entry = next(each for each in lab.record.questions if each["kind"] == "events")
    assert entry["outcome"] == "malformed"
    assert fault in entry["fault"]
    assert (await colleague.state(users[0].id))["status"] == "not_enabled"


async def test_an_answer_may_come_back_in_an_error_that_repeats_it(
    *, lab: Any, link: Any, admin: Any, users: Any, make_event: Any
) -> None:
    lab.dials.set({"echo_answers": True})
    await admin.notify(users[0].id)
    await link.answer_all(2, make_event("Planning", "08:00", "09:00"))
    echoes = [await link.hear(), await link.hear()]
    assert [each.get("type") for each in echoes] == ["error", "error"]
    said = "".join("".join(each.itertext()) for each in echoes)
    assert said.count("Planning") == 2, "in the payload, and in the words of the error"
    assert {await lab.questions.idle()} == {None}
