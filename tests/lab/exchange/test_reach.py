"""A lab's Exchange that is out of reach, behind a web server that answers instead, or whose answers are cut."""

import asyncio
from typing import Any

import aiohttp
import pytest

DAY = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z")


async def test_one_that_resets_breaks_requests_and_streams_and_is_there_again_afterwards(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(subscription)
    await stream.message()
    assert await wire.lab_call("POST", "outage", {"ews": "reset"}) == {"ews": "reset"}
    with pytest.raises(aiohttp.ClientError):
        await stream.raw()
    with pytest.raises(aiohttp.ClientError):
        await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    await wire.lab_call("POST", "outage", {"ews": ""})
    message = await (await wire.stream(subscription)).message()
    assert message.findtext("{*}ConnectionStatus") == "OK"


async def test_one_that_is_silent_goes_on_with_what_it_was_asked(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("POST", "outage", {"ews": "silent"})
    asking = asyncio.create_task(wire.call(wire.view_body(*DAY, mailbox="bob@acme.test")))
    await wire.lab_call("POST", "mailboxes/bob@acme.test/items", {"start": DAY[0], "end": DAY[1]})
    hearing = asyncio.create_task(stream.message())
    await asyncio.sleep(0.1)
    assert not asking.done()
    assert not hearing.done()
    await wire.lab_call("POST", "outage", {"ews": ""})
    assert (await asking).code == "NoError"
    assert (await hearing).find(".//{*}CreatedEvent") is not None


async def test_an_outage_of_no_known_kind_is_refused(wire: Any) -> None:
    async with wire.http.post(f"{wire.lab.base}/lab/outage", json={"ews": "gone"}) as answer:
        assert answer.status == 400
        assert "reset" in (await answer.json())["error"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_web_server_answers_with_its_page(wire: Any, status: int) -> None:
    await wire.dials(web_server_status=status)
    answer = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert str(status).encode() in answer.data


async def test_a_broken_answer_announces_more_than_comes(wire: Any) -> None:
    await wire.dials(cut_answers="broken")
    with pytest.raises(aiohttp.ClientError):
        await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))


async def test_a_short_answer_is_whole_as_http_and_half_an_envelope(wire: Any) -> None:
    whole = (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).data
    await wire.dials(cut_answers="short")
    answer = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert answer.status == 200
    assert whole.startswith(answer.data)
    assert len(answer.data) == len(whole) // 2


async def test_an_affinity_cookie_that_is_ignored_leads_nowhere(wire: Any) -> None:
    await wire.dials(affinity_cookies_ignored=True)
    bound = {
        "X-AnchorMailbox": "bob@acme.test",
        "X-PreferServerAffinity": "true",
        "Cookie": "X-BackEndOverrideCookie=exch77.acme.test~1942062522",
    }
    answer = await wire.call(wire.subscribe_body("bob@acme.test"), headers=bound)
    assert (answer.code, answer.headers["X-CalculatedBETarget"]) == ("NoError", "exch01.acme.test")


@pytest.mark.parametrize(("order", "begins", "ends"), [("break", b"<Envelope", b""), ("break-character", b"", b"\xc3")])
async def test_a_stream_is_reset_in_an_envelope_or_in_a_character(
    wire: Any, order: str, begins: bytes, ends: bytes
) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("POST", "streams", {"order": order})
    with pytest.raises(aiohttp.ClientError):
        await stream.raw()
    assert stream.rest.startswith(begins)
    assert stream.rest.endswith(ends)
    assert stream.rest
    assert b"</Envelope>" not in stream.rest


async def test_notifications_come_more_than_once_and_of_what_has_not_changed(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.dials(notification_copies=2)
    await wire.lab_call("POST", "mailboxes/bob@acme.test/items", {"start": DAY[0], "end": DAY[1]})
    assert len((await stream.message()).findall(".//{*}CreatedEvent")) == 2
    assert await wire.lab_call("POST", "mailboxes/bob@acme.test/notify") == {"subscriptions": 1}
    [event] = (await stream.message()).findall(".//{*}Notification/{*}ModifiedEvent")
    assert event.find("{*}FolderId") is not None
    assert event.find("{*}ItemId") is None


async def test_notifications_that_are_late_by_chance_come_in_another_order(wire: Any) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.dials(notification_spread_seconds=5)
    for hour in range(10):
        start, end = f"2026-11-24T{hour:02}:00:00Z", f"2026-11-24T{hour:02}:30:00Z"
        await wire.lab_call("POST", "mailboxes/bob@acme.test/items", {"start": start, "end": end})
    made = [
        each.get("Id")
        for each in (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).root.iter("{*}ItemId")
    ]
    seen: list[str] = []
    while len(seen) < 10:
        events = (await stream.message()).iterfind(".//{*}CreatedEvent/{*}ItemId")
        seen.extend(each.get("Id") for each in events)
    assert sorted(seen) == sorted(made)
    assert seen != made
