"""The lab's S2S connections, met by a small client of our own that is called back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

PATH = "/api/rainbow/ucs/v1.0/connections"


class Called:
    """Where the lab calls back; `status` is the answer."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.came.append((request.path, await request.json()))
        return web.Response(status=self.status)

    async def wait(self, number: int) -> dict[str, Any]:
        """Wait for the n-th callback; its body."""
        async with asyncio.timeout(60):
            while len(self.came) < number:  # noqa: ASYNC110  (what comes over a socket sets no event)
                await asyncio.sleep(0.005)
        return self.came[number - 1][1]


@pytest.fixture
async def called() -> AsyncIterator[Called]:
    made = Called()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret"
    yield made
    await runner.cleanup()


async def connect(admin: Any, called: Called, **more: str) -> str:
    status, body = await admin.call("POST", PATH, json={"connection": {"callback_url": called.url, **more}})
    assert status == 201
    return str(body["data"]["id"])


async def be_present(admin: Any, id_: str) -> None:
    body = {"presence": {"show": "", "status": "mode=auto"}}
    assert (await admin.call("PUT", f"{PATH}/{id_}/presences", json=body))[0] == 202


async def test_connection_is_made_and_told_it_is_ready(admin: Any, called: Called) -> None:
    id_ = await connect(admin, called)
    body = await called.wait(1)
    assert called.came[0][0] == "/secret/connection"
    assert (body["id"], body["userId"], body["connection"]) == (id_, admin.me["id"], {"state": "ready"})
    assert body["timestamp"].startswith("2026-01-05T08:00:00.000000")
    status, listed = await admin.call("GET", PATH)
    assert status == 200
    assert [entry["callback_url"] for entry in listed["data"]] == [called.url]
    assert listed["data"][0]["resource"].startswith("s2s_")
    assert (await admin.call("GET", f"{PATH}/{id_}"))[1]["data"]["id"] == id_


async def test_same_address_or_resource_gives_the_same_connection(admin: Any, called: Called) -> None:
    first = await connect(admin, called, resource="mine")
    assert await connect(admin, called) == first
    called.url += "2"
    assert await connect(admin, called, resource="mine") == first
    assert await connect(admin, called, resource="other") == first, "by its address"
    called.url += "3"
    assert await connect(admin, called, resource="other") != first
    await called.wait(4)


@pytest.mark.parametrize("url", ["https://c.acme.test/x", "ftp://127.0.0.1/", "127.0.0.1", 3, None])
async def test_lab_calls_nobody_but_this_machine(admin: Any, url: object) -> None:
    assert (await admin.call("POST", PATH, json={"connection": {"callback_url": url}}))[0] == 400


async def test_connections_are_their_owners_alone(admin: Any, colleague: Any, called: Called) -> None:
    id_ = await connect(admin, called)
    assert (await colleague.call("GET", PATH))[1] == {"data": []}
    assert (await colleague.call("GET", f"{PATH}/{id_}"))[0] == 404
    assert (await colleague.call("GET", PATH, headers={}))[0] == 401


async def test_connection_that_is_ended_is_gone(admin: Any, called: Called) -> None:
    id_ = await connect(admin, called)
    async with admin.session.delete(
        f"{admin.url}{PATH}/{id_}", headers={"Authorization": f"Bearer {admin.token}"}
    ) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
    async with admin.session.head(
        f"{admin.url}{PATH}/{id_}", headers={"Authorization": f"Bearer {admin.token}"}
    ) as answer:
        assert answer.status == 404


async def test_question_is_asked_and_its_answer_read(lab: Any, admin: Any, users: Any, called: Called) -> None:
    id_ = await connect(admin, called)
    await called.wait(1)
    assert (await lab.questions.ask("events", users[0].login_email))["outcome"] == "no-link", "not present yet"
    await be_present(admin, id_)
    asked = asyncio.create_task(lab.questions.ask("events", users[0].login_email))
    body = await called.wait(2)
    assert called.came[1][0] == "/secret/calendar-events"
    question = body["calendar-events"]
    assert question["email"] == users[0].login_email
    assert (question["start_date"], question["end_date"]) == ("2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z")
    said = {
        "events": {
            "request_id": question["request_id"],
            "email": question["email"],
            "items": [
                {
                    "id": "e1",
                    "subject": "Review",
                    "type": "singleInstance",
                    "showAs": "busy",
                    "startDate": {"value": "2026-01-05T07:00:00Z", "timezone": "Europe/Paris"},
                    "endDate": {"value": "2026-01-05T09:00:00Z"},
                }
            ],
        }
    }
    assert (await admin.call("POST", f"{PATH}/{id_}/calendar/events", json=said))[0] == 202
    entry = await asked
    assert (entry["link"], entry["outcome"], entry["answer"][0]["subject"]) == ("s2s", "result", "Review")
    assert (await admin.call("POST", f"{PATH}/{id_}/calendar/events", json=said))[0] == 202
    assert lab.record.counts["unexpected_answers"] == 1


AUTO_REPLY = {"email": "", "state": "enabled", "internalReplyMessage": "Away"}
EVENT = {"id": "e", "subject": "s", "type": "exception", "showAs": "oof"} | {
    name: {"value": "2026-01-05T07:00:00Z"} for name in ("startDate", "endDate")
}


@pytest.mark.parametrize(
    ("kind", "said", "fault"),
    [
        ("autoreply", {}, "internalReplyMessage is missing"),
        ("autoreply", AUTO_REPLY | {"state": "on"}, "state"),
        ("autoreply", AUTO_REPLY | {"note": "x"}, "not known"),
        ("autoreply", AUTO_REPLY | {"externalReplyMessage": "Away"}, "no object"),
        ("autoreply", AUTO_REPLY | {"externalReplyMessage": {"value": "x", "audience": "some"}}, "audience"),
        ("autoreply", AUTO_REPLY | {"startDate": {"value": "2026-01-05"}}, "no offset"),
        ("autoreply", AUTO_REPLY | {"email": "other@acme.test"}, "email"),
        ("events", {}, "no list"),
        ("events", {"items": [EVENT | {"showAs": "OOF"}]}, "showAs"),
        ("events", {"items": [EVENT | {"location": "x"}]}, "one too many"),
        ("events", {"items": [EVENT | {"subject": ""}]}, "no subject"),
        ("events", {"items": [EVENT, EVENT]}, "twice"),
        ("events", {"items": [EVENT | {"endDate": {"value": "2026-01-05T06:00:00Z"}}]}, "before it starts"),
        ("events", {"items": [EVENT | {"endDate": "2026-01-05T08:00:00Z"}]}, "no object"),
    ],
)
async def test_answer_is_read_by_the_letter(
    lab: Any, admin: Any, users: Any, called: Called, kind: str, said: dict[str, Any], fault: str
) -> None:
    id_ = await connect(admin, called)
    await called.wait(1)
    await be_present(admin, id_)
    asked = asyncio.create_task(lab.questions.ask(kind, users[0].login_email))
    question = (await called.wait(2))[f"calendar-{kind}"]
    answer = {kind: {**said, "email": said.get("email") or question["email"], "request_id": question["request_id"]}}
    await admin.call("POST", f"{PATH}/{id_}/calendar/{kind}", json=answer)
    entry = await asked
    assert entry["outcome"] == "malformed"
    assert fault in entry["fault"]


async def test_error_is_an_answer(lab: Any, admin: Any, users: Any, called: Called) -> None:
    id_ = await connect(admin, called)
    await called.wait(1)
    await be_present(admin, id_)
    asked = asyncio.create_task(lab.questions.ask("events", users[0].login_email))
    question = (await called.wait(2))["calendar-events"]
    error = {"error": {"request_id": question["request_id"], "code": 404, "reason": "item-not-found"}}
    await admin.call("POST", f"{PATH}/{id_}/calendar/events", json=error)
    entry = await asked
    assert (entry["outcome"], entry["condition"]) == ("error", "item-not-found")


async def test_callback_that_is_not_taken_makes_no_link(lab: Any, admin: Any, users: Any, called: Called) -> None:
    called.status = 404
    id_ = await connect(admin, called)
    await called.wait(1)
    await be_present(admin, id_)
    assert (await lab.questions.ask("events", users[0].login_email))["outcome"] == "no-link"
    assert [entry["status"] for entry in lab.record.callbacks] == [404]


async def test_dials_of_the_callbacks(lab: Any, admin: Any, called: Called) -> None:
    lab.dials.set({"s2s_callbacks": False})
    await connect(admin, called)
    await asyncio.sleep(0.05)
    assert called.came == []
    lab.dials.set({"s2s_callbacks": True, "s2s_ready_seconds": 3.0, "s2s_echo_presence": True})
    id_ = await connect(admin, called)
    await asyncio.sleep(0.05)
    assert called.came == []
    await be_present(admin, id_)
    assert (await called.wait(1))["presence"]["from"] == admin.me["id"]
    assert (await called.wait(2))["connection"] == {"state": "ready"}


async def test_connections_are_lost_and_ended_over_the_labs_wire(admin: Any, users: Any, called: Called) -> None:
    await connect(admin, called)
    await called.wait(1)
    await admin.call("PATCH", f"/lab/users/{users[0].id}", json={"language": "fr"})
    assert (await called.wait(2))["company-user"] == {"user_id": users[0].id, "action": "updated"}
    await admin.call("POST", "/lab/dials", json={"end_connections": True})
    assert (await called.wait(3))["connection"] == {"state": "terminated"}
    assert (await admin.call("GET", PATH))[1] == {"data": []}
    await connect(admin, called)
    await called.wait(4)
    await admin.call("POST", "/lab/dials", json={"lose_connections": True})
    assert (await admin.call("GET", PATH))[1] == {"data": []}
    _, recorded = await admin.call("GET", "/lab/requests?only=callbacks")
    assert [entry["name"] for entry in recorded["callbacks"]] == [
        "connection",
        "company-user",
        "connection",
        "connection",
    ]
