"""Each dial makes the fault it is named after."""

import asyncio
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.lab.exchange.dials import Dials

M = "http://schemas.microsoft.com/exchange/services/2006/messages"
NINE = {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
DAY = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z")
ITEMS = "mailboxes/bob@acme.test/items"


def test_every_dial_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "lab.md").read_text(encoding="utf-8")
    assert [each.name for each in fields(Dials) if f"`{each.name}`" not in page] == []


async def test_dials_are_shown_turned_and_checked(wire: Any) -> None:
    shown = await wire.lab_call("GET", "dials")
    assert (shown["impersonation"], shown["heartbeat_seconds"], shown["stream_limit"]) == (True, 45.0, 10)
    assert (await wire.dials(heartbeat_seconds=1))["heartbeat_seconds"] == 1.0
    for name, value in (("no_such", 1), ("impersonation", 1), ("faults", "x")):
        async with wire.http.post(f"{wire.lab.base}/lab/dials", json={name: value}) as answer:
            assert answer.status == 400
            assert name in (await answer.json())["error"]


async def test_unauthorized(wire: Any) -> None:
    await wire.dials(unauthorized=True)
    async with wire.http.post(wire.lab.url, data=b"", headers=wire.login("svc-rainbow")) as answer:
        assert answer.status == 401


async def test_mailbox_errors_reach_answers_faults_and_open_streams(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.dials(mailbox_errors={"bob@acme.test": "ErrorMailboxMoveInProgress"})
    assert (await stream.message()).findtext(f"{{{M}}}ResponseCode") == "ErrorMailboxMoveInProgress"
    delegate = await wire.call(wire.subscribe_body("bob@acme.test"))
    assert (delegate.status, delegate.code) == (200, "ErrorMailboxMoveInProgress")
    acting = await wire.call(wire.subscribe_body(), impersonate="bob@acme.test")
    assert (acting.status, acting.code) == (500, "ErrorMailboxMoveInProgress")
    free_busy = await wire.call(wire.availability_body("bob@acme.test", start=DAY[0], end=DAY[1]))
    assert free_busy.code == "ErrorMailboxMoveInProgress"
    assert (await wire.call(wire.subscribe_body(), impersonate="alice@acme.test")).code == "NoError"


async def test_faults_by_operation(wire: Any) -> None:
    await wire.dials(faults={"FindItem": "ErrorTimeoutExpired"})
    assert (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).code == "ErrorTimeoutExpired"
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "NoError"


@pytest.mark.parametrize(
    ("shape", "status", "code", "back_off"),
    [("fault", 500, "ErrorServerBusy", "5000"), ("message", 200, "ErrorServerBusy", "5000"),
     ("inner", 200, "ErrorInternalServerError", "5000")],
)  # fmt: skip
async def test_a_busy_server_in_its_shapes(wire: Any, shape: str, status: int, code: str, back_off: str) -> None:
    await wire.dials(server_busy=shape, server_busy_requests=1)
    answer = await wire.call(wire.subscribe_body("bob@acme.test"))
    assert (answer.status, answer.code) == (status, code)
    values = {each.get("Name"): each.text for each in answer.root.iterfind(".//{*}MessageXml/{*}Value")}
    assert values["BackOffMilliseconds"] == back_off
    assert values.get("InnerErrorResponseCode") == ("ErrorServerBusy" if shape == "inner" else None)
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "NoError"


async def test_a_busy_front_end_says_when_to_return(wire: Any) -> None:
    await wire.dials(server_busy="http", server_busy_milliseconds=7000, server_busy_operations=["Subscribe"])
    answer = await wire.call(wire.subscribe_body("bob@acme.test"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).code == "NoError"


async def test_a_late_answer_holds_what_was_true_when_asked(wire: Any) -> None:
    """An item made while its mailbox is being read is not in the answer."""
    await wire.dials(late_seconds=0.2)
    reading = asyncio.create_task(wire.call(wire.view_body(*DAY, mailbox="bob@acme.test")))
    assert len(await wire.lab_call("GET", "requests", operation="FindItem", wait="10")) == 1
    await wire.lab_call("POST", ITEMS, NINE | {"subject": "New"})
    assert (await reading).all("t:Subject") == []
    await wire.dials(late_seconds=0.0)
    assert (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).all("t:Subject") == ["New"]


async def test_a_delayed_answer_holds_what_is_true_when_sent(wire: Any) -> None:
    await wire.dials(delay_seconds=3.0, delay_operations=["FindItem"], delay_mailboxes=["bob@acme.test"])
    reading = asyncio.create_task(wire.call(wire.view_body(*DAY, mailbox="bob@acme.test")))
    assert len(await wire.lab_call("GET", "requests", operation="FindItem", wait="10")) == 1
    await wire.lab_call("POST", ITEMS, NINE | {"subject": "New"})
    assert (await reading).all("t:Subject") == ["New"]


async def test_suppressed_notifications_are_never_told(wire: Any) -> None:
    await wire.dials(suppress_notifications=True, heartbeat_seconds=0.05)
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("POST", ITEMS, NINE)
    await wire.dials(suppress_notifications=False)
    assert (await stream.message()).find(f"{{{M}}}Notifications") is None


async def test_late_notifications_are_told_late(wire: Any) -> None:
    await wire.dials(notification_delay_seconds=0.05)
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("POST", ITEMS, NINE)
    [shown] = (await wire.lab_call("GET", "subscriptions"))["subscriptions"]
    assert shown["pending"] == 0
    assert (await stream.message()).find(f"{{{M}}}Notifications") is not None


async def test_silence_leaves_the_connection_open(wire: Any) -> None:
    await wire.dials(heartbeat_seconds=0.05)
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.dials(silence=True)
    await wire.lab_call("POST", ITEMS, NINE)
    reading = asyncio.create_task(stream.message())
    assert not (await asyncio.wait({reading}, timeout=0.3))[0]
    assert len((await wire.lab_call("GET", "subscriptions"))["streams"]) == 1
    await wire.dials(silence=False)
    assert (await reading).find(f"{{{M}}}Notifications") is not None


async def test_bad_ids_are_named_or_not(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    await wire.dials(bad_mailboxes=["bob@acme.test"], bad_id_code="ErrorReadEventsFailed", name_bad_ids=False)
    message = await (await wire.stream(subscription)).message()
    assert message.findtext(f"{{{M}}}ResponseCode") == "ErrorReadEventsFailed"
    assert message.find(f"{{{M}}}ErrorSubscriptionIds") is None
    await wire.dials(name_bad_ids=True)
    message = await (await wire.stream(subscription)).message()
    assert message.findtext(f"{{{M}}}ErrorSubscriptionIds/{{{M}}}SubscriptionId") == subscription


async def test_every_subject_can_carry_a_forbidden_character(wire: Any) -> None:
    await wire.lab_call("POST", ITEMS, NINE | {"subject": "Hello"})
    await wire.dials(charrefs_in_subjects=True)
    assert (
        b"<t:Subject>Hello&#x1F;</t:Subject>" in (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).data
    )
    free_busy = await wire.call(wire.availability_body("bob@acme.test", start=DAY[0], end=DAY[1]))
    assert b"<t:Subject>Hello&#x1F;</t:Subject>" in free_busy.data


async def test_the_request_limit_counts_what_is_in_flight(wire: Any) -> None:
    await wire.dials(request_limit=1, delay_seconds=3.0, delay_operations=["FindItem"])
    reading = asyncio.create_task(wire.call(wire.view_body(*DAY, mailbox="bob@acme.test")))
    assert len(await wire.lab_call("GET", "requests", operation="FindItem", wait="10")) == 1
    refused = await wire.call(wire.subscribe_body("bob@acme.test"))
    assert (refused.status, refused.code) == (500, "ErrorExceededConnectionCount")
    assert (await reading).code == "NoError"
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "NoError"


@pytest.mark.parametrize(("order", "code"), [("drop", "ErrorExceededConnectionCount"), ("close", "NoError")])
async def test_an_abandoned_stream_can_count_for_a_while(wire: Any, order: str, code: str) -> None:
    await wire.dials(stream_limit=1, abandoned_seconds=60.0)
    name = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(name)
    await stream.message()
    await wire.lab_call("POST", "streams", {"order": order})
    with suppress(aiohttp.ClientError):
        await stream.message()
        await stream.raw()
    again = await wire.call(wire.streaming_body(name)) if code != "NoError" else await wire.stream(name)
    if code == "NoError":
        assert (await again.message()).findtext(f"{{{M}}}ResponseCode") == "NoError"
    else:
        assert again.code == code


async def test_subscriptions_are_counted_for_the_account_or_for_the_impersonated_mailbox(wire: Any) -> None:
    await wire.dials(subscription_limit=1)
    first = await wire.subscribe("bob@acme.test")
    refused = await wire.call(wire.subscribe_body("bob@acme.test"))
    assert (refused.status, refused.code) == (200, "ErrorExceededSubscriptionCount")
    for owner in ("bob@acme.test", "alice@acme.test"):
        assert (await wire.call(wire.subscribe_body(), impersonate=owner)).code == "NoError"
        assert (await wire.call(wire.subscribe_body(), impersonate=owner)).code == "ErrorExceededSubscriptionCount"
    await wire.call(f"<m:Unsubscribe><m:SubscriptionId>{first}</m:SubscriptionId></m:Unsubscribe>")
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "NoError"


async def test_a_budget_that_is_overdrawn_is_refused_until_it_is_recharged(wire: Any) -> None:
    await wire.dials(burst_milliseconds=20, cutoff_milliseconds=5, recharge_milliseconds=3_600, cost_milliseconds=15)
    view = wire.view_body(*DAY, mailbox="bob@acme.test")
    assert [(await wire.call(view)).code for _ in range(2)] == ["NoError", "NoError"]
    busy = await wire.call(view)
    assert (busy.status, busy.code) == (500, "ErrorServerBusy")
    values = {each.get("Name"): each.text for each in busy.root.iterfind(".//{*}MessageXml/{*}Value")}
    assert values["BackOffMilliseconds"] == "5000"
    assert (await wire.call(wire.view_body(*DAY), impersonate="bob@acme.test")).code == "NoError"
    await wire.dials(recharge_milliseconds=3_600_000_000)
    await asyncio.sleep(0.02)
    assert (await wire.call(view)).code == "NoError"


@pytest.mark.parametrize("order", ["drop", "truncate", "html", "close"])
async def test_open_streams_end_as_ordered(wire: Any, order: str) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    assert await wire.lab_call("POST", "streams", {"order": order, "mailbox": "bob@acme.test"}) == {"streams": 1}
    if order == "close":
        assert (await stream.message()).findtext(f"{{{M}}}ConnectionStatus") == "Closed"
        assert await stream.raw() == b""
        return
    with pytest.raises(aiohttp.ClientError):
        await stream.raw()
    assert stream.rest.startswith({"drop": b"", "truncate": b"<Envelope", "html": b"<html>"}[order])
    assert b"</Envelope>" not in stream.rest


async def test_a_fail_over_forgets_every_subscription(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(subscription)
    await stream.message()
    assert await wire.lab_call("DELETE", "subscriptions") == {"forgotten": 1}
    assert (await stream.message()).findtext(f"{{{M}}}ResponseCode") == "ErrorSubscriptionNotFound"
    message = await (await wire.stream(subscription)).message()
    assert message.findtext(f"{{{M}}}ResponseCode") == "ErrorSubscriptionNotFound"


async def test_limits_of_reading_can_be_turned(wire: Any) -> None:
    await wire.lab_call("POST", ITEMS, NINE)
    await wire.lab_call("POST", ITEMS, NINE)
    await wire.dials(find_item_limit=1, availability_days=1)
    view = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert view.root.find(".//{*}RootFolder").get("IncludesLastItemInRange") == "false"
    two_days = wire.availability_body("bob@acme.test", start=DAY[0], end="2026-11-26T00:00:00Z")
    assert (await wire.call(two_days)).code == "ErrorTimeIntervalTooBig"


async def test_a_series_can_come_as_one(wire: Any) -> None:
    series = {
        "pattern": "DailyRecurrence",
        "values": {"Interval": 1},
        "range": "NumberedRecurrence",
        "range_values": {"StartDate": "2026-11-24", "NumberOfOccurrences": 5},
    }
    await wire.lab_call("POST", ITEMS, NINE | {"recurrence": series})
    view = wire.view_body("2026-11-25T00:00:00Z", "2026-11-27T00:00:00Z", mailbox="bob@acme.test")

    async def kinds() -> list[str]:
        return [each.text for each in (await wire.call(view)).root.iter("{*}CalendarItemType")]

    assert await kinds() == ["Occurrence", "Occurrence"]
    await wire.dials(series_as_one=True)
    assert await kinds() == ["RecurringMaster"]


async def test_a_server_may_give_what_was_not_asked_for(wire: Any) -> None:
    """In FindItem whatever there is of an item, in availability details in every view."""
    item = NINE | {"location": "Room 1", "body": "Agenda", "required": ["bob@acme.test"], "organizer": "eve@acme.test"}
    await wire.lab_call("POST", ITEMS, item)
    view = wire.view_body(*DAY, mailbox="bob@acme.test")
    free_busy = wire.availability_body("bob@acme.test", start=DAY[0], end=DAY[1], view="FreeBusy")
    given = [b"<t:Location>Room 1<", b">Agenda</t:Body>", b"<t:RequiredAttendees>", b"<t:Organizer>"]

    assert not [each for each in given if each in (await wire.call(view)).data]
    assert b"CalendarEventDetails" not in (await wire.call(free_busy)).data
    await wire.dials(unasked_fields=True)
    answer = await wire.call(view)
    assert [each for each in given if each not in answer.data] == []
    assert b"<t:Location>Room 1<" in (await wire.call(free_busy)).data


async def test_refusals_may_say_anything(wire: Any) -> None:
    view = wire.view_body(*DAY, mailbox="nobody@acme.test")
    await wire.dials(error_words="<Planning>")
    assert b"<m:MessageText>&lt;Planning&gt;</m:MessageText>" in (await wire.call(view)).data
    await wire.dials(faults={"FindItem": "ErrorTimeoutExpired"})
    assert b'<faultstring xml:lang="en-US">&lt;Planning&gt;</faultstring>' in (await wire.call(view)).data
    await wire.dials(web_server_status=500)
    assert b"<Planning>" in (await wire.call(view)).data
