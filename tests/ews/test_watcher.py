import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError
from rainbow_exchange.ews.watcher import CloseReport, Watcher
from rainbow_exchange.model import ChangeSignal, Gap, Lost, Mailbox, MailboxChanged

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def time() -> float:
    return asyncio.get_running_loop().time()


def now() -> datetime:
    return EPOCH + timedelta(seconds=time())


class Watched:
    """A client and a watcher on a small Exchange, and what they tell."""

    def __init__(self, exchange: Any, **keywords: Any) -> None:
        self.exchange = exchange
        self.signals: list[tuple[float, ChangeSignal]] = []
        self.client = EwsClient(url=exchange.url, auth=BasicAuth("svc", "pw"), ssl=None, now=now)
        random = Random(7).random  # noqa: S311 - jitter, not a secret
        keywords = {"impersonation": True} | keywords
        self.watcher = Watcher(self.client, emit=self.emit, now=now, random=random, **keywords)
        self.running: asyncio.Task[None] | None = None

    def emit(self, signal: ChangeSignal) -> None:
        self.signals.append((time(), signal))

    def start(self) -> None:
        self.running = asyncio.create_task(self.watcher.run())

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])
        await self.client.__aexit__()

    async def subscribe(self, *names: str) -> None:
        for name in names:
            await self.watcher.subscribe(Mailbox(address=f"{name}@acme.test"))

    async def streamed(self, *names: str, limit: float = 600) -> None:
        await self.exchange.until(lambda: all(self.coverage(name) == "streamed" for name in names), limit)

    def coverage(self, name: str) -> str | None:
        return self.watcher.coverage(f"{name}@acme.test")

    def gaps(self) -> list[tuple[set[str], str]]:
        found = [signal for _, signal in self.signals if isinstance(signal, Gap)]
        return [({name.partition("@")[0] for name in gap.mailboxes}, gap.reason) for gap in found]


@pytest.fixture
async def make(exchange: Any) -> AsyncIterator[Any]:
    made: list[Watched] = []

    def make_one(**keywords: Any) -> Watched:
        made.append(Watched(exchange, **keywords))
        made[-1].start()
        return made[-1]

    yield make_one
    for watched in made:
        await watched.stop()


async def test_450_mailboxes_are_three_streams_each_with_its_own_anchor_and_cookie(exchange: Any, make: Any) -> None:
    watched = make()
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
    exchange: Any, make: Any
) -> None:
    watched = make(impersonation=False)
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    assert exchange.requests[1].all("EmailAddress") == ["b@acme.test"]
    assert exchange.streams[0].impersonated == ""
    assert exchange.streams[0].headers["X-AnchorMailbox"] == "a@acme.test"


async def test_a_mailbox_known_by_its_upn_is_impersonated_by_it(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.watcher.subscribe(Mailbox(address="a@acme.test", principal="a@acme.local"))
    await watched.streamed("a")
    assert exchange.subscribes == ["a@acme.local"]
    assert exchange.streams[0].impersonated == "a@acme.local"
    assert exchange.streams[0].headers["X-AnchorMailbox"] == "a@acme.test"


async def test_a_gap_is_told_after_the_stream_is_confirmed_and_a_change_at_once(exchange: Any, make: Any) -> None:
    exchange.opened = lambda _: None
    watched = make()
    await watched.subscribe("a", "b")
    await exchange.until(lambda: exchange.streams)
    await asyncio.sleep(10)
    assert watched.signals == []
    assert watched.coverage("a") == "opening"
    exchange.streams[0].heartbeat()
    await watched.streamed("a", "b")
    exchange.streams[0].notify("sub-2", "sub-2", "unknown")
    await exchange.until(lambda: len(watched.signals) > 1)
    assert [signal for _, signal in watched.signals] == [
        Gap(mailboxes=("a@acme.test", "b@acme.test"), reason="opened"),
        MailboxChanged(mailbox="b@acme.test"),
        MailboxChanged(mailbox="b@acme.test"),
    ][: len(watched.signals)]


async def test_a_group_opens_half_a_second_after_its_last_join_but_at_once_when_full(exchange: Any, make: Any) -> None:
    watched = make(group_size=3)
    for name in ("a", "b"):
        await watched.subscribe(name)
        await asyncio.sleep(0.4)
    await watched.streamed("a", "b")
    assert exchange.streams[0].at == pytest.approx(0.9, abs=0.1)
    assert len(exchange.streams[0].ids) == 2
    began = time()
    await watched.subscribe("c", "d", "e", "f")
    await watched.streamed("d", "e", "f")
    full = next(stream for stream in exchange.streams if len(stream.ids) == 3)
    assert full.at - began < 0.2


async def test_newcomers_that_never_cease_do_not_keep_the_first_waiting(exchange: Any, make: Any) -> None:
    watched = make()
    for number in range(70):
        await watched.subscribe(f"u{number}")
        await asyncio.sleep(0.4)
    assert exchange.streams[0].at == pytest.approx(20, abs=0.5)


async def test_a_newcomer_reopens_its_group_at_most_every_five_seconds_the_old_request_closed_first(
    exchange: Any, make: Any
) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    most_open = 0

    def opened(stream: Any) -> None:
        nonlocal most_open
        most_open = max(most_open, len(exchange.live))
        stream.heartbeat()

    exchange.opened = opened
    for name in "bcdefgh":
        await watched.subscribe(name)
        await asyncio.sleep(1)
    await watched.streamed(*"abcdefgh")
    times = [stream.at for stream in exchange.streams]
    assert len(times) == 3
    assert all(later - earlier >= 5 for earlier, later in pairwise(times))
    assert most_open == 1
    assert (
        watched.gaps()[1] == ({"a"}, "reopened: members changed") or watched.gaps()[2][1] == "reopened: members changed"
    )


async def test_an_orderly_end_and_a_prompt_reopening_is_no_gap(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    minutes = set()
    for _ in range(4):
        stream = exchange.live[0]
        minutes.add(stream.minutes)
        await asyncio.sleep(1500)
        count = len(exchange.streams)
        stream.close_in_order()
        await exchange.until(lambda stream=stream: stream.closed)
        assert watched.coverage("a") == "streamed"
        await exchange.until(lambda count=count: len(exchange.streams) > count, 1)
    assert watched.gaps() == [({"a", "b"}, "opened")]
    assert exchange.streams[-1].ids == exchange.streams[0].ids
    assert minutes <= {25, 26, 27, 28, 29}
    assert len(minutes) > 1


async def test_an_orderly_end_with_a_late_reopening_is_a_gap(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    await asyncio.sleep(100)
    exchange.opened = lambda _: None
    exchange.live[0].close_in_order()
    await exchange.until(lambda: len(exchange.streams) == 2)
    await asyncio.sleep(11)
    assert watched.coverage("a") == "opening"
    exchange.live[0].heartbeat()
    await watched.streamed("a")
    assert watched.gaps()[1:] == [({"a"}, "reopened: late")]


async def test_a_server_that_ends_each_stream_at_once_is_not_asked_in_a_tight_loop(exchange: Any, make: Any) -> None:
    def opened(stream: Any) -> None:
        stream.heartbeat()
        stream.close_in_order()

    exchange.opened = opened
    watched = make()
    await watched.subscribe("a")
    await asyncio.sleep(300)
    assert 8 <= len(exchange.streams) <= 25


async def test_an_end_without_a_beginning_is_no_confirmation(exchange: Any, make: Any) -> None:
    exchange.opened = lambda stream: stream.close_in_order()
    watched = make()
    await watched.subscribe("a")
    await asyncio.sleep(5)
    assert watched.signals == []
    assert watched.coverage("a") == "opening"


async def test_silence_beyond_two_heartbeats_reopens_with_a_gap(exchange: Any, make: Any) -> None:
    exchange.beat = None
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - exchange.streams[0].at == pytest.approx(91, abs=1)
    await watched.streamed("a")
    assert watched.gaps()[1][1].startswith("reopened: timeout: a stream was silent for 90 s")


@pytest.mark.parametrize("garbage", [b"<html>504 Gateway Time-out</html>", b"<Envelope xmlns='http", b""])
async def test_a_stream_cut_or_spoilt_is_reopened_within_a_second_with_a_gap(
    exchange: Any, make: Any, garbage: bytes
) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    stream = exchange.live[0]
    if garbage:
        stream.send(garbage)
    stream.cut()
    broken = time()
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - broken <= 1.1
    await watched.streamed("a")
    assert len(watched.gaps()) == 2
    assert watched.watcher.counters.interrupted == 1


async def test_a_named_bad_id_is_renewed_and_the_rest_reopened_at_once(exchange: Any, make: Any) -> None:
    watched = make()
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


async def test_an_empty_list_of_bad_ids_is_no_error(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    exchange.live[0].refuse("NoError", status="OK", inside="<m:ErrorSubscriptionIds/>")
    await asyncio.sleep(100)
    assert len(exchange.streams) == 1


async def test_bad_ids_without_a_code_count_as_named(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    exchange.live[0].refuse("NoError", "sub-1", status="OK")
    await exchange.until(lambda: len(exchange.subscribes) == 3)
    assert exchange.subscribes[2] == "a@acme.test"


async def test_an_unnamed_bad_id_is_found_and_only_it_is_renewed(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe(*(f"u{number}" for number in range(20)))
    await watched.streamed("u0", "u19")
    await asyncio.sleep(100)

    def opened(stream: Any) -> None:
        if "sub-8" in stream.ids:
            stream.refuse("ErrorInvalidSubscription")
        else:
            stream.heartbeat()

    exchange.opened = opened
    exchange.live[0].refuse("ErrorInvalidSubscription")
    await exchange.until(lambda: len(exchange.subscribes) == 21)
    assert exchange.subscribes[20] == "u7@acme.test"
    await watched.streamed(*(f"u{number}" for number in range(20)))
    assert len(exchange.live) == 1
    assert len(exchange.live[0].ids) == 20


async def test_a_restarted_server_that_knows_no_id_gets_them_all_anew(exchange: Any, make: Any) -> None:
    names = [f"u{number}" for number in range(30)]
    watched = make()
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


async def test_a_failover_that_names_nobody_renews_all_without_asking_for_each(exchange: Any, make: Any) -> None:
    names = [f"u{number}" for number in range(100)]
    watched = make()
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


@pytest.mark.parametrize("code", ["ErrorInternalServerError", "ErrorMailboxFailover"])
async def test_a_transient_refusal_is_waited_for_before_anybody_is_suspected(
    exchange: Any, make: Any, code: str
) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    exchange.opened = lambda stream: stream.refuse(code) if len(exchange.streams) < 4 else stream.heartbeat()
    exchange.live[0].refuse(code)
    await asyncio.sleep(0.1)
    await watched.streamed("a", "b")
    assert len(exchange.subscribes) == 2
    assert watched.gaps()[1] == ({"a", "b"}, f"reopened: {code}")


async def owner_bound(exchange: Any) -> None:
    """Let only the impersonated owner read a subscription."""

    def opened(stream: Any) -> None:
        foreign = [name for name in stream.ids if exchange.known.get(name) != stream.impersonated]
        if foreign:
            stream.refuse("ErrorInvalidSubscription", *foreign)
        else:
            stream.heartbeat()

    exchange.opened = opened


async def test_an_owner_bound_server_is_recognized_and_each_mailbox_gets_its_own_stream(
    exchange: Any, make: Any
) -> None:
    await owner_bound(exchange)
    watched = make()
    names = [f"u{number}" for number in range(10)]
    await watched.subscribe(*names)
    await watched.streamed(*names, limit=20)
    assert watched.watcher.owner_bound
    assert len(exchange.live) == 10
    assert Counter(exchange.subscribes) == {"u0@acme.test": 1} | {f"{name}@acme.test": 2 for name in names[1:]}
    asked = len(exchange.streams)
    await watched.subscribe("late")
    await watched.streamed("late", limit=5)
    assert len(exchange.streams) == asked + 1
    assert exchange.live[-1].impersonated == "late@acme.test"
    exchange.live[-1].notify(exchange.live[-1].ids[0])
    await exchange.until(lambda: watched.signals[-1][1] == MailboxChanged(mailbox="late@acme.test"))


async def test_on_an_owner_bound_server_a_lost_subscription_is_renewed_in_its_own_stream(
    exchange: Any, make: Any
) -> None:
    await owner_bound(exchange)
    watched = make()
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


async def test_without_impersonation_nobody_gets_a_stream_of_its_own(exchange: Any, make: Any) -> None:
    exchange.opened = lambda stream: stream.refuse("ErrorInvalidSubscription", *stream.ids[1:])
    watched = make(impersonation=False)
    await watched.subscribe("a", "b", "c", "d")
    await asyncio.sleep(600)
    assert not watched.watcher.owner_bound
    assert watched.watcher.counters.owner_bound == 0
    assert len(exchange.subscribes) < 60


async def test_beyond_the_connection_limit_mailboxes_wait_a_minute_and_are_shown_so(exchange: Any, make: Any) -> None:
    def opened(stream: Any) -> None:
        if len(exchange.live) > 2:
            stream.refuse("ErrorExceededConnectionCount")
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = make(group_size=2)
    await watched.subscribe("a", "b", "c", "d", "e", "f")
    await exchange.until(lambda: watched.coverage("e") == "waiting")
    assert watched.watcher.streams()[2].state == "waiting"
    assert watched.coverage("a") == "streamed"
    await asyncio.sleep(59)
    assert len(exchange.streams) == 3
    await asyncio.sleep(20)
    assert len(exchange.streams) == 4
    assert [stream.impersonated for stream in exchange.streams[2:]] == ["e@acme.test", "f@acme.test"]
    await watched.watcher.forget("a@acme.test")
    await watched.watcher.forget("b@acme.test")
    await watched.streamed("e", "f")


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(exchange: Any, make: Any) -> None:
    hint = '<m:MessageXml><t:Value Name="BackOffMilliseconds">40000</t:Value></m:MessageXml>'

    def opened(stream: Any) -> None:
        if len(exchange.streams) == 1:
            stream.refuse("ErrorServerBusy", inside=hint)
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    assert 40 <= exchange.streams[1].at - exchange.streams[0].at <= 51


async def test_an_anchor_that_may_not_be_impersonated_gives_way_to_the_next(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    await asyncio.sleep(100)

    def opened(stream: Any) -> None:
        if stream.impersonated == "a@acme.test":
            stream.refuse("ErrorImpersonateUserDenied")
        else:
            stream.heartbeat()

    exchange.opened = opened
    exchange.refusals["a@acme.test"] = refused_with("ErrorImpersonateUserDenied")
    exchange.live[0].cut()
    await exchange.until(lambda: watched.coverage("a") is None)
    await watched.streamed("b", "c")
    assert [signal for _, signal in watched.signals if isinstance(signal, Lost)] == [
        Lost(mailbox="a@acme.test", code="ErrorImpersonateUserDenied")
    ]
    assert exchange.live[0].headers["X-AnchorMailbox"] == "b@acme.test"
    assert exchange.live[0].headers["Cookie"] == exchange.streams[0].headers["Cookie"]


def refused_with(code: str) -> bytes:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode>a:{code}</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    return f"HTTP/1.1 500 x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


HTTP_403 = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
HTTP_401 = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
HTTP_503 = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"


async def lose_one(exchange: Any, watched: Watched, refusal: bytes) -> None:
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    exchange.refusals["b@acme.test"] = refusal
    name = exchange.ids_of("b@acme.test")[0]
    del exchange.known[name]
    exchange.live[0].refuse("ErrorSubscriptionNotFound", name)
    await exchange.until(lambda: watched.coverage("b") != "streamed")


async def test_a_mailbox_closed_to_ews_is_lost_alone(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, HTTP_403)
    await exchange.until(lambda: watched.coverage("b") is None)
    assert watched.signals[-1][1] == Lost(mailbox="b@acme.test", code="EwsAuthenticationError")
    await watched.streamed("a")


async def test_refused_credentials_lose_nobody(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, HTTP_401)
    await asyncio.sleep(30)
    assert watched.coverage("b") == "renewing"
    assert watched.client.refused is not None
    exchange.refusals.clear()
    await watched.streamed("a", "b", limit=400)


async def test_a_renewal_that_fails_for_now_is_tried_again_with_the_servers_patience(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, HTTP_503)
    await asyncio.sleep(60)
    assert watched.coverage("b") == "renewing"
    assert 3 <= exchange.subscribes.count("b@acme.test") <= 8
    exchange.refusals.clear()
    await watched.streamed("a", "b")
    assert not [signal for _, signal in watched.signals if isinstance(signal, Lost)]


async def test_a_renewal_that_finds_no_mailbox_is_lost_by_its_code(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, refused_with("ErrorNonExistentMailbox"))
    await exchange.until(lambda: watched.coverage("b") is None)
    assert Lost(mailbox="b@acme.test", code="ErrorNonExistentMailbox") in [signal for _, signal in watched.signals]
    await watched.streamed("a")


async def test_subscribing_sends_one_request_and_a_refusal_is_the_callers(exchange: Any, make: Any) -> None:
    watched = make()
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


async def test_a_forgotten_mailbox_is_unsubscribed_and_leaves_its_stream(exchange: Any, make: Any) -> None:
    watched = make()
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


async def test_a_server_that_calls_a_leaver_bad_disturbs_nobody_for_long(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await watched.watcher.forget("a@acme.test")
    exchange.live[0].refuse("ErrorInvalidSubscription", "sub-1")
    left = time()
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - left < 0.2
    assert len(exchange.subscribes) == 2


async def test_forgetting_one_that_is_being_renewed_ends_the_renewal(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, HTTP_503)
    assert watched.coverage("b") == "renewing"
    await watched.watcher.forget("b@acme.test")
    exchange.refusals.clear()
    tried = exchange.subscribes.count("b@acme.test")
    await asyncio.sleep(600)
    assert exchange.subscribes.count("b@acme.test") == tried


async def test_forgetting_is_bounded_by_five_seconds(exchange: Any, make: Any) -> None:
    exchange.hold = asyncio.Event()
    watched = make()
    await watched.subscribe("a")
    began = time()
    await watched.watcher.forget("a@acme.test")
    assert time() - began == pytest.approx(5, abs=0.1)


async def test_closing_ends_the_streams_and_then_unsubscribes(exchange: Any, make: Any) -> None:
    watched = make()
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


async def test_closing_takes_no_longer_than_its_limit_and_counts_what_is_left(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    exchange.hold = asyncio.Event()
    began = time()
    assert await watched.watcher.close(2) == CloseReport(unsubscribed=0, left=3)
    assert time() - began == pytest.approx(2, abs=0.1)


async def test_closing_counts_those_that_the_server_had_forgotten_as_gone(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation == "Unsubscribe":
            gone = "sub-1" in request.body
            return refused_with("ErrorSubscriptionNotFound" if gone else "ErrorInternalServerError")
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    assert await watched.watcher.close() == CloseReport(unsubscribed=1, left=1)


async def test_a_cancel_at_any_point_leaves_no_connection_open(exchange: Any) -> None:
    for delay in (0.0, 0.3, 0.5, 0.501, 0.6, 3.0, 46.0, 200.0, 200.2, 203.0):
        watched = Watched(exchange)
        watched.start()
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


async def test_a_watcher_that_is_run_again_goes_on_where_it_was(exchange: Any, make: Any) -> None:
    watched = make()
    await lose_one(exchange, watched, HTTP_503)
    assert watched.running is not None
    watched.running.cancel()
    await asyncio.wait([watched.running])
    assert (watched.coverage("a"), watched.coverage("b")) == ("opening", "renewing")
    exchange.refusals.clear()
    watched.start()
    await watched.streamed("a", "b")
    assert ({"a"}, "reopened: stopped") in watched.gaps()


async def test_a_back_end_that_is_gone_is_not_asked_for_by_its_cookie_again(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    await asyncio.sleep(100)
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation == "GetStreamingEvents" and "Cookie" in request.headers:
            return b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    exchange.live[0].cut()
    await exchange.until(lambda: len(exchange.streams) == 2, 20)
    assert "Cookie" not in exchange.streams[1].headers


async def test_an_anchor_whose_mailbox_is_closed_to_ews_gives_way(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation != "Unsubscribe" and "a@acme.test" in request.body:
            return HTTP_403
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    exchange.live[0].cut()
    await exchange.until(lambda: watched.coverage("a") is None, 20)
    await watched.streamed("b")
    assert watched.client.refused is None


async def test_wrong_credentials_on_a_stream_are_waited_out(exchange: Any, make: Any) -> None:
    watched = make()
    await watched.subscribe("a")
    await watched.streamed("a")
    serve = exchange.script
    exchange.script = lambda _: asyncio.sleep(0, HTTP_401)
    asked = len(exchange.requests)
    exchange.live[0].cut()
    await asyncio.sleep(50)
    assert len(exchange.requests) == asked + 1
    assert watched.coverage("a") == "opening"
    exchange.script = serve
    await watched.streamed("a", limit=60)


async def test_while_suspects_are_sought_a_busy_or_broken_server_is_not_pressed(exchange: Any, make: Any) -> None:
    answers = iter(["ErrorSubscriptionNotFound", "ErrorExceededConnectionCount"])

    def opened(stream: Any) -> None:
        code = next(answers, None)
        if code is None:
            stream.heartbeat()
        else:
            stream.refuse(code)

    watched = make()
    await watched.subscribe("a", "b", "c", "d")
    await watched.streamed("a", "b", "c", "d")
    await asyncio.sleep(100)
    exchange.opened = opened
    exchange.live[0].cut()
    await exchange.until(lambda: len(exchange.subscribes) == 8)
    await watched.streamed("a", "b", "c", "d")
    assert len(exchange.streams) <= 5


@pytest.mark.parametrize("how", ["cut", "fault", "busy"])
async def test_a_probe_that_ends_in_another_way(exchange: Any, make: Any, how: str) -> None:
    watched = make()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    serve = exchange.script
    probes = 0

    async def script(request: Any) -> bytes | None:
        nonlocal probes
        if request.operation == "GetStreamingEvents" and len(request.all("SubscriptionId")) == 1 and probes < 2:
            probes += 1
            if how == "cut":
                return None
            return refused_with("ErrorSubscriptionNotFound" if how == "fault" else "ErrorServerBusy")
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    exchange.live[0].refuse("ErrorSubscriptionNotFound")
    opened = exchange.opened
    dead = set(exchange.known) if how != "cut" else set()
    exchange.opened = lambda stream: (
        stream.refuse("ErrorSubscriptionNotFound")
        if dead & set(stream.ids) or (not dead and probes < 2)
        else opened(stream)
    )
    await exchange.until(lambda: probes, 10)
    await watched.streamed("a", "b")
    assert len(exchange.subscribes) == (2 if how == "cut" else 4)


async def test_mailboxes_of_different_keys_do_not_share_a_stream(exchange: Any, make: Any) -> None:
    watched = make(group_key=lambda mailbox: mailbox.address[0])
    await watched.subscribe("paris1", "lyon1", "paris2", "lyon2")
    await watched.streamed("paris1", "paris2", "lyon1", "lyon2")
    assert [[exchange.known[name] for name in stream.ids] for stream in exchange.streams] == [
        ["paris1@acme.test", "paris2@acme.test"],
        ["lyon1@acme.test", "lyon2@acme.test"],
    ]


async def test_a_thousand_newcomers_within_a_minute_cause_few_reopenings(exchange: Any, make: Any) -> None:
    watched = make()
    for number in range(1000):
        await watched.subscribe(f"u{number}")
        await asyncio.sleep(0.06)
    await watched.streamed(*(f"u{number}" for number in range(1000)))
    assert len(exchange.streams) <= 15
    assert len(exchange.live) == 5
