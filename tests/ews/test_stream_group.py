import asyncio
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.model import Gap, Lost, MailboxChanged


def time() -> float:
    return asyncio.get_running_loop().time()


def refused_with(code: str) -> bytes:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode>a:{code}</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    return f"HTTP/1.1 500 x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


HTTP_403 = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
HTTP_401 = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"


async def test_a_gap_is_told_after_the_stream_is_confirmed_and_a_change_at_once(exchange: Any, watching: Any) -> None:
    exchange.opened = lambda _: None
    watched = watching()
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


async def test_a_group_opens_half_a_second_after_its_last_join_but_at_once_when_full(
    exchange: Any, watching: Any
) -> None:
    watched = watching(group_size=3)
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


async def test_newcomers_that_never_cease_do_not_keep_the_first_waiting(exchange: Any, watching: Any) -> None:
    watched = watching()
    for number in range(70):
        await watched.subscribe(f"u{number}")
        await asyncio.sleep(0.4)
    assert exchange.streams[0].at == pytest.approx(20, abs=0.5)


async def test_a_newcomer_reopens_its_group_at_most_every_five_seconds_the_old_request_closed_first(
    exchange: Any, watching: Any
) -> None:
    watched = watching()
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


async def test_an_orderly_end_and_a_prompt_reopening_is_no_gap(exchange: Any, watching: Any) -> None:
    watched = watching()
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


async def test_an_orderly_end_with_a_late_reopening_is_a_gap(exchange: Any, watching: Any) -> None:
    watched = watching()
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


async def test_a_server_that_ends_each_stream_at_once_is_not_asked_in_a_tight_loop(
    exchange: Any, watching: Any
) -> None:
    def opened(stream: Any) -> None:
        stream.heartbeat()
        stream.close_in_order()

    exchange.opened = opened
    watched = watching()
    await watched.subscribe("a")
    await asyncio.sleep(300)
    assert 8 <= len(exchange.streams) <= 25


async def test_an_end_without_a_beginning_is_no_confirmation(exchange: Any, watching: Any) -> None:
    exchange.opened = lambda stream: stream.close_in_order()
    watched = watching()
    await watched.subscribe("a")
    await asyncio.sleep(5)
    assert watched.signals == []
    assert watched.coverage("a") == "opening"


async def test_silence_beyond_two_heartbeats_reopens_with_a_gap(exchange: Any, watching: Any) -> None:
    exchange.beat = None
    watched = watching()
    await watched.subscribe("a")
    await watched.streamed("a")
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - exchange.streams[0].at == pytest.approx(91, abs=1)
    await watched.streamed("a")
    assert watched.gaps()[1][1].startswith("reopened: timeout: a stream was silent for 90 s")


@pytest.mark.parametrize("garbage", [b"<html>504 Gateway Time-out</html>", b"<Envelope xmlns='http", b""])
async def test_a_stream_cut_or_spoilt_is_reopened_within_a_second_with_a_gap(
    exchange: Any, watching: Any, garbage: bytes
) -> None:
    watched = watching()
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


async def test_an_empty_list_of_bad_ids_is_no_error(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a")
    await watched.streamed("a")
    exchange.live[0].refuse("NoError", status="OK", inside="<m:ErrorSubscriptionIds/>")
    await asyncio.sleep(100)
    assert len(exchange.streams) == 1


async def test_bad_ids_without_a_code_count_as_named(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    exchange.live[0].refuse("NoError", "sub-1", status="OK")
    await exchange.until(lambda: len(exchange.subscribes) == 3)
    assert exchange.subscribes[2] == "a@acme.test"


async def test_an_unnamed_bad_id_is_found_and_only_it_is_renewed(exchange: Any, watching: Any) -> None:
    watched = watching()
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


@pytest.mark.parametrize("code", ["ErrorInternalServerError", "ErrorMailboxFailover"])
async def test_a_transient_refusal_is_waited_for_before_anybody_is_suspected(
    exchange: Any, watching: Any, code: str
) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    exchange.opened = lambda stream: stream.refuse(code) if len(exchange.streams) < 4 else stream.heartbeat()
    exchange.live[0].refuse(code)
    await asyncio.sleep(0.1)
    await watched.streamed("a", "b")
    assert len(exchange.subscribes) == 2
    assert watched.gaps()[1] == ({"a", "b"}, f"reopened: {code}")


async def test_beyond_the_connection_limit_mailboxes_wait_a_minute_once_each_anchor_was_refused_and_are_shown_so(
    exchange: Any, watching: Any
) -> None:
    def opened(stream: Any) -> None:
        if len(exchange.live) > 2:
            stream.refuse("ErrorExceededConnectionCount")
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = watching(group_size=2)
    await watched.subscribe("a", "b", "c", "d", "e", "f")
    await exchange.until(lambda: watched.coverage("e") == "waiting")
    assert watched.watcher.streams()[2].state == "waiting"
    assert watched.coverage("a") == "streamed"
    await asyncio.sleep(59)
    assert [stream.impersonated for stream in exchange.streams[2:]] == ["e@acme.test", "f@acme.test"]
    await asyncio.sleep(20)
    assert [stream.impersonated for stream in exchange.streams[4:]] == ["e@acme.test"]
    await watched.watcher.forget("a@acme.test")
    await watched.watcher.forget("b@acme.test")
    await watched.streamed("e", "f")


async def test_streams_that_were_cut_and_count_on_keep_nobody_waiting_while_another_can_pay(
    exchange: Any, watching: Any
) -> None:
    """Each mailbox has one stream to itself, and one that was cut counts for it for an hour."""
    counted: list[str] = []

    def opened(stream: Any) -> None:
        if stream.impersonated in counted:
            stream.refuse("ErrorExceededConnectionCount")
        else:
            counted.append(stream.impersonated)
            stream.heartbeat()

    exchange.opened = opened
    watched = watching()
    await watched.subscribe(*"abcde")
    await watched.streamed(*"abcde")
    for _ in range(3):
        await asyncio.sleep(30)
        exchange.live[0].cut()
        await exchange.until(lambda: watched.coverage("a") != "streamed")
        await watched.streamed(*"abcde", limit=3)
    assert counted == [f"{name}@acme.test" for name in "abcd"]
    exchange.live[0].cut()
    counted.append("e@acme.test")  # by another program
    counted.remove("b@acme.test")
    await exchange.until(lambda: watched.coverage("a") != "streamed")
    await watched.streamed(*"abcde", limit=10)
    assert exchange.live[0].impersonated == "b@acme.test"


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(exchange: Any, watching: Any) -> None:
    hint = '<m:MessageXml><t:Value Name="BackOffMilliseconds">40000</t:Value></m:MessageXml>'

    def opened(stream: Any) -> None:
        if len(exchange.streams) == 1:
            stream.refuse("ErrorServerBusy", inside=hint)
        else:
            stream.heartbeat()

    exchange.opened = opened
    watched = watching()
    await watched.subscribe("a")
    await watched.streamed("a")
    assert 40 <= exchange.streams[1].at - exchange.streams[0].at <= 51


async def test_an_anchor_that_may_not_be_impersonated_gives_way_to_the_next(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b", "c")
    await watched.streamed("a", "b", "c")
    await asyncio.sleep(100)

    def opened(stream: Any) -> None:
        if stream.impersonated == "b@acme.test":
            stream.refuse("ErrorImpersonateUserDenied")
        else:
            stream.heartbeat()

    exchange.opened = opened
    exchange.refusals["b@acme.test"] = refused_with("ErrorImpersonateUserDenied")
    exchange.live[0].cut()
    await exchange.until(lambda: watched.coverage("b") is None)
    await watched.streamed("a", "c")
    assert [signal for _, signal in watched.signals if isinstance(signal, Lost)] == [
        Lost(mailbox="b@acme.test", code="ErrorImpersonateUserDenied")
    ]
    assert exchange.live[0].headers["X-AnchorMailbox"] == "a@acme.test"
    assert exchange.live[0].headers["Cookie"] == exchange.streams[0].headers["Cookie"]


async def test_a_server_that_calls_a_leaver_bad_disturbs_nobody_for_long(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await watched.watcher.forget("a@acme.test")
    exchange.live[0].refuse("ErrorInvalidSubscription", "sub-1")
    left = time()
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - left < 0.2
    assert len(exchange.subscribes) == 2


async def test_a_back_end_that_is_gone_is_not_asked_for_by_its_cookie_again(exchange: Any, watching: Any) -> None:
    watched = watching()
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


async def test_an_anchor_whose_mailbox_is_closed_to_ews_gives_way(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    serve = exchange.script

    async def script(request: Any) -> bytes | None:
        if request.operation != "Unsubscribe" and "b@acme.test" in request.body:
            return HTTP_403
        return await serve(request)  # type: ignore[no-any-return]  # the fixture's own

    exchange.script = script
    exchange.live[0].cut()
    await exchange.until(lambda: watched.coverage("b") is None, 20)
    await watched.streamed("a")
    assert watched.client.refused is None


async def test_wrong_credentials_on_a_stream_are_waited_out(exchange: Any, watching: Any) -> None:
    watched = watching()
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


async def test_an_account_that_is_closed_to_ews_suspects_no_anchor(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    exchange.script = lambda _: asyncio.sleep(0, HTTP_403)
    with pytest.raises(EwsAuthenticationError):
        await watched.client.call(Unsubscribe(subscription_id="x"))
    exchange.live[0].cut()
    await asyncio.sleep(20)
    assert [watched.coverage(name) for name in "ab"] == ["opening", "opening"]


async def test_while_suspects_are_sought_a_busy_or_broken_server_is_not_pressed(exchange: Any, watching: Any) -> None:
    answers = iter(["ErrorSubscriptionNotFound", "ErrorExceededConnectionCount"])

    def opened(stream: Any) -> None:
        code = next(answers, None)
        if code is None:
            stream.heartbeat()
        else:
            stream.refuse(code)

    watched = watching()
    await watched.subscribe("a", "b", "c", "d")
    await watched.streamed("a", "b", "c", "d")
    await asyncio.sleep(100)
    exchange.opened = opened
    exchange.live[0].cut()
    await exchange.until(lambda: len(exchange.subscribes) == 8)
    await watched.streamed("a", "b", "c", "d")
    assert len(exchange.streams) <= 5


@pytest.mark.parametrize("how", ["cut", "fault", "busy"])
async def test_a_probe_that_ends_in_another_way(exchange: Any, watching: Any, how: str) -> None:
    watched = watching()
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


async def test_a_balancer_that_ends_streams_without_a_word_costs_a_gap_and_no_wait(
    exchange: Any, watching: Any
) -> None:
    watched = watching()
    await watched.subscribe("a")
    await watched.streamed("a")
    await asyncio.sleep(40)
    exchange.live[0].end_without_closed()
    ended = time()
    await exchange.until(lambda: len(exchange.streams) == 2)
    assert exchange.streams[1].at - ended < 0.2
    await watched.streamed("a")
    assert watched.gaps()[1:] == [({"a"}, "reopened: cut")]


async def test_one_who_joins_while_the_stream_opens_waits_for_the_next(exchange: Any, watching: Any) -> None:
    exchange.opened = lambda _: None
    watched = watching()
    await watched.subscribe("a")
    await exchange.until(lambda: exchange.streams)
    await watched.subscribe("b")
    await asyncio.sleep(10)
    assert len(exchange.streams) == 1  # a slow server is not interrupted before it has answered
    exchange.opened = exchange.accept
    exchange.live[0].heartbeat()
    await watched.streamed("a", "b", limit=2)


async def test_a_probe_that_ends_without_a_word_is_no_acceptance(exchange: Any, watching: Any) -> None:
    watched = watching()
    await watched.subscribe("a", "b")
    await watched.streamed("a", "b")
    await asyncio.sleep(100)
    dead = set(exchange.known)

    def opened(stream: Any) -> None:
        if not dead & set(stream.ids):
            stream.heartbeat()
        elif len(stream.ids) == 1:
            stream.end_without_closed()
        else:
            stream.refuse("ErrorSubscriptionNotFound")

    exchange.opened = opened
    exchange.live[0].refuse("ErrorSubscriptionNotFound")
    await exchange.until(lambda: len(exchange.subscribes) == 4, 30)
    await watched.streamed("a", "b")


class Fickle:
    """An Exchange that fails in every way it knows, and remembers when each mailbox last changed."""

    def __init__(self, exchange: Any, seed: int) -> None:
        self.exchange = exchange
        self.random = Random(seed)
        self.changed: dict[str, float] = {}
        self.orderly: dict[str, float] = {}  # ids whose stream has ended in order, and when
        self.queued: set[str] = set()  # of these, those with events that wait for the next stream
        self.calm = False
        exchange.opened = self.opened

    def opened(self, stream: Any) -> None:
        chance = 1.0 if self.calm else self.random.random()
        unknown = [name for name in stream.ids if name not in self.exchange.known]
        if unknown and chance > 0.2:
            stream.refuse("ErrorSubscriptionNotFound", *unknown)
        elif unknown:
            stream.refuse("ErrorInvalidSubscription")
        elif chance < 0.1:
            stream.refuse(self.random.choice(["ErrorInternalServerError", "ErrorExceededConnectionCount"]))
        elif chance < 0.15:
            stream.cut()
        elif chance > 0.18:  # else: silence
            stream.heartbeat()
            waiting = self.queued & set(stream.ids)
            if waiting:
                stream.notify(*sorted(waiting))
        for name in stream.ids:
            self.orderly.pop(name, None)
            self.queued.discard(name)

    def step(self) -> None:
        known = sorted(self.exchange.known)
        for name in self.random.sample(known, 3):
            self.change(self.exchange.known[name])
        for stream in self.exchange.live:
            if self.random.random() < 0.1:
                self.spoil(stream)
        if self.random.random() < 0.02:
            self.exchange.known.pop(self.random.choice(known), None)
            if self.random.random() < 0.2:
                self.exchange.known.clear()

    def change(self, mailbox: str) -> None:
        """Notify all its subscriptions; where nobody reads one, the event is kept after an orderly end only."""
        self.changed[mailbox] = time()
        for name in self.exchange.ids_of(mailbox):
            streams = [stream for stream in self.exchange.live if name in stream.ids and not stream.ended.is_set()]
            for stream in streams:
                stream.notify(name)
            if not streams and time() - self.orderly.get(name, -100) < 10:
                self.queued.add(name)

    def spoil(self, stream: Any) -> None:
        what = self.random.randrange(5)
        if what == 0:
            stream.close_in_order()
            self.orderly |= dict.fromkeys(stream.ids, time())
        elif what == 1:
            stream.cut()
        elif what == 2:
            stream.send(b"<html>504</html>")
            stream.cut()
        elif what == 3:
            bad = self.random.choice(stream.ids)
            self.exchange.known.pop(bad, None)
            stream.refuse("ErrorReadEventsFailed", bad, status="OK")
        else:
            stream.refuse("ErrorMailboxFailover")


@pytest.mark.parametrize("seed", range(8))
async def test_no_change_is_lost_by_a_server_that_fails_in_every_way(exchange: Any, watching: Any, seed: int) -> None:
    """At rest everybody is streamed, and each mailbox was told of by a change or a gap since it changed last."""
    names = [f"u{number}" for number in range(30)]
    watched = watching(group_size=10)
    await watched.subscribe(*names)
    await watched.streamed(*names)
    server = Fickle(exchange, seed)
    for _ in range(400):
        if len(exchange.known) >= 3:
            server.step()
        await asyncio.sleep(server.random.uniform(0, 20))
    server.calm = True
    await watched.streamed(*names, limit=1000)
    await asyncio.sleep(400)
    assert all(watched.coverage(name) == "streamed" for name in names)
    told: dict[str, float] = {}
    for at, signal in watched.signals:
        if isinstance(signal, Gap | MailboxChanged):
            for mailbox in signal.mailboxes if isinstance(signal, Gap) else (signal.mailbox,):
                told[mailbox] = at
    assert {mailbox for mailbox, at in server.changed.items() if told[mailbox] < at - 0.001} == set()
    assert not watched.watcher.owner_bound.server or len(exchange.live) == len(watched.watcher.streams())
