"""The owner-bound flavour has the habits of such servers; Exchange's has none of them."""

import asyncio
from typing import Any

import pytest

M = "http://schemas.microsoft.com/exchange/services/2006/messages"


@pytest.fixture
async def bound(make_lab: Any) -> Any:
    """Give an owner-bound lab."""
    return await make_lab(flavour="owner-bound", heartbeat_seconds=0.05)


async def test_envelopes_carry_another_prefix(bound: Any) -> None:
    answer = await bound.call(bound.subscribe_body("bob@acme.test"))
    assert answer.data.startswith(b'<?xml version="1.0" encoding="utf-8"?><SOAP:Envelope ')
    stream = await bound.stream(answer.one("m:SubscriptionId"))
    assert (await stream.raw()).startswith(b"<SOAP:Envelope ")


async def test_faults_come_with_200_and_their_code_in_faultcode_only(bound: Any) -> None:
    answer = await bound.call(bound.subscribe_body(), impersonate="nobody@acme.test")
    assert answer.status == 200
    assert answer.root.findtext(".//faultcode") == "ErrorNonExistentMailbox"
    assert b"ResponseCode" not in answer.data


async def test_only_the_impersonated_owner_reads_her_subscription(bound: Any) -> None:
    subscription = await bound.subscribe(impersonate="alice@acme.test")
    for options in ({}, {"impersonate": "bob@acme.test"}):
        message = await (await bound.stream(subscription, **options)).message()
        assert message.findtext(f"{{{M}}}ResponseCode") == "ErrorInvalidSubscription"
        assert message.findtext(f"{{{M}}}ConnectionStatus") == "Closed"
        assert message.findtext("{*}ErrorSubscriptionIds/{*}SubscriptionId") == subscription
    message = await (await bound.stream(subscription, impersonate="alice@acme.test")).message()
    assert message.findtext(f"{{{M}}}ConnectionStatus") == "OK"


async def test_with_a_good_id_besides_the_error_says_ok_and_the_stream_goes_on(bound: Any) -> None:
    alice = await bound.subscribe(impersonate="alice@acme.test")
    bob = await bound.subscribe("bob@acme.test")
    stream = await bound.stream(alice, bob)
    first = await stream.message()
    assert (first.get("ResponseClass"), first.findtext(f"{{{M}}}ConnectionStatus")) == ("Error", "OK")
    assert [each.text for each in first.iterfind("{*}ErrorSubscriptionIds/{*}SubscriptionId")] == [alice]
    beat = await stream.message()
    assert beat.findtext("{*}Notifications/{*}Notification/{*}SubscriptionId") == bob


async def test_heartbeats_carry_status_events_and_an_empty_list_of_errors(bound: Any) -> None:
    stream = await bound.stream(await bound.subscribe("bob@acme.test"))
    for expected in (0, 1):
        message = await stream.message()
        assert len(message.findall(".//{*}StatusEvent")) == expected
        assert len(message.find("{*}ErrorSubscriptionIds")) == 0
        assert message.findtext("{*}ResponseCode") == "NoError"


async def test_chunked_bodies_are_refused(bound: Any, wire: Any) -> None:
    async def chunks() -> Any:
        yield b"<x/>"
        await asyncio.sleep(0)

    for lab, status in ((bound, 411), (wire, 500)):
        async with lab.http.post(lab.lab.url, data=chunks(), headers=lab.login("svc-rainbow")) as answer:
            assert answer.status == status


async def test_a_view_also_gives_what_only_touches_it(bound: Any, wire: Any) -> None:
    found = []
    for lab in (bound, wire):
        await lab.create("Before", "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z")
        view = lab.view_body("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")
        found.append((await lab.call(view, account="alice@acme.test")).all("t:Subject"))
    assert found == [["Before"], []]


def test_an_unknown_flavour_is_refused() -> None:
    from rainbow_exchange.lab.exchange import LabExchange  # noqa: PLC0415 — one test needs it

    with pytest.raises(ValueError, match="exchange, owner-bound"):
        LabExchange(mailboxes=[], password="x", flavour="vanilla", now=None, random=None)  # type: ignore[arg-type]  # refused before they are used


async def test_a_lost_member_leaves_the_stream_to_the_others(bound: Any) -> None:
    alice = await bound.subscribe("bob@acme.test")
    bob = await bound.subscribe("bob@acme.test")
    stream = await bound.stream(alice, bob)
    await stream.message()
    body = f"<m:Unsubscribe><m:SubscriptionId>{alice}</m:SubscriptionId></m:Unsubscribe>"
    assert (await bound.call(body, impersonate="bob@acme.test")).code == "ErrorSubscriptionNotFound"
    assert (await bound.call(body)).code == "NoError"
    message = await stream.message()
    while message.get("ResponseClass") == "Success":
        message = await stream.message()
    assert message.findtext(f"{{{M}}}ConnectionStatus") == "OK"
    beat = await stream.message()
    assert [each.text for each in beat.iter("{*}SubscriptionId")] == [bob]


async def test_streams_of_exchange_name_no_type(bound: Any, wire: Any) -> None:
    types = []
    for lab in (wire, bound):
        stream = await lab.stream(await lab.subscribe("bob@acme.test"))
        types.append(stream.answer.headers.get("Content-Type"))
    assert types == [None, "text/xml"]
