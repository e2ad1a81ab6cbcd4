"""Fail-overs and moves: which server an id and a cookie name, where a request lands, how streams learn of it."""

import asyncio
import base64
from typing import Any

import aiohttp
import pytest

ANCHORED = {"X-AnchorMailbox": "bob@acme.test", "X-PreferServerAffinity": "true"}


def server_of(subscription_id: str) -> str:
    raw = base64.b64decode(subscription_id)
    return raw[2 : 2 + int.from_bytes(raw[:2], "little")].decode()


async def test_after_a_fail_over_ids_and_cookies_name_another_server(wire: Any) -> None:
    before = await wire.call(wire.subscribe_body("bob@acme.test"), headers=ANCHORED)
    assert server_of(before.one("m:SubscriptionId")) == "exch01.acme.test"
    assert await wire.lab_call("POST", "fail-over", {"server": "exch02.acme.test"}) == {"forgotten": 1}
    after = await wire.call(wire.subscribe_body("bob@acme.test"), headers=ANCHORED)
    assert server_of(after.one("m:SubscriptionId")) == "exch02.acme.test"
    assert "X-BackEndOverrideCookie=exch02.acme.test~" in ",".join(after.headers.getall("Set-Cookie"))
    assert after.headers["X-CalculatedBETarget"] == "exch02.acme.test"


async def test_an_old_cookie_leads_to_a_server_that_is_gone_for_a_while(wire: Any) -> None:
    await wire.lab_call("POST", "fail-over", {"server": "exch02.acme.test", "refuse_seconds": 3600})
    old = ANCHORED | {"Cookie": "X-BackEndOverrideCookie=exch01.acme.test~1942062522"}
    assert (await wire.call(wire.subscribe_body("bob@acme.test"), headers=old)).status == 503
    assert (await wire.call(wire.subscribe_body("bob@acme.test"), headers=ANCHORED)).code == "NoError"
    await wire.lab_call("POST", "fail-over", {"server": "exch03.acme.test"})
    unled = old | {"Cookie": "X-BackEndOverrideCookie=exch02.acme.test~1942062522"}
    answer = await wire.call(wire.subscribe_body("bob@acme.test"), headers=unled)
    assert server_of(answer.one("m:SubscriptionId")) == "exch03.acme.test"


@pytest.mark.parametrize("streams", ["drop", "error"])
async def test_open_streams_break_off_or_name_every_id(wire: Any, streams: str) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    stream = await wire.stream(subscription)
    await stream.message()
    await wire.lab_call("POST", "fail-over", {"server": "exch02.acme.test", "streams": streams})
    if streams == "error":
        message = await stream.message()
        assert message.findtext("{*}ResponseCode") == "ErrorSubscriptionNotFound"
        assert message.findtext("{*}ErrorSubscriptionIds/{*}SubscriptionId") == subscription
    else:
        with pytest.raises(aiohttp.ClientError):
            await stream.message()


@pytest.mark.parametrize(
    ("wanted", "code", "text"),
    [
        ({}, "ErrorInvalidSubscription", "MailboxMoveStarted"),
        ({"code": "ErrorProxyRequestNotAllowed"}, "ErrorProxyRequestNotAllowed", ""),
    ],
)
async def test_a_move_is_told_to_the_stream_and_the_mailbox_is_found_on_its_new_server_only(
    wire: Any, wanted: dict[str, str], code: str, text: str
) -> None:
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    await stream.message()
    await wire.lab_call("POST", "mailboxes/bob@acme.test/move", {"server": "exch02.acme.test"} | wanted)
    message = await stream.message()
    assert message.findtext("{*}ResponseCode") == code
    assert text in message.findtext("{*}MessageText")
    by_another = {"X-AnchorMailbox": "carol@acme.test", "X-PreferServerAffinity": "true"}
    refused = await wire.call(wire.subscribe_body("bob@acme.test"), headers=by_another)
    assert refused.code == "ErrorProxyRequestNotAllowed"
    found = await wire.call(wire.subscribe_body("bob@acme.test"), headers=ANCHORED)
    moved = found.one("m:SubscriptionId")
    assert server_of(moved) == "exch02.acme.test"
    lost = await (await wire.stream(moved)).message()  # led to the first server, since nothing leads it elsewhere
    assert lost.findtext("{*}ResponseCode") == "ErrorSubscriptionNotFound"


async def test_while_it_is_moved_a_mailbox_is_closed_to_everybody(wire: Any) -> None:
    wanted = {"server": "exch02.acme.test", "takes_seconds": 3600}
    await wire.lab_call("POST", "mailboxes/bob@acme.test/move", wanted)
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "ErrorMailboxMoveInProgress"


@pytest.mark.parametrize(
    ("path", "wanted", "status"),
    [
        ("fail-over", {"server": "x", "streams": "sing"}, 400),
        ("fail-over", {}, 400),
        ("mailboxes/bob@acme.test/move", {"server": "x", "code": "ErrorItemNotFound"}, 400),
        ("mailboxes/nobody@acme.test/move", {"server": "x"}, 404),
    ],
)
async def test_what_is_wrong_is_said(wire: Any, path: str, wanted: dict[str, str], status: int) -> None:
    async with wire.http.post(f"{wire.lab.base}/lab/{path}", json=wanted) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]


async def test_dials_have_servers_fail_over_and_mailboxes_move_by_themselves(wire: Any) -> None:
    await wire.subscribe("bob@acme.test")
    await wire.dials(fail_over_minutes=0.001, move_minutes=0.002)
    mailboxes = list(wire.lab.directory.by_address.values())
    usual, moved = set[str](), set[str]()
    async with asyncio.timeout(60):
        while len(usual) < 3 or not moved:
            await asyncio.sleep(0.01)
            usual.add(wire.lab.back_ends.name)
            moved |= {each.address for each in mailboxes if wire.lab.back_ends.home(each) == "exch99.acme.test"}
    assert {name.partition(".")[2] for name in usual} == {"acme.test"}
    assert list(wire.lab.subscriptions) == []
    await wire.dials(fail_over_minutes=0, move_minutes=0)
    server = wire.lab.back_ends.name
    await asyncio.sleep(0.3)
    assert wire.lab.back_ends.name == server
