"""Streams look, go on and end as Exchange's do (ews.md §0 and §2)."""

import asyncio
import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from lxml import etree

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from tests.virtual_time import VirtualLoop

M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"


def events(message: Any) -> list[str]:
    """Give the names of a message's events."""
    return [etree.QName(each).localname for each in message.iterfind(f".//{{{M}}}Notification/*")][1:]


def status(message: Any) -> str | None:
    found: str | None = message.findtext(f"{{{M}}}ConnectionStatus")
    return found


def code(message: Any) -> str | None:
    found: str | None = message.findtext(f"{{{M}}}ResponseCode")
    return found


async def test_the_first_envelope_is_bare_and_says_ok(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    first = await stream.raw()
    assert first.startswith(b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header ')
    assert b"<soap11:Body " in first
    assert first.endswith(b"</soap11:Body></Envelope>")
    assert b"<m:ConnectionStatus>OK</m:ConnectionStatus>" in first
    assert b"Notification" not in first
    assert stream.answer.headers["Transfer-Encoding"] == "chunked"


async def test_a_new_item_makes_created_free_busy_and_folder_events(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe(impersonate="alice@acme.test"))
    await stream.message()
    item = await wire.create("Hello", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")
    message = await stream.message()
    assert events(message) == ["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]
    assert status(message) is None
    ids = message.findall(f".//{{{T}}}ItemId")
    assert [each.get("Id") for each in ids] == [item.get("Id")] * 2
    assert {each.get("ChangeKey") for each in ids} == {"DwAAAA=="}
    assert message.find(f".//{{{T}}}ModifiedEvent/{{{T}}}FolderId").get("ChangeKey") == "AQAAAA=="


async def test_a_change_makes_the_pair_and_a_folder_event(wire: Any) -> None:
    await wire.lab_call(
        "POST", "mailboxes/bob@acme.test/items", {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
    )
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("PATCH", "mailboxes/bob@acme.test/items/1", {"subject": "Other"})
    assert events(await stream.message()) == ["ModifiedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]
    await wire.lab_call("DELETE", "mailboxes/bob@acme.test/items/1")
    assert events(await stream.message()) == ["DeletedEvent", "ModifiedEvent"]


async def test_events_are_kept_between_two_streams(wire: Any) -> None:
    subscription = await wire.subscribe(impersonate="alice@acme.test")
    await wire.create("Hello", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")
    stream = await wire.stream(subscription)
    assert status(await stream.message()) == "OK"
    assert events(await stream.message())[0] == "CreatedEvent"


async def test_a_message_takes_at_most_fifty_events_of_a_subscription(wire: Any) -> None:
    subscription = await wire.subscribe(impersonate="alice@acme.test")
    for number in range(20):
        await wire.create(f"{number}", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")
    stream = await wire.stream(subscription)
    await stream.message()
    assert [len(events(await stream.message())) for _ in range(2)] == [50, 10]


async def test_only_the_subscribed_events_are_told(wire: Any) -> None:
    answer = await wire.call(wire.subscribe_body("bob@acme.test", "Deleted"))
    stream = await wire.stream(answer.one("m:SubscriptionId"))
    await stream.message()
    await wire.lab_call(
        "POST", "mailboxes/bob@acme.test/items", {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
    )
    await wire.lab_call("DELETE", "mailboxes/bob@acme.test/items/1")
    assert events(await stream.message()) == ["DeletedEvent"]


async def test_heartbeats_say_ok_without_notifications(make_lab: Any) -> None:
    wire = await make_lab(heartbeat_seconds=0.05)
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    for _ in range(3):
        message = await stream.message()
        assert (status(message), events(message)) == ("OK", [])


async def test_one_bad_id_fails_the_whole_request(wire: Any) -> None:
    good = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(good, "bm9uc2Vuc2U=")
    message = await stream.message()
    assert (message.get("ResponseClass"), code(message), status(message)) == (
        "Error", "ErrorSubscriptionNotFound", "Closed",
    )  # fmt: skip
    assert [each.text for each in message.iterfind(f"{{{M}}}ErrorSubscriptionIds/{{{M}}}SubscriptionId")] == [
        "bm9uc2Vuc2U="
    ]
    assert await stream.raw() == b""


async def test_a_second_stream_ends_the_first(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    first = await wire.stream(subscription)
    await first.message()
    second = await wire.stream(subscription)
    assert status(await second.message()) == "OK"
    ended = await first.message()
    assert (code(ended), status(ended)) == ("ErrorNewEventStreamConnectionOpened", "Closed")
    await wire.lab_call(
        "POST", "mailboxes/bob@acme.test/items", {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
    )
    assert events(await second.message())[0] == "CreatedEvent"


async def test_another_account_may_not_read_a_subscription(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"), account="alice@acme.test")
    assert code(await stream.message()) == "ErrorSubscriptionAccessDenied"


async def test_an_unsubscribed_id_ends_its_stream(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(subscription)
    await stream.message()
    body = f"<m:Unsubscribe><m:SubscriptionId>{subscription}</m:SubscriptionId></m:Unsubscribe>"
    assert (await wire.call(body)).code == "NoError"
    assert code(await stream.message()) == "ErrorSubscriptionUnsubscribed"
    assert (await wire.call(body)).code == "ErrorSubscriptionNotFound"


async def test_the_stream_limit_is_charged_to_the_impersonated_mailbox(make_lab: Any) -> None:
    wire = await make_lab(stream_limit=1)
    ids = [await wire.subscribe("bob@acme.test") for _ in range(3)]
    await (await wire.stream(ids[0])).message()
    refused = await wire.call(wire.streaming_body(ids[1]))
    assert (refused.status, refused.code) == (500, "ErrorExceededConnectionCount")
    assert "MaxStreamingConcurrency" in refused.all("t:Value")
    assert status(await (await wire.stream(ids[2], impersonate="bob@acme.test")).message()) == "OK"


@pytest.mark.parametrize("minutes", [0, 31])
async def test_a_connection_timeout_out_of_range_fails_the_schema(wire: Any, minutes: int) -> None:
    answer = await wire.call(wire.streaming_body(await wire.subscribe("bob@acme.test"), minutes=minutes))
    assert (answer.status, answer.code) == (500, "ErrorSchemaValidation")


async def test_more_than_two_hundred_ids_are_refused(wire: Any) -> None:
    answer = await wire.call(wire.streaming_body(*["eA=="] * 201))
    assert (answer.status, answer.code) == (500, "ErrorInvalidRequest")


async def test_an_id_names_its_server_and_its_mailbox(wire: Any) -> None:
    raw = base64.b64decode(await wire.subscribe("bob@acme.test"))
    assert raw[:18] == b"\x10\x00exch01.acme.test"
    assert raw[18:22] == b"\x10\0\0\0"
    assert raw[46:50] == b"\x10\0\0\0"
    assert len(raw) == 66


async def test_a_stream_whose_client_has_gone_ends_at_once(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    assert len((await wire.lab_call("GET", "subscriptions"))["streams"]) == 1
    stream.answer.close()
    [record] = await wire.lab_call("GET", "requests", operation="GetStreamingEvents")
    while not record["answered"]:
        await wire.lab_call("GET", "requests", since=str(record["number"]), wait="0.01")
        [record] = await wire.lab_call("GET", "requests", operation="GetStreamingEvents")
    assert record["code"] == "abandoned"
    shown = await wire.lab_call("GET", "subscriptions")
    assert shown["streams"] == []
    assert [each["streamed"] for each in shown["subscriptions"]] == [False]


@pytest.mark.parametrize("opened", [True, False])
async def test_a_stream_that_the_server_ends_with_closed_is_not_charged_for_longer(make_lab: Any, opened: bool) -> None:
    wire = await make_lab(stream_limit=1, abandoned_seconds=3600.0)
    lost = await wire.subscribe("bob@acme.test")
    if opened:
        stream = await wire.stream(lost)
        await stream.message()
        await wire.dials(mailbox_errors={"bob@acme.test": "ErrorMailboxMoveInProgress"})
    else:
        await wire.dials(mailbox_errors={"bob@acme.test": "ErrorMailboxMoveInProgress"})
        stream = await wire.stream(lost)
    last = await stream.message()
    assert (code(last), status(last)) == ("ErrorMailboxMoveInProgress", "Closed")
    assert await stream.raw() == b""
    await wire.dials(mailbox_errors={})
    message = await (await wire.stream(await wire.subscribe("bob@acme.test"))).message()
    assert (code(message), status(message)) == ("NoError", "OK")


def test_a_stream_beats_every_45_seconds_and_closes_at_its_timeout() -> None:
    """Nine virtual minutes: first OK, eleven heartbeats, Closed at the ninth minute."""

    async def life() -> tuple[list[str | None], float]:
        loop = asyncio.get_running_loop()
        epoch = datetime(2026, 11, 24, tzinfo=UTC)
        lab = LabExchange(
            mailboxes=[LabMailbox(address="bob@acme.test", right="reviewer")],
            password="pw",
            now=lambda: epoch + timedelta(seconds=loop.time()),
            random=random.Random(3).random,
        )
        await lab.start()
        made = lab.subscriptions.subscribe(
            account="svc-rainbow",
            identity="svc-rainbow",
            charged="svc-rainbow",
            mailbox=lab.directory.by_address["bob@acme.test"],
            folders=frozenset({"calendar"}),
            events=frozenset({"ModifiedEvent"}),
        )
        data = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{M}" xmlns:t="{T}"><s:Body>'
            f"<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{made.id}</t:SubscriptionId>"
            "</m:SubscriptionIds><m:ConnectionTimeout>9</m:ConnectionTimeout></m:GetStreamingEvents></s:Body></s:Envelope>"
        )
        login = {"Authorization": aiohttp.encode_basic_auth("svc-rainbow", "pw")}
        began = loop.time()
        async with aiohttp.ClientSession(headers=login) as http, http.post(lab.url, data=data, timeout=None) as answer:
            whole = await answer.read()
        took = loop.time() - began
        await lab.stop()
        found = [
            status(etree.fromstring(each + b"</Envelope>")[1][0][0][0]) for each in whole.split(b"</Envelope>")[:-1]
        ]
        return found, took

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        found, took = runner.run(life())
    assert found == ["OK"] * 12 + ["Closed"]
    assert took == pytest.approx(540, abs=1)


async def test_a_subscription_that_a_stream_has_refused_is_read_by_none(wire: Any) -> None:
    """Its mailbox is in trouble, and the subscription lives on: it is forgotten like any that nobody reads."""
    stream = await wire.stream(await wire.subscribe("bob@acme.test"), await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.dials(mailbox_errors={"bob@acme.test": "ErrorMailboxMoveInProgress"})
    await wire.lab_call("POST", "mailboxes/bob@acme.test/notify")
    assert code(await stream.message()) == "ErrorMailboxMoveInProgress"
    shown = (await wire.lab_call("GET", "subscriptions"))["subscriptions"]
    assert [each["streamed"] for each in shown] == [False, False]
