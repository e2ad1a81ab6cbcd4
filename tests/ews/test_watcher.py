import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError
from rainbow_exchange.ews.watcher import CloseReport
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.model import Lost, Mailbox, MailboxChanged


def time() -> float:
    return asyncio.get_running_loop().time()


def now() -> datetime:
    return datetime(2026, 3, 2, 8, 0, tzinfo=UTC) + timedelta(seconds=time())


async def owner_bound(exchange: Any, code: str = "ErrorInvalidSubscription") -> None:
    """Let only the impersonated owner read a subscription."""

    def opened(stream: Any) -> None:
        foreign = [name for name in stream.ids if exchange.known.get(name) != stream.impersonated]
        if foreign:
            stream.refuse(code, *foreign)
        else:
            stream.heartbeat()

    exchange.opened = opened


def refused_with(code: str) -> bytes:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode>a:{code}</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    return f"HTTP/1.1 500 x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


HTTP_403 = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
HTTP_401 = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
HTTP_503 = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"


async def lose_one(exchange: Any, watched: Any, refusal: bytes) -> None:
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    exchange.refusals["b@acme.test"] = refusal
    name = exchange.ids_of("b@acme.test")[0]
    del exchange.known[name]
    exchange.live[0].refuse("ErrorSubscriptionNotFound", name)
    await exchange.until(lambda: watched.coverage("b") != "streamed")


async def test_450_mailboxes_are_three_streams_each_with_its_own_anchor_and_cookie(
    exchange: Any, watching: Any
) -> None:
    watched = watching()
    await watched.subscribe(*(f"u{number}" for number in range(450)))
    await watched.streamed(*(f"u{number}" for number in range(450)))
    assert [len(stream.ids) for stream in exchange.streams] == [200, 200, 50]
    for stream, anchor in zip(exchange.streams, (0, 200, 400), strict=True):
        address = f"u{anchor}@acme.test"
        assert stream.headers["X-AnchorMailbox"] == address
        assert stream.headers["X-PreferServerAffinity"] == "true"
        assert stream.headers["Cookie"] == f"X-BackEndOverrideCookie=mail{anchor + 1}~1"
        assert stream.impersonated == address
    by_anchor = Counter(
        (request.headers["X-AnchorMailbox"], request.headers.get("Cookie"))
        for request in exchange.requests
        if request.operation == "Subscribe"
    )
    assert by_anchor["u200@acme.test", None] == 1
    assert by_anchor["u200@acme.test", "X-BackEndOverrideCookie=mail201~1"] == 199
    assert sum(len(names) for names, reason in watched.gaps() if reason == "opened") == 450
    views = watched.watcher.streams()
    assert [(view.members, view.state, view.reopenings) for view in views] == [
        (200, "streamed", 0),
        (200, "streamed", 0),
        (50, "streamed", 0),
    ]


async def test_without_impersonation_the_folder_is_named_and_the_stream_is_the_accounts_own(
    exchange: Any, watching: Any
) -> None:
    watched = watching(impersonation=False)
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    assert exchange.requests[1].all("EmailAddress") == ["b@acme.test"]
    assert exchange.streams[0].impersonated == ""
    assert exchange.streams[0].headers["X-AnchorMailbox"] == "a@acme.test"


async def test_a_mailbox_known_by_its_upn_is_impersonated_by_it(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.watcher.subscribe(Mailbox(address="a@acme.test", principal="a@acme.local"))
    await watched.streamed("a")
    assert exchange.subscribes == ["a@acme.local"]
    assert exchange.streams[0].impersonated == "a@acme.local"
    assert exchange.streams[0].headers["X-AnchorMailbox"] == "a@acme.test"


async def test_a_named_bad_id_is_renewed_and_the_rest_reopened_at_once(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    await asyncio.sleep(200)
    del exchange.known["sub-2"]
    exchange.live[0].refuse("ErrorReadEventsFailed", "sub-2", "sub-2", status="OK")
    refused = time()
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].ids == ["sub-1", "sub-3"]
    assert exchange.streams[1].at - refused < 0.2
    await watched.streamed("a", "b", "c")
    assert exchange.subscribes[3:] == ["b@acme.test"]
    assert ({"b"}, "renewed") in watched.gaps()
    assert (watched.watcher.counters.bad_subscriptions, watched.watcher.counters.renewed) == (1, 1)


async def test_a_restarted_server_that_knows_no_id_gets_them_all_anew(exchange: Any, watching: Any) -> None:
    names = [f"u{number}" for number in range(30)]
    watched = watching()
    await watched.subscribe(*names)
    await watched.streamed(*names)
    await asyncio.sleep(100)
    port = int(exchange.url.split(":")[2].split("/")[0])
    await exchange.stop()
    exchange.known.clear()
    await asyncio.sleep(600)
    assert watched.coverage("u0") == "opening"
    await exchange.start(port=port)
    back = time()
    await watched.streamed(*names)
    assert time() - back < 35
    assert len(watched.gaps()[-1][0] | watched.gaps()[-2][0]) == 30
    assert Counter(exchange.subscribes) == {f"{name}@acme.test": 2 for name in names}
    assert len(watched.signals) <= 4


async def test_a_failover_that_names_nobody_renews_all_without_asking_for_each(exchange: Any, watching: Any) -> None:
    names = [f"u{number}" for number in range(100)]
    watched = watching()
    await watched.subscribe(*names)
    await watched.streamed(*names)
    await asyncio.sleep(100)
    dead = set(exchange.known)

    def opened(stream: Any) -> None:
        if dead & set(stream.ids):
            stream.refuse("ErrorSubscriptionNotFound")
        else:
            stream.heartbeat()

    exchange.opened = opened
    exchange.live[0].refuse("ErrorSubscriptionNotFound")
    await watched.streamed(*names, limit=60)
    assert len(exchange.streams) < 25


async def test_an_owner_bound_server_is_recognized_and_each_mailbox_gets_its_own_stream(
    exchange: Any, watching: Any
) -> None:
    await owner_bound(exchange)
    watched = watching()
    names = [f"u{number}" for number in range(10)]
    await watched.subscribe(*names)
    await watched.streamed(*names, limit=20)
    assert watched.watcher.owner_bound.server
    assert len(exchange.live) == 10
    assert Counter(exchange.subscribes) == {"u0@acme.test": 1} | {f"{name}@acme.test": 2 for name in names[1:]}
    asked = len(exchange.streams)
    await watched.subscribe("late")
    await watched.streamed("late", limit=5)
    assert len(exchange.streams) == asked + 1
    assert exchange.live[-1].impersonated == "late@acme.test"
    exchange.live[-1].notify(exchange.live[-1].ids[0])
    await exchange.until(lambda: watched.signals[-1][1] == MailboxChanged(mailbox="late@acme.test"))


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "ErrorSubscriptionAccessDenied", "ErrorItemNotFound"])
async def test_a_server_may_call_it_by_any_code_that_only_the_owner_reads(
    exchange: Any, watching: Any, code: str
) -> None:
    await owner_bound(exchange, code)
    watched = watching()
    await watched.subscribe("a", "b", "c", "d")
    await watched.streamed("a", "b", "c", "d", limit=60)
    assert watched.watcher.owner_bound.server
    await asyncio.sleep(300)
    assert len(exchange.live) == 4
    assert sorted(exchange.known[name] for name in exchange.known if name not in exchange.unsubscribed) == [
        f"{name}@acme.test" for name in "abcd"
    ]
    assert len(exchange.subscribes) <= 8


async def test_what_is_refused_early_again_and_again_is_given_back_and_renewed_ever_more_slowly(
    exchange: Any, watching: Any
) -> None:
    def opened(stream: Any) -> None:
        foreign = exchange.ids_of("b@acme.test")
        refused = [name for name in stream.ids if name in foreign]
        if refused:
            stream.refuse("ErrorInternalServerError", *refused)
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = watching()
    await watched.subscribe("a", "b")
    await asyncio.sleep(300)
    assert 4 <= exchange.subscribes.count("b@acme.test") <= 12
    left = [name for name in exchange.ids_of("b@acme.test") if name not in exchange.unsubscribed]
    assert len(left) <= 1
    assert not watched.watcher.owner_bound.server
    assert watched.coverage("a") == "streamed"


async def test_on_an_owner_bound_server_no_refused_subscription_is_left_behind(exchange: Any, watching: Any) -> None:
    await owner_bound(exchange)
    watched = watching()
    names = [f"u{number}" for number in range(6)]
    await watched.subscribe(*names)
    await watched.streamed(*names, limit=20)
    read = {name for stream in exchange.live for name in stream.ids}
    assert len(exchange.known) == 11
    assert set(exchange.known) - set(exchange.unsubscribed) == read
    assert await watched.watcher.close() == CloseReport(unsubscribed=6, left=0)
    assert set(exchange.unsubscribed) == set(exchange.known)


async def test_an_unsubscribe_that_hangs_holds_no_renewal_up(exchange: Any, watching: Any) -> None:
    await owner_bound(exchange)
    exchange.hold = asyncio.Event()
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b", limit=20)


async def test_on_an_owner_bound_server_a_lost_subscription_is_renewed_in_its_own_stream(
    exchange: Any, watching: Any
) -> None:
    await owner_bound(exchange)
    watched = watching()
    names = [f"u{number}" for number in range(6)]
    await watched.subscribe(*names)
    await watched.streamed(*names, limit=20)
    await asyncio.sleep(300)
    stream = next(stream for stream in exchange.live if stream.impersonated == "u3@acme.test")
    del exchange.known[stream.ids[0]]
    stream.refuse("ErrorInvalidSubscription", stream.ids[0])
    await exchange.until(lambda: exchange.subscribes[-1] == "u3@acme.test", 10)
    await watched.streamed("u3", limit=10)
    assert len(exchange.live) == 6


async def test_without_impersonation_nobody_gets_a_stream_of_its_own(exchange: Any, watching: Any) -> None:
    exchange.opened = lambda stream: stream.refuse("ErrorInvalidSubscription", *stream.ids[1:])
    watched = watching(impersonation=False)
    await watched.subscribe("a", "b", "c", "d")
    await asyncio.sleep(600)
    assert not watched.watcher.owner_bound.server
    assert watched.watcher.owner_bound.mailboxes == set()
    assert len(exchange.subscribes) < 60


async def test_a_mailbox_closed_to_ews_is_lost_alone(exchange: Any, watching: Any) -> None:
    watched = watching()
    await lose_one(exchange, watched, HTTP_403)
    await exchange.until(lambda: watched.coverage("b") is None)
    assert watched.signals[-1][1] == Lost(mailbox="b@acme.test", code="EwsAuthenticationError")
    await watched.streamed("a")


async def test_refused_credentials_lose_nobody(exchange: Any, watching: Any) -> None:
    watched = watching()
    await lose_one(exchange, watched, HTTP_401)
    await asyncio.sleep(30)
    assert watched.coverage("b") == "renewing"
    assert watched.client.refused is not None
    exchange.refusals.clear()
    await watched.streamed("a", "b", limit=400)


async def test_a_renewal_that_fails_for_now_is_tried_again_with_the_servers_patience(
    exchange: Any, watching: Any
) -> None:
    watched = watching()
    await lose_one(exchange, watched, HTTP_503)
    await asyncio.sleep(60)
    assert watched.coverage("b") == "renewing"
    assert 3 <= exchange.subscribes.count("b@acme.test") <= 8
    exchange.refusals.clear()
    await watched.streamed("a", "b")
    assert not [signal for _, signal in watched.signals if isinstance(signal, Lost)]


async def test_a_renewal_that_finds_no_mailbox_is_lost_by_its_code(exchange: Any, watching: Any) -> None:
    watched = watching()
    await lose_one(exchange, watched, refused_with("ErrorNonExistentMailbox"))
    await exchange.until(lambda: watched.coverage("b") is None)
    assert Lost(mailbox="b@acme.test", code="ErrorNonExistentMailbox") in [signal for _, signal in watched.signals]
    await watched.streamed("a")


async def test_subscribing_sends_one_request_and_a_refusal_is_the_callers(exchange: Any, watching: Any) -> None:
    watched = watching()
    exchange.refusals["a@acme.test"] = refused_with("ErrorImpersonateUserDenied")
    with pytest.raises(ResponseError, match="ErrorImpersonateUserDenied"):
        await watched.subscribe("a")
    assert watched.coverage("a") is None
    assert exchange.subscribes == ["a@acme.test"]
    exchange.refusals.clear()
    await asyncio.gather(watched.subscribe("b"), watched.subscribe("b"), watched.subscribe("c"))
    await watched.subscribe("b")
    assert sorted(exchange.subscribes[1:]) == ["b@acme.test", "c@acme.test"]
    await watched.streamed("b", "c")
    assert exchange.streams[0].headers["X-AnchorMailbox"] == "b@acme.test"


async def test_a_first_subscribe_that_hangs_holds_up_its_group_for_five_seconds_at_most(
    exchange: Any, watching: Any
) -> None:
    watched = watching(group_key=lambda mailbox: "one" if mailbox.address == "first@acme.test" else "other")
    await watched.subscribe("first")  # the credentials are proven
    serve = exchange.script

    async def hang(request: Any) -> Any:
        if ">a@acme.test<" in request.body:
            await asyncio.sleep(1000)
        return await serve(request)

    exchange.script = hang
    started = time()
    hanging = asyncio.create_task(watched.subscribe("a"))
    await asyncio.sleep(0.1)
    await asyncio.gather(watched.subscribe("b"), watched.subscribe("c"))
    assert 4.9 <= time() - started < 6
    await watched.streamed("b", "c")
    assert exchange.streams[-1].headers["X-AnchorMailbox"] in {"b@acme.test", "c@acme.test"}
    with pytest.raises(EwsConnectionError):
        await hanging


async def test_a_forgotten_mailbox_is_unsubscribed_and_leaves_its_stream(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(60)
    await watched.watcher.forget("a@acme.test")
    await watched.watcher.forget("never@acme.test")
    assert exchange.unsubscribed == ["sub-1"]
    assert watched.coverage("a") is None
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].ids == ["sub-2"]
    assert exchange.streams[1].headers["X-AnchorMailbox"] == "b@acme.test"
    await watched.watcher.forget("b@acme.test")
    await exchange.until(lambda: not exchange.live)
    assert watched.watcher.streams() == []


async def test_forgetting_one_that_is_being_renewed_ends_the_renewal(exchange: Any, watching: Any) -> None:
    watched = watching()
    await lose_one(exchange, watched, HTTP_503)
    assert watched.coverage("b") == "renewing"
    await watched.watcher.forget("b@acme.test")
    exchange.refusals.clear()
    tried = exchange.subscribes.count("b@acme.test")
    await asyncio.sleep(600)
    assert exchange.subscribes.count("b@acme.test") == tried


async def test_forgetting_is_bounded_by_five_seconds(exchange: Any, watching: Any) -> None:
    exchange.hold = asyncio.Event()
    watched = watching()
    await watched.subscribe("a")
    began = time()
    await watched.watcher.forget("a@acme.test")
    assert time() - began == pytest.approx(5, abs=0.1)


async def test_closing_ends_the_streams_and_then_unsubscribes(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe(*(f"u{number}" for number in range(50)))
    await watched.streamed("u0", "u49")
    live_at_first: list[int] = []
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation == "Unsubscribe":
            live_at_first.append(len(exchange.live))
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    assert await watched.watcher.close() == CloseReport(unsubscribed=50, left=0)
    assert set(live_at_first) == {0}
    assert watched.running is not None
    await watched.running
    with pytest.raises(EwsConnectionError, match="being closed"):
        await watched.subscribe("late")


async def test_closing_takes_no_longer_than_its_limit_and_counts_what_is_left(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    exchange.hold = asyncio.Event()
    began = time()
    assert await watched.watcher.close(2) == CloseReport(unsubscribed=0, left=3)
    assert time() - began == pytest.approx(2, abs=0.1)


async def test_closing_counts_those_that_the_server_had_forgotten_as_gone(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation == "Unsubscribe":
            gone = "sub-1" in request.body
            return refused_with("ErrorSubscriptionNotFound" if gone else "ErrorInternalServerError")
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    assert await watched.watcher.close() == CloseReport(unsubscribed=1, left=1)


async def test_a_cancel_at_any_point_leaves_no_connection_open(exchange: Any, watching: Any) -> None:
    for delay in (0.0, 0.3, 0.5, 0.501, 0.6, 3.0, 46.0, 200.0, 200.2, 203.0):
        watched = watching()
        await watched.subscribe("a", "b")
        began = time()
        if delay > 200:
            await asyncio.sleep(200)
            exchange.live[0].cut()
        await asyncio.sleep(max(began + delay - time(), 0))
        assert watched.running is not None
        watched.running.cancel()
        await asyncio.wait([watched.running])
        assert watched.running.cancelled()
        await asyncio.sleep(0.1)
        assert exchange.live == []
        assert (await watched.watcher.close()).left == 0
        await watched.stop()
        await asyncio.sleep(0.1)
        assert exchange.open == 0


async def test_a_watcher_that_is_run_again_goes_on_where_it_was(exchange: Any, watching: Any) -> None:
    watched = watching()
    await lose_one(exchange, watched, HTTP_503)
    assert watched.running is not None
    watched.running.cancel()
    await asyncio.wait([watched.running])
    assert (watched.coverage("a"), watched.coverage("b")) == ("opening", "renewing")
    exchange.refusals.clear()
    watched.start()
    await watched.streamed("a", "b")
    assert ({"a"}, "reopened: stopped") in watched.gaps()


async def test_mailboxes_of_different_keys_do_not_share_a_stream(exchange: Any, watching: Any) -> None:
    watched = watching(group_key=lambda mailbox: mailbox.address[0])
    await watched.subscribe("paris1", "lyon1", "paris2", "lyon2")
    await watched.streamed("paris1", "paris2", "lyon1", "lyon2")
    assert sorted([exchange.known[name] for name in stream.ids] for stream in exchange.streams) == [
        ["lyon1@acme.test", "lyon2@acme.test"],
        ["paris1@acme.test", "paris2@acme.test"],
    ]


async def test_a_thousand_newcomers_within_a_minute_cause_few_reopenings(exchange: Any, watching: Any) -> None:
    watched = watching()
    for number in range(1000):
        await watched.subscribe(f"u{number}")
        await asyncio.sleep(0.06)
    await watched.streamed(*(f"u{number}" for number in range(1000)))
    assert len(exchange.streams) <= 15
    assert len(exchange.live) == 5


# --- on the lab's Exchange


@pytest.fixture
async def lab() -> AsyncIterator[Callable[..., Awaitable[LabExchange]]]:
    """Give what starts a simulated Exchange of ten mailboxes, u0 … u9."""
    made: list[LabExchange] = []

    async def start(port: int = 0, **keywords: Any) -> LabExchange:
        boxes = [LabMailbox(address=f"u{number}@acme.test", right="reviewer") for number in range(10)]
        made.append(
            LabExchange(mailboxes=boxes, username="svc", password="pw", now=now, random=Random(3).random, **keywords)
        )
        await made[-1].start(port=port)
        return made[-1]

    yield start
    for each in made:
        await each.stop()


async def ordered(lab: LabExchange, method: str, path: str, **values: Any) -> Any:
    """Use the lab's own test wire."""
    base = lab.url.partition("/EWS")[0]
    async with aiohttp.ClientSession() as session, session.request(method, f"{base}/lab/{path}", json=values) as answer:
        return await answer.json() if answer.content_type.endswith("json") else await answer.text()


NAMES = [f"u{number}" for number in range(10)]
APPOINTMENT = {"subject": "x", "start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z"}


@pytest.mark.parametrize(
    ("flavour", "impersonation", "streams"),
    [("exchange", True, 1), ("exchange", False, 1), ("owner-bound", True, 10), ("owner-bound", False, 1)],
)
async def test_a_change_in_the_lab_is_told(
    lab: Any, watching: Any, flavour: str, impersonation: bool, streams: int
) -> None:
    exchange = await lab(flavour=flavour, stream_limit=10)
    watched = watching(exchange, impersonation=impersonation)
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES, limit=30)
    open_streams = [view for view in watched.watcher.streams() if view.state == "streamed"]
    assert len(open_streams) == streams
    if flavour == "exchange":
        assert open_streams[0].server == "exch01.acme.test"
    await ordered(exchange, "POST", "mailboxes/u7@acme.test/items", **APPOINTMENT)
    await watched.until(lambda: watched.signals[-1][1] == MailboxChanged(mailbox="u7@acme.test"), 5)
    assert await watched.watcher.close() == CloseReport(unsubscribed=10, left=0)


async def test_the_labs_exchange_killed_and_started_anew_is_watched_again(lab: Any, watching: Any) -> None:
    exchange = await lab()
    watched = watching(exchange)
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES)
    port = int(exchange.url.split(":")[2].split("/")[0])
    await exchange.stop()
    await asyncio.sleep(120)
    assert watched.coverage("u0") == "opening"
    await lab(port=port)
    await watched.streamed(*NAMES, limit=40)
    told = set().union(*(names for names, reason in watched.gaps() if reason == "renewed"))
    assert told == set(NAMES)


async def test_all_subscriptions_of_the_lab_expired_are_renewed(lab: Any, watching: Any) -> None:
    exchange = await lab(name_bad_ids=False)
    watched = watching(exchange)
    await watched.subscribe(*NAMES)
    await watched.streamed(*NAMES)
    await asyncio.sleep(300)
    await ordered(exchange, "DELETE", "subscriptions")
    await watched.until(lambda: watched.watcher.counters.renewed == 10, 120)
    await watched.streamed(*NAMES)
