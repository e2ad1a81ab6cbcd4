"""The lab's own wire: record, users, dials, free questions."""

import asyncio
from typing import Any

import pytest


async def lab_call(rest: Any, method: str, path: str, body: Any = None) -> Any:
    status, answer = await rest.call(method, f"/lab/{path}", json=body, headers={})
    assert status in (200, 201), answer
    return answer


async def test_the_record_shows_what_was_asked_and_can_be_cleared(*, admin: Any) -> None:
    await admin.call("GET", "/api/rainbow/admin/v1.0/users")
    record = await lab_call(admin, "GET", "requests")
    assert [entry["path"].rpartition("/")[2] for entry in record["requests"]] == ["login", "users"]
    assert record["full_listings"] == 1
    await lab_call(admin, "DELETE", "requests")
    assert (await lab_call(admin, "GET", "requests?only=requests"))["requests"] == []
    assert (await admin.call("GET", "/lab/requests?only=secrets", headers={}))[0] == 400


async def test_users_come_change_and_go(*, admin: Any, link: Any, lab: Any) -> None:
    made = await lab_call(admin, "POST", "users", {"loginEmail": "new@acme.test", "displayName": "Neue 🌻"})
    assert made["jid_im"].endswith("@rainbow.test")
    listed = (await admin.call("GET", "/api/rainbow/admin/v1.0/users?loginEmail=new@acme.test"))[1]["data"]
    assert [user["id"] for user in listed] == [made["id"]]
    await admin.notify(made["id"])
    await link.answer_all(2)
    await lab.questions.idle()
    assert (await admin.state("new@acme.test"))["status"] == "free"

    changed = await lab_call(
        admin, "PATCH", f"users/{made['id']}", {"loginEmail": "renamed@acme.test", "emails": [], "isActive": False}
    )
    assert (changed["id"], changed["displayName"], changed["isActive"]) == (made["id"], "Neue 🌻", False)
    assert (await admin.login("renamed@acme.test"))[1]["errorDetailsCode"] == 401520
    assert (await admin.login("new@acme.test"))[1]["errorDetailsCode"] == 401500

    await lab_call(admin, "DELETE", "users/renamed@acme.test")
    assert (await admin.call("POST", "/api/rainbow/calendar/v1.0/states", json={"users": [made["id"]]}))[1] == {}


@pytest.mark.parametrize(
    "body", [{}, {"loginEmail": 1}, {"loginEmail": "x@y.test", "emails": [{"email": "a"}]}, [], {"loginEmail": "taken"}]
)
async def test_a_user_that_is_not_right_is_refused(*, rest: Any, lab: Any, users: Any, body: Any) -> None:
    if body == {"loginEmail": "taken"}:
        body = {"loginEmail": users[0].login_email, "id": "5f1"}
    status, answer = await rest.call("POST", "/lab/users", json=body, headers={})
    assert status == 400
    assert answer["error"]
    assert len(lab.people) == 12


async def test_what_was_answered_last_is_given(*, admin: Any, link: Any, lab: Any, users: Any, make_event: Any) -> None:
    assert {user.id for user in users} == set(before := await lab_call(admin, "GET", "known"))
    assert before[users[0].id] == {"events": None, "autoReply": None}
    await admin.notify(users[0].id)
    await link.answer_all(2, make_event("Planning", "09:00", "10:00"))
    await lab.questions.idle()
    known = (await lab_call(admin, "GET", "known"))[users[0].id]
    assert [(each["subject"], each["showAs"], each["startDate"]) for each in known["events"]] == [
        ("Planning", "busy", "2026-01-05T09:00:00+00:00")
    ]
    assert (known["autoReply"]["state"], known["autoReply"]["internalReplyMessage"]) == ("disabled", "")


async def test_any_question_is_asked_as_anybody(*, admin: Any, link: Any) -> None:
    async def asked(body: dict[str, Any]) -> Any:
        return await lab_call(admin, "POST", "ask", body)

    body = {"kind": "events", "email": "X@acme.test", "from": "mallory@rainbow.test/m", "type": "set", "dates": False}
    task = asyncio.create_task(asked(body))
    question = await link.hear()
    assert (question.get("from"), question.get("type"), len(question[0])) == ("mallory@rainbow.test/m", "set", 0)
    await link.answer(
        question, '<error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>', "error"
    )
    answer = await task
    assert (answer["outcome"], answer["condition"], answer["error_type"]) == ("error", "forbidden", "auth")

    task = asyncio.create_task(
        asked({"email": "a@b.test", "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"})
    )
    question = await link.hear()
    assert [each.text for each in question[0]] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    await link.answer(question, '<events xmlns="urn:xmpp:calendar:0" email="a@b.test"/>')
    assert (await task)["answer"] == []


@pytest.mark.parametrize("sender", ["rainbow.test", "calendar.rainbow.test", "own account"])
async def test_the_answer_to_a_server_is_the_answer(*, admin: Any, link: Any, sender: str) -> None:
    if sender == "own account":
        sender = link.jid.partition("/")[0]
    asked = asyncio.create_task(lab_call(admin, "POST", "ask", {"email": "a@b.test", "from": sender}))
    question = await link.hear()
    assert question.get("from") == sender
    await link.answer(question, '<events xmlns="urn:xmpp:calendar:0" email="a@b.test"/>')
    answer = await asked
    assert (answer["outcome"], answer["answer"]) == ("result", [])


async def test_without_a_link_a_question_says_so(*, rest: Any) -> None:
    assert (await lab_call(rest, "POST", "ask", {"email": "a@b.test"}))["outcome"] == "no-link"


async def test_a_question_nobody_answers_times_out(*, rest: Any, link: Any, lab: Any) -> None:
    await lab_call(rest, "POST", "dials", {"question_seconds": 0.01})
    assert (await lab_call(rest, "POST", "ask", {"email": "a@b.test"}))["outcome"] == "timeout"
    assert (await link.hear())[0].get("email") == "a@b.test"
    assert lab.record.counts["questions_timeout"] == 1


async def test_dials_turn_and_come_to_rest(*, rest: Any, lab: Any) -> None:
    assert (await lab_call(rest, "POST", "dials", {"token_seconds": 60, "asked_email": "work"}))["token_seconds"] == 60
    for wrong in ({"no": 1}, {"token_seconds": "60"}, {"paging": "lost"}, {"ask": 1}):
        assert (await rest.call("POST", "/lab/dials", json={"question_hours": 1, **wrong}, headers={}))[0] == 400
    assert lab.dials.question_hours == 24
    assert (await lab_call(rest, "DELETE", "dials"))["token_seconds"] == 3600


@pytest.mark.parametrize(("asked_email", "written"), [("work", "work"), ("upper", "LOGIN")])
async def test_the_address_in_a_question_follows_its_dial(
    *, rest: Any, link: Any, users: Any, asked_email: str, written: str
) -> None:
    user = users[3]
    await lab_call(rest, "POST", "dials", {"asked_email": asked_email})
    await rest.notify(user.id)
    expected = user.work_emails[0] if written == "work" else user.login_email.upper()
    assert (await link.hear())[0].get("email") == expected


async def test_the_link_is_cut_without_a_word(*, rest: Any, link: Any) -> None:
    await lab_call(rest, "POST", "dials", {"cut_link": True})
    assert await link.ended() == 1006


async def test_refused_sign_ins_and_locks_follow_the_dials(*, rest: Any, connect: Any, lab: Any, admin: Any) -> None:
    await lab_call(rest, "POST", "dials", {"refuse_xmpp_logins": True, "lock": lab.login})
    xmpp = await connect()
    await xmpp.open()
    local = admin.me["jid_im"].partition("@")[0]
    assert (await xmpp.authenticate(local, admin.me["jid_password"])).tag.endswith("}failure")
    assert (await rest.login(lab.login))[1]["errorDetailsCode"] == 401501
    await lab_call(rest, "POST", "dials", {"refuse_logins": True, "unlock": lab.login})
    assert (await rest.login(lab.login))[1]["errorDetailsCode"] == 401500


async def test_questions_are_muted_and_bounded(*, rest: Any, link: Any, users: Any, lab: Any) -> None:
    await lab_call(rest, "POST", "dials", {"ask": False})
    await rest.notify(users[0].id)
    await lab_call(rest, "POST", "dials", {"ask": True, "questions_in_flight": 3})
    await rest.notify(*[user.id for user in users[1:]])
    first = [await link.hear() for _ in range(3)]
    assert users[0].login_email not in [question[0].get("email") for question in first]
    assert lab.questions._in_flight == 3
    for question in first:
        await link.answer(
            question,
            '<error type="wait"><internal-server-error xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>',
            "error",
        )
    await link.answer_all(2 * len(users[1:]) - 3)
    await lab.questions.idle()
    assert lab.record.counts["questions_result"] == 2 * len(users[1:]) - 3


async def test_a_user_notified_again_while_waiting_is_asked_once_more_only(
    *, rest: Any, link: Any, users: Any, lab: Any
) -> None:
    await lab_call(rest, "POST", "dials", {"questions_in_flight": 2})
    for _ in range(5):
        await rest.notify(users[0].id)
    await link.answer_all(4)
    await lab.questions.idle()
    assert len(lab.record.questions) == 4


async def test_force_publishes_what_did_not_change(
    *, rest: Any, link: Any, users: Any, lab: Any, make_event: Any
) -> None:
    for force, published in ((False, 1), (False, 1), (True, 2)):
        await rest.notify(users[0].id, force=force)
        await link.answer_all(2, make_event("Point", "07:00", "09:00"))
        await lab.questions.idle()
        assert len([entry for entry in lab.record.published if entry["status"] == "busy"]) == published


async def test_the_link_is_there_while_a_connector_is(*, rest: Any, link: Any) -> None:
    assert (await rest.call("GET", "/lab/link", headers={}))[1] == {"link": "xmpp"}
    await link.ws.close()
    async with asyncio.timeout(60):
        while (await rest.call("GET", "/lab/link", headers={}))[1] != {"link": ""}:  # noqa: ASYNC110  (over a socket)
            await asyncio.sleep(0.01)


async def test_it_is_told_when_each_person_was_named_in_a_notify(*, admin: Any, users: Any, clock: Any) -> None:
    ids = [each.id for each in users[:3]]
    await admin.notify(*ids[:2])
    clock.go_on(seconds=0.25)
    await admin.notify(ids[2])
    found = await lab_call(admin, "GET", "notified")
    assert found == {
        "newest": 3,
        "notified": [
            {"number": 1, "at": 1767600000.0, "id": ids[0]},
            {"number": 2, "at": 1767600000.0, "id": ids[1]},
            {"number": 3, "at": 1767600000.25, "id": ids[2]},
        ],
    }
    assert (await lab_call(admin, "GET", "notified?since=2"))["notified"] == found["notified"][2:]
    assert (await lab_call(admin, "GET", "notified?since=now")) == {"newest": 3, "notified": []}
    assert (await admin.call("GET", "/lab/notified?since=-1", headers={}))[0] == 400
