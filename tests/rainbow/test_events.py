"""Events and ends of commands, as they go over the wire."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow.command_report import report_command
from rainbow_exchange.rainbow.errors import RainbowApiError
from rainbow_exchange.rainbow.events import ConnectorEvent, send_events

EVENT = ConnectorEvent(
    id="exchange:20260105T080000.000Z:exchange-unreachable",
    level="ERROR",
    category="exchange",
    operation="connect",
    description="Exchange does not answer.",
    at=datetime(2026, 1, 5, 9, 0, 0, 1500, tzinfo=timezone(timedelta(hours=1))),
)


async def test_events_go_out_in_one_call(cloud: Any, make_client: Any) -> None:
    cloud.on("admin/v1.0/connectors/events", lambda _: web.json_response({"data": []}))
    client = await make_client()
    await send_events(client, [EVENT, EVENT])
    (sent,) = cloud.asked("admin/v1.0/connectors/events")
    assert (sent.method, sent.query) == ("POST", {})
    assert sent.headers["Authorization"].startswith("Bearer ")
    assert json.loads(sent.body) == {
        "events": [
            {
                "eventId": "exchange:20260105T080000.000Z:exchange-unreachable",
                "level": "ERROR",
                "category": "exchange",
                "operation": "connect",
                "description": "Exchange does not answer.",
                "date": "2026-01-05T08:00:00.001Z",
            }
        ]
        * 2
    }


def test_an_event_that_was_kept_is_read_again() -> None:
    assert ConnectorEvent.from_json(EVENT.as_json()).as_json() == EVENT.as_json()
    assert ConnectorEvent.from_json(EVENT.as_json()).at == datetime(2026, 1, 5, 8, 0, 0, 1000, tzinfo=UTC)
    with pytest.raises(KeyError):
        ConnectorEvent.from_json({"eventId": "x"})


@pytest.mark.parametrize(
    ("command_id", "path"),
    [("5f00-01", "5f00-01"), ("../../x", "..%2F..%2Fx"), ("a?b=c", "a%3Fb=c"), ("é", "%C3%A9")],
)
async def test_the_end_of_a_command_is_reported(cloud: Any, make_client: Any, command_id: str, path: str) -> None:
    client = await make_client()
    with pytest.raises(RainbowApiError):  # nothing is there
        await report_command(client, command_id, succeeded=True, details="2 mailboxes read.")
    sent = cloud.requests[-1]
    assert sent.method == "POST"
    assert sent.raw_path == f"/api/rainbow/massprovisioning/v1.0/users/imports/synchronize/{path}/report"
    assert json.loads(sent.body) == {"status": "success", "details": "2 mailboxes read."}


@pytest.mark.parametrize("command_id", ["", ".", ".."])
async def test_an_id_that_is_no_place_is_not_reported(cloud: Any, make_client: Any, command_id: str) -> None:
    await report_command(await make_client(), command_id, succeeded=False, details="")
    assert not cloud.requests
