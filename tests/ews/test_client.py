import asyncio
import importlib.util
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
    UnencodableText,
)
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents, StreamMessage
from rainbow_exchange.ews.operations.get_user_availability import GetUserAvailability
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.ews.types import ConnectingSid
from rainbow_exchange.model import Window

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BUSY = '<m:MessageXml><t:Value Name="BackOffMilliseconds">5000</t:Value></m:MessageXml>'
HEARTBEAT = "<m:ConnectionStatus>OK</m:ConnectionStatus>"
CLOSED = "<m:ConnectionStatus>Closed</m:ConnectionStatus>"


def _wire_forms() -> ModuleType:
    """The fixtures' module has the functions that write the wire; tests are no package to import it from."""
    spec = importlib.util.spec_from_file_location("ews_wire_forms", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


forms: Any = _wire_forms()


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def sid(address: str) -> ConnectingSid:
    return ConnectingSid(kind="PrimarySmtpAddress", value=address)


@pytest.fixture
async def make(wire: Any) -> AsyncIterator[Any]:
    made: list[EwsClient] = []

    def make_one(**keywords: Any) -> EwsClient:
        keywords = {"url": wire.url, "auth": BasicAuth("svc", "pw"), "ssl": None, "now": now} | keywords
        made.append(EwsClient(**keywords))
        return made[-1]

    yield make_one
    for client in made:
        await client.__aexit__()


def says(wire: Any, *answers: bytes) -> None:
    """Give these answers in turn; the last one again and again."""
    left = list(answers)

    async def script(_: Any) -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    wire.script = script


SUBSCRIBED = forms.answer("Subscribe", "NoError", "<m:SubscriptionId>id</m:SubscriptionId>")
UNSUBSCRIBED = forms.answer("Unsubscribe")
SUBSCRIBE = Subscribe(mailbox_address="a@acme.test")
UNSUBSCRIBE = Unsubscribe(subscription_id="id")


async def fails(client: EwsClient, **keywords: Any) -> EwsError:
    with pytest.raises(EwsError) as raised:
        await client.call(UNSUBSCRIBE, **keywords)
    return raised.value


async def test_a_call_returns_the_parsed_answer_and_counts_itself(wire: Any, make: Any) -> None:
    says(wire, SUBSCRIBED)
    client = make()
    response = await client.call(SUBSCRIBE, impersonate=sid("a@acme.test"))
    assert response.subscription_id == "id"
    request = wire.requests[0]
    assert request.headers["X-AnchorMailbox"] == "a@acme.test"
    assert request.all("PrimarySmtpAddress") == ["a@acme.test"]
    assert client.counters.requests == {"Subscribe": 1}
    assert client.counters.bytes_sent == len(request.body)
    assert client.counters.bytes_received > 100
    assert client.last_ok == EPOCH
    assert client.last_error is None


async def test_others_come_to_their_turn_while_a_long_answer_is_read(
    wire: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainbow_exchange.pause.TURN", 0.0)  # however fast the machine is
    read: list[str] = []
    seen: set[int] = set()

    class Slowly(GetUserAvailability):
        def parse_in_parts(self, body: Any) -> Any:
            reading = super().parse_in_parts(body)
            while True:
                try:
                    next(reading)
                except StopIteration as over:
                    return over.value
                read.append("a mailbox")
                yield

    async def look() -> None:
        while True:
            seen.add(len(read))
            await asyncio.sleep(0)

    recorded = Path(__file__).parents[2] / "fixtures/ews/Exchange2019/get_user_availability/five_mailboxes.xml"
    says(wire, forms.http("200 OK", recorded.read_bytes(), "Content-Type: text/xml; charset=utf-8"))
    window = Window(start=EPOCH, end=EPOCH + timedelta(days=1))
    other = asyncio.create_task(look())
    results = await make().call(Slowly(addresses=("ada@acme.test",) * 5, window=window))
    other.cancel()
    assert len(results) == 5
    assert seen == {0, 1, 2, 3, 4, 5}


async def test_an_operation_that_a_server_does_not_know_is_no_outage(wire: Any, make: Any) -> None:
    says(wire, forms.http("500 Internal Server Error", b"unknown", "Content-Type: text/plain"))
    client = make()
    assert isinstance(await fails(client), EwsConnectionError)
    assert client.outage is None
    with pytest.raises(EwsConnectionError):
        await client.call(SUBSCRIBE)
    assert isinstance(client.outage, EwsConnectionError)


async def test_the_first_request_of_all_is_given_up_sooner_than_the_others(wire: Any, make: Any) -> None:
    async def never(_: Any) -> Any:
        await asyncio.sleep(1000)
        return SUBSCRIBED

    wire.script = never
    client, loop = make(), asyncio.get_running_loop()
    for seconds in (10, 20, 30, 30):
        started = loop.time()
        assert isinstance(await fails(client), EwsConnectionError)
        assert loop.time() - started == pytest.approx(seconds, abs=0.5)


async def test_the_servers_version_is_remembered(wire: Any, make: Any) -> None:
    version = (
        b'<s:Header><h:ServerVersionInfo xmlns:h="x" MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" '
        b'MinorBuildNumber="6"/></s:Header><s:Body>'
    )
    _, _, body = SUBSCRIBED.partition(b"\r\n\r\n")
    body = body.replace(b"<s:Body>", version)
    says(wire, forms.http("200 OK", body, "Content-Type: text/xml"), SUBSCRIBED)
    client = make()
    await client.call(SUBSCRIBE)
    assert client.server_version == "15.1.2507.6"
    await client.call(SUBSCRIBE)
    assert client.server_version == "15.1.2507.6"


async def test_a_groups_cookie_is_learnt_and_replayed_and_kept_from_others(wire: Any, make: Any) -> None:
    cookie = "Set-Cookie: X-BackEndOverrideCookie=mail1~7; path=/"
    says(wire, forms.answer("Unsubscribe", "NoError", "", cookie), UNSUBSCRIBED)
    client = make()
    one, other = Affinity("a@acme.test"), Affinity("b@acme.test")
    for affinity in (one, one, other, None):
        await client.call(UNSUBSCRIBE, affinity=affinity)
    sent = [request.headers.get("Cookie") for request in wire.requests]
    assert sent == [None, "X-BackEndOverrideCookie=mail1~7", None, None]
    assert [request.headers.get("X-PreferServerAffinity") for request in wire.requests] == ["true"] * 3 + [None]


@pytest.mark.parametrize(
    ("said", "kind", "detail"),
    [
        (forms.http("302 Found", b"", "Location: https://mail/owa/auth/logon.aspx?url=x"), "http-302", "logon.aspx"),
        (forms.http("404 Not Found", b"<html>", "Content-Type: text/html"), "http-404", "/EWS/Exchange.asmx"),
        (forms.http("200 OK", b"<html>Welcome", "Content-Type: text/html; charset=utf-8"), "not-ews", "web page"),
        (forms.http("200 OK", b"\n<!DOCTYPE html><p>Welcome"), "not-ews", "web page"),
        (forms.http("502 Bad Gateway", b"<html>", "Content-Type: text/html"), "http-502", "Bad Gateway"),
        (forms.http("500 Oops", b"<error/>", "Content-Type: application/xml"), "http-500", "Internal Server Error"),
        (forms.http("500 Oops", forms.envelope("<x/>"), "Content-Type: text/xml"), "http-500", "Internal"),
    ],
)
async def test_what_is_not_ews_says_what_it_is(wire: Any, make: Any, said: bytes, kind: str, detail: str) -> None:
    says(wire, said)
    client = make()
    error = await fails(client)
    assert isinstance(error, EwsConnectionError)
    assert error.kind == kind
    assert detail in error.detail
    assert client.last_error is error
    assert client.counters.errors == {kind: 1}
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", ["500 Internal Server Error", "400 Bad Request", "200 OK"])
async def test_a_fault_is_a_fault_whatever_its_status(wire: Any, make: Any, status: str) -> None:
    says(wire, forms.fault("ErrorImpersonateUserDenied", status=status))
    client = make()
    error = await fails(client)
    assert isinstance(error, ResponseError)
    assert (error.code, error.fault) == ("ErrorImpersonateUserDenied", True)
    assert client.counters.errors == {"ErrorImpersonateUserDenied": 1}


async def test_an_answer_beyond_its_limit_is_malformed(wire: Any, make: Any) -> None:
    says(wire, forms.xml("x" * 3000))
    client = make(max_answer_bytes=2000)
    assert isinstance(await fails(client), MalformedResponse)
    assert client.counters.errors == {"MalformedResponse": 1}


async def test_a_truncated_answer_is_no_answer(wire: Any, make: Any) -> None:
    says(wire, forms.http("200 OK", SUBSCRIBED.partition(b"\r\n\r\n")[2][:-20], "Content-Type: text/xml"))
    assert isinstance(await fails(make()), MalformedResponse)


async def test_text_that_xml_cannot_carry_is_not_sent(wire: Any, make: Any) -> None:
    with pytest.raises(UnencodableText):
        await make().call(Subscribe(mailbox_address="a\0@acme.test"))
    assert wire.requests == []


async def test_an_answer_that_dribbles_is_cut_at_the_limit_for_the_whole(wire: Any, make: Any) -> None:
    async def script(request: Any) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n")
        while True:
            request.writer.write(b"x")
            await asyncio.sleep(2)

    wire.script = script
    error = await fails(make(request_timeout=10))
    assert str(error) == "timeout: no whole answer to Unsubscribe within 10 s"
    assert asyncio.get_running_loop().time() == pytest.approx(10, abs=0.1)
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_credentials_are_proven_by_one_question_however_many_want_to_know(wire: Any, make: Any) -> None:
    says(wire, forms.answer("ResolveNames", "ErrorNameResolutionNoResults"))
    client = make()
    await asyncio.gather(*(client.prove("a@acme.test") for _ in range(5)))
    assert client.counters.requests == {"ResolveNames": 1}
    says(wire, forms.http("401 Unauthorized", b"", "WWW-Authenticate: Basic"))
    await fails(client)
    with pytest.raises(EwsAuthenticationError):
        await client.prove("a@acme.test")
    assert client.counters.requests == {"ResolveNames": 1, "Unsubscribe": 1}


async def test_wrong_credentials_are_one_attempt_for_ever(wire: Any, make: Any) -> None:
    says(wire, forms.http("401 Unauthorized", b"", "WWW-Authenticate: Negotiate", 'WWW-Authenticate: Basic realm="x"'))
    client = make()
    errors = await asyncio.gather(*(fails(client) for _ in range(10)))
    assert {type(error) for error in errors} == {EwsAuthenticationError}
    await asyncio.sleep(10_000)
    await fails(client)
    assert len(wire.requests) == 1
    assert client.refused is not None
    assert client.refused.offered == ("Negotiate", "Basic")
    assert client.seconds_to_next_try() is None


async def test_a_403_for_one_impersonated_mailbox_stops_nobody_else(wire: Any, make: Any) -> None:
    says(wire, forms.http("403 Forbidden", b"", "WWW-Authenticate: NTLM"), UNSUBSCRIBED)
    client = make()
    error = await fails(client, impersonate=sid("closed@acme.test"))
    assert isinstance(error, EwsAuthenticationError)
    assert (error.status, error.offered) == (403, ("NTLM",))
    await client.call(UNSUBSCRIBE, impersonate=sid("open@acme.test"))
    assert client.refused is None


async def test_busy_keeps_one_mailbox_away_for_as_long_as_asked(wire: Any, make: Any) -> None:
    says(wire, forms.answer("Unsubscribe", "ErrorServerBusy", BUSY), UNSUBSCRIBED)
    client = make()
    busy = await fails(client, impersonate=sid("a@acme.test"))
    assert isinstance(busy, ServerBusy)
    assert client.in_flight.limit == 10
    await client.call(UNSUBSCRIBE, impersonate=sid("b@acme.test"))
    held = await fails(client, impersonate=sid("a@acme.test"))
    assert isinstance(held, ServerBusy)
    assert held.back_off == pytest.approx(5)
    assert client.held_back_for() == 0
    assert len(wire.requests) == 2
    await asyncio.sleep(5.1)
    await client.call(UNSUBSCRIBE, impersonate=sid("a@acme.test"))
    assert (client.counters.back_offs, client.counters.last_back_off) == ({"ErrorServerBusy": 1}, "ErrorServerBusy")
    assert client.counters.errors == {"ErrorServerBusy": 1}


async def test_busy_mailboxes_make_fewer_requests_for_all_once_they_are_several(wire: Any, make: Any) -> None:
    says(wire, forms.answer("Unsubscribe", "ErrorServerBusy"))
    client = make()
    for name in ("a", "a", "a", "b"):
        await fails(client, impersonate=sid(f"{name}@acme.test"))
    assert client.in_flight.limit == 10
    await fails(client, impersonate=sid("c@acme.test"))
    assert client.in_flight.limit == 5
    await fails(client)
    assert client.in_flight.limit == 2.5


async def test_retry_after_keeps_everybody_away(wire: Any, make: Any) -> None:
    says(wire, forms.http("503 Service Unavailable", b"", "Retry-After: 20"), UNSUBSCRIBED)
    client = make()
    await fails(client)
    error = await fails(client, impersonate=sid("b@acme.test"))
    assert isinstance(error, EwsConnectionError)
    assert error.retry_after == pytest.approx(20)
    with pytest.raises(EwsConnectionError, match="http-503"):
        async with client.stream(GetStreamingEvents(subscription_ids=("id",), connection_timeout_minutes=1)):
            pass
    assert len(wire.requests) == 1
    await asyncio.sleep(20.1)
    await client.call(UNSUBSCRIBE)


async def test_one_who_waited_for_a_turn_asks_again_whether_it_may(wire: Any, make: Any) -> None:
    says(wire, UNSUBSCRIBED, forms.answer("Unsubscribe", "ErrorServerBusy", BUSY), UNSUBSCRIBED)
    client = make(max_in_flight=1)
    await client.call(UNSUBSCRIBE)
    errors = await asyncio.gather(*(fails(client) for _ in range(4)))
    assert {type(error) for error in errors} == {ServerBusy}
    assert len(wire.requests) == 2


async def test_the_limit_shrinks_on_too_many_and_not_on_other_refusals(wire: Any, make: Any) -> None:
    refused = (
        forms.answer("Unsubscribe", "ErrorExceededConnectionCount"),
        forms.answer("Unsubscribe", "ErrorAccessDenied"),
    )
    says(wire, *refused)
    client = make()
    assert isinstance(await fails(client), ConnectionLimitReached)
    assert client.in_flight.limit == 5
    await fails(client)
    assert client.in_flight.limit == 5.2


async def test_no_more_requests_than_allowed_are_on_the_wire(wire: Any, make: Any) -> None:
    under_way = most = 0

    async def script(_: Any) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(1)
        under_way -= 1
        return bytes(UNSUBSCRIBED)

    wire.script = script
    client = make(max_in_flight=3)
    await asyncio.gather(*(client.call(UNSUBSCRIBE) for _ in range(9)))
    assert most == 3


async def test_a_call_that_is_cancelled_leaves_nothing_open(wire: Any, make: Any) -> None:
    wire.script = lambda _: asyncio.sleep(1000)
    client = make()
    call = asyncio.create_task(client.call(UNSUBSCRIBE))
    await wire.until(lambda: wire.requests)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0.1)
    assert wire.open == 0
    assert client.in_flight.in_flight == 0


def test_http_to_another_machine_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UserError, match="use https"):
        EwsClient(url="http://mail.acme.test/EWS/Exchange.asmx", auth=BasicAuth("a", "b"), ssl=None, now=now)


# --- streams

STREAM = GetStreamingEvents(subscription_ids=("id",), connection_timeout_minutes=30)
HEAD = forms.STREAM_HEAD


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def streams(wire: Any, *pieces: bytes | float, then: str = "stay") -> None:
    """Write these pieces, with pauses of so many seconds between; then stay silent, end in order, or cut."""

    async def script(request: Any) -> None:
        request.writer.write(HEAD)
        for piece in pieces:
            if isinstance(piece, bytes):
                request.writer.write(chunk(piece))
            else:
                await asyncio.sleep(piece)
        if then == "end":
            request.writer.write(b"0\r\n\r\n")
        await request.writer.drain()
        if then == "stay":
            await asyncio.sleep(100_000)

    wire.script = script


async def read(client: EwsClient, got: list[StreamMessage]) -> None:
    async with client.stream(STREAM, affinity=Affinity("a@acme.test", {"one": "1"})) as messages:
        async for message in messages:
            got.append(message)  # noqa: PERF401 - what came before an error counts


async def test_a_stream_gives_its_messages_until_the_server_ends_it(wire: Any, make: Any) -> None:
    beat, closed = forms.stream_envelope("NoError", HEARTBEAT), forms.stream_envelope("NoError", CLOSED)
    streams(wire, beat, 60.0, beat[:50], 60.0, beat[50:] + closed, then="end")
    got: list[StreamMessage] = []
    client = make(heartbeat=70)
    await read(client, got)
    assert [message.connection_status for message in got] == ["OK", "OK", "Closed"]
    headers = wire.requests[0].headers
    assert headers["Accept-Encoding"] == "identity"
    assert (headers["X-AnchorMailbox"], headers["Cookie"]) == ("a@acme.test", "one=1")
    assert client.counters.requests == {"GetStreamingEvents": 1}


async def test_what_all_streams_bring_at_once_is_read_one_after_the_other(
    wire: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainbow_exchange.pause.TURN", 0.0)  # however fast the machine is
    streams(wire, 60.0, forms.stream_envelope("NoError", HEARTBEAT), then="end")
    client, turn = make(heartbeat=70), [0]
    read_in: list[int] = []

    async def count() -> None:
        while True:
            turn[0] += 1
            await asyncio.sleep(0 if asyncio.get_running_loop().time() > 59 else 1)

    async def read_one() -> None:
        async with client.stream(STREAM) as messages:
            async for _ in messages:
                read_in.append(turn[0])  # noqa: PERF401 - it is when that counts

    counting = asyncio.create_task(count())
    await asyncio.gather(*(read_one() for _ in range(10)))
    counting.cancel()
    assert len(read_in) == len(set(read_in)) == 10


async def test_two_missed_heartbeats_are_a_dead_stream(wire: Any, make: Any) -> None:
    streams(wire, forms.stream_envelope("NoError", HEARTBEAT))
    got: list[StreamMessage] = []
    with pytest.raises(EwsConnectionError, match="silent for 90 s") as raised:
        await read(make(), got)
    assert raised.value.kind == "timeout"
    assert asyncio.get_running_loop().time() == pytest.approx(90, abs=0.1)
    assert len(got) == 1
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_a_stream_that_says_nothing_at_all_is_dead_after_two_heartbeats(wire: Any, make: Any) -> None:
    streams(wire)
    with pytest.raises(EwsConnectionError, match="silent for 90 s"):
        await read(make(), [])


async def test_a_stream_may_begin_with_its_first_heartbeat(wire: Any, make: Any) -> None:
    streams(wire, 45.0, forms.stream_envelope("NoError", HEARTBEAT), then="end")
    got: list[StreamMessage] = []
    await read(make(), got)
    assert [message.connection_status for message in got] == ["OK"]


async def test_a_stream_without_a_head_is_given_up_like_a_call(wire: Any, make: Any) -> None:
    async def script(_request: Any) -> None:
        await asyncio.sleep(100_000)

    wire.script = script
    with pytest.raises(EwsConnectionError) as raised:
        await read(make(), [])
    assert raised.value.kind == "timeout"
    assert asyncio.get_running_loop().time() == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize(
    ("pieces", "then", "expected"),
    [
        ((forms.stream_envelope("NoError", HEARTBEAT)[:90],), "end", MalformedResponse),
        ((forms.stream_envelope("NoError", HEARTBEAT)[:90],), "cut", EwsConnectionError),
        ((b"<html><body>504 Gateway Time-out</body></html>",), "end", MalformedResponse),
    ],
)
async def test_a_stream_cut_or_spoilt_is_an_error_after_what_was_whole(
    wire: Any, make: Any, pieces: tuple[bytes, ...], then: str, expected: type[EwsError]
) -> None:
    streams(wire, forms.stream_envelope("NoError", HEARTBEAT), *pieces, then=then)
    got: list[StreamMessage] = []
    with pytest.raises(expected):
        await read(make(), got)
    assert [message.connection_status for message in got] == ["OK"]


async def test_errors_in_a_stream_are_counted_and_their_hints_obeyed(wire: Any, make: Any) -> None:
    streams(wire, forms.stream_envelope("ErrorServerBusy", BUSY + CLOSED), then="end")
    client = make()
    got: list[StreamMessage] = []
    await read(client, got)
    assert isinstance(got[0].error, ServerBusy)
    assert client.counters.errors == {"ErrorServerBusy": 1}
    assert client.held_back_for() == pytest.approx(5)
    assert client.in_flight.limit == 10


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (forms.fault("ErrorImpersonateUserDenied"), ResponseError),
        (forms.http("401 No", b"", "WWW-Authenticate: Basic"), EwsAuthenticationError),
        (forms.http("200 OK", b"<html>", "Content-Type: text/html"), EwsConnectionError),
    ],
)
async def test_a_stream_that_is_refused_says_so_like_a_call(
    wire: Any, make: Any, said: bytes, expected: type[EwsError]
) -> None:
    says(wire, said)
    with pytest.raises(expected):
        await read(make(), [])


async def test_leaving_a_stream_closes_its_connection(wire: Any, make: Any) -> None:
    streams(wire, forms.stream_envelope("NoError", HEARTBEAT))
    client = make()
    async with client.stream(STREAM) as messages:
        await anext(messages)
        assert wire.open == 1
    await asyncio.sleep(0.1)
    assert wire.open == 0


async def test_a_stream_does_not_hold_a_place_in_flight(wire: Any, make: Any) -> None:
    streams(wire, forms.stream_envelope("NoError", HEARTBEAT))
    client = make(max_in_flight=1)
    async with client.stream(STREAM) as messages:
        await anext(messages)
        says(wire, UNSUBSCRIBED)
        await client.call(UNSUBSCRIBE)
    assert client.counters.requests == {"GetStreamingEvents": 1, "Unsubscribe": 1}


def too_many(part: str) -> str:
    return f'<m:MessageXml><t:Value Name="Policy">{part}</t:Value></m:MessageXml>'


async def test_too_many_streams_do_not_make_fewer_requests(wire: Any, make: Any) -> None:
    says(wire, forms.answer("Unsubscribe", "ErrorExceededConnectionCount", too_many("MaxStreamingConcurrency")))
    client = make()
    assert isinstance(await fails(client), ConnectionLimitReached)
    assert client.in_flight.limit == 10
    assert client.counters.back_offs == {"ErrorExceededConnectionCount": 1}
    assert client.counters.last_back_off == "ErrorExceededConnectionCount (MaxStreamingConcurrency)"


async def test_a_stream_that_is_refused_for_too_many_requests_makes_fewer(wire: Any, make: Any) -> None:
    refusal = forms.stream_envelope("ErrorExceededConnectionCount", too_many("MaxConcurrency") + CLOSED)
    streams(wire, refusal, then="end")
    client = make()
    await read(client, [])
    assert client.in_flight.limit == 5
    assert client.counters.last_back_off == "ErrorExceededConnectionCount (MaxConcurrency)"


async def test_a_front_end_that_queues_gets_fewer_requests_at_once(wire: Any, make: Any) -> None:
    says(wire, forms.http("503 Service Unavailable", b""))
    client = make()
    assert isinstance(await fails(client), EwsConnectionError)
    assert client.in_flight.limit == 5
