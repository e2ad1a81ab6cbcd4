"""Events of connectors, commands to them and their ends, over the wire of the lab's Rainbow."""

from typing import Any

import pytest

CONNECTORS = "/api/rainbow/admin/v1.0/connectors"
REPORT = "/api/rainbow/massprovisioning/v1.0/users/imports/synchronize/{}/report"
EVENT = {
    "eventId": "e1",
    "level": "ERROR",
    "category": "exchange",
    "operation": "connect",
    "description": "Exchange does not answer.",
    "date": "2026-01-05T07:59:00.000Z",
}


async def test_an_event_is_stored_once_for_thirty_days(*, admin: Any, lab: Any, clock: Any) -> None:
    status, body = await admin.call("POST", f"{CONNECTORS}/events", json={"events": [EVENT, EVENT | {"eventId": "e2"}]})
    assert status == 200
    first = body["data"][0]
    assert {name: first[name] for name in EVENT} == EVENT
    assert (first["userId"], first["deleted"]) == (admin.me["id"], False)
    again = {"events": [EVENT | {"description": "told anew"}]}
    clock.go_on(days=29)
    assert (await admin.login(lab.login))[0] == 200
    assert (await admin.call("POST", f"{CONNECTORS}/events", json=again))[1]["data"] == [first]
    assert len(lab.record.events) == 2
    clock.go_on(days=2)
    assert (await admin.login(lab.login))[0] == 200
    assert (await admin.call("POST", f"{CONNECTORS}/events", json=again))[1]["data"][0]["id"] != first["id"]
    status, body = await admin.call("GET", "/lab/requests?only=events")
    assert [event["eventId"] for event in body["events"]] == ["e1", "e2", "e1"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"eventId": ""}, "eventId"),
        ({"level": "error"}, "level"),
        ({"date": "yesterday"}, "date"),
        ({"description": None}, "description"),
    ],
)
async def test_an_event_that_is_none_is_refused(*, admin: Any, lab: Any, change: Any, param: str) -> None:
    status, body = await admin.call("POST", f"{CONNECTORS}/events", json={"events": [EVENT, EVENT | change]})
    assert (status, body["errorDetailsCode"], body["errorDetails"][0]["param"]) == (400, 400000, param)
    assert not lab.record.events
    assert (await admin.call("POST", f"{CONNECTORS}/events", json={"events": []}))[0] == 400


async def test_only_a_connector_has_events(*, colleague: Any) -> None:
    assert (await colleague.call("POST", f"{CONNECTORS}/events", json={"events": [EVENT]}))[0] == 403
    assert (await colleague.call("POST", REPORT.format("1"), json={"status": "success", "details": ""}))[0] == 403
    assert (await colleague.call("POST", f"{CONNECTORS}/ldaps/1/command", json={"command": "manual_synchro"}))[0] == 403


async def test_a_command_reaches_the_connector_and_its_end_is_told(*, admin: Any, link: Any, lab: Any) -> None:
    path = f"{CONNECTORS}/ldaps/{admin.me['id']}/command?ldapConfigId=cfg1"
    status, body = await admin.call("POST", path, json={"command": "manual_synchro"})
    assert status == 200
    command_id = body["data"]["commandId"]
    message = await link.hear()
    assert (message.tag, message.get("type"), message.get("from")) == (
        "{jabber:client}message",
        "management",
        "rainbow.test",
    )
    assert message[0].tag == "{jabber:iq:configuration}connectorcommand"
    assert dict(message[0].attrib) == {"command": "manual_synchro", "commandId": command_id, "ldapConfigId": "cfg1"}
    await link.say(
        '<message xmlns="jabber:client" type="management" to="rainbow.test">'
        f'<command_ended xmlns="jabber:iq:configuration" commandId="{command_id}"/></message>'
    )
    report = {"status": "failure", "details": "nothing was read"}
    assert (await admin.call("POST", REPORT.format(command_id), json=report))[0] == 200
    # whoever sent it hears of its end: here that is the connector's own account
    ended = await link.hear()
    assert (ended[0].tag, ended[0].get("commandId")) == ("{jabber:iq:configuration}command_ended", command_id)
    (entry,) = lab.record.commands
    assert (entry["status"], entry["details"], entry["by"]) == ("failure", "nothing was read", admin.me["id"])
    assert entry["told_at"] == "2026-01-05T08:00:00.000Z"


async def test_a_command_that_cannot_be_is_refused(*, admin: Any, lab: Any) -> None:
    path, synchro = f"{CONNECTORS}/ldaps/{admin.me['id']}/command", {"command": "manual_synchro"}
    assert (await admin.call("POST", path, json=synchro))[0] == 409  # nobody is there
    assert (await admin.call("POST", path, json={"command": "connect_test"}))[0] == 400
    assert (await admin.call("POST", f"{CONNECTORS}/ldaps/nobody/command", json={"command": "manual_synchro"}))[
        0
    ] == 404
    assert (await admin.call("POST", REPORT.format("1"), json={"status": "success", "details": ""}))[0] == 404
    assert not lab.record.commands


async def test_a_command_may_have_no_id(*, admin: Any, link: Any, lab: Any) -> None:
    lab.dials.set({"command_ids": False})
    path = f"{CONNECTORS}/ldaps/{admin.me['id']}/command"
    _, body = await admin.call("POST", path, json={"command": "manual_synchro"})
    assert "commandId" not in body["data"]
    assert dict((await link.hear())[0].attrib) == {"command": "manual_synchro"}


async def test_the_connector_is_told_of_another_configuration(*, link: Any, lab: Any) -> None:
    assert await lab.management.configuration_changed(lab.people.account, "cfg1")
    message = await link.hear()
    assert message[0].tag == "{jabber:iq:configuration}connectorconfig"
    assert dict(message[0].attrib) == {"action": "update", "configId": "cfg1"}
