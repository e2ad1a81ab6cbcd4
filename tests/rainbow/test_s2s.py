"""The life of an S2S link against a Rainbow of literal JSON, and what it believes of callbacks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.s2s import S2sLink
from rainbow_exchange.rainbow.types import Question
from tests.link_rig import until
from tests.ports import free_port
from tests.rainbow.conftest import LOGGED_IN, Cloud, Seen, fault, free, now, reply

PATH = "ucs/v1.0/connections"


class Ucs:
    """Rainbow's half of S2S, on the tests' own server; `ready` is how "ready" is called back."""

    def __init__(self, cloud: Cloud, session: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.session = session
        self.numbers = count(1)
        self.there: dict[str, str] = {}
        self.calls: list[str] = []
        self.answers: list[dict[str, Any]] = []
        self.refusals: list[Any] = []
        self.ready = "after"
        self.once: Any = None
        self.tasks: set[asyncio.Task[Any]] = set()
        cloud.on(PATH, self._all)
        for number in range(1, 20):
            for path in ("", "/presences", "/calendar/events", "/calendar/autoreply"):
                cloud.on(f"{PATH}/cnx-{number}{path}", self._one)
        cloud.on(f"{PATH}/stale", self._one)

    @property
    def newest(self) -> str:
        return next(reversed(self.there))

    async def call(self, name: str, said: Any, *, id_: str = "", **more: Any) -> int:
        """Call back on the newest connection."""
        body = {"id": id_ or self.newest, "timestamp": "2026-01-05T08:00:00.000001Z", "userId": LOGGED_IN["id"]}
        return await self.post(f"{self.there[self.newest]}/{name}", body | {name: said} | more)

    async def post(self, url: str, body: Any) -> int:
        async with self.session.post(url, json=body) as answer:
            assert await answer.read() == b""
            return answer.status

    async def ask(self, request_id: str, **more: Any) -> int:
        return await self.call("calendar-events", {"request_id": request_id, "email": "bob@acme.test"}, **more)

    def answered(self) -> list[str]:
        return [next(iter(answer.values()))["request_id"] for answer in self.answers]

    def began(self, call: Any) -> None:
        task = asyncio.get_running_loop().create_task(call)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _all(self, seen: Seen) -> Any:
        self.calls.append(seen.method)
        if seen.method == "GET":
            return reply({"data": [{"id": id_, "callback_url": url} for id_, url in self.there.items()]})
        id_, url = f"cnx-{next(self.numbers)}", json.loads(seen.body)["connection"]["callback_url"]
        self.there[id_] = url
        if self.ready == "before":
            assert await self.call("connection", {"state": "ready"}) == 200
        elif self.ready == "after":
            self.began(self.call("connection", {"state": "ready"}))
        return reply({"data": {"id": id_, "callback_url": url}}, 201)

    def _one(self, seen: Seen) -> Any:
        id_, _, rest = seen.path.partition(f"{PATH}/")[2].partition("/")
        self.calls.append(f"{seen.method} {id_}{'/' * bool(rest)}{rest}")
        if self.once is not None and seen.method == "HEAD":
            once, self.once = self.once, None
            return once
        if rest.startswith("calendar") and self.refusals:
            return self.refusals.pop(0)
        if id_ not in self.there:
            return fault(404, 404000, "Resource not found")
        if seen.method == "DELETE":
            del self.there[id_]
            return reply({}, 204)
        if rest.startswith("calendar"):
            self.answers.append(json.loads(seen.body))
        return reply({"data": {"id": id_, "callback_url": self.there[id_]}}, 202 if rest else 200)


@pytest_asyncio.fixture
async def ucs(cloud: Cloud) -> AsyncIterator[Ucs]:
    async with aiohttp.ClientSession() as session:
        made = Ucs(cloud, session)
        yield made
        await asyncio.gather(*made.tasks)


class Linked:
    """A link at work, and what it told."""

    def __init__(self, link: S2sLink, told: list[str]) -> None:
        self.link = link
        self.told = told
        self.task = asyncio.get_running_loop().create_task(link.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest_asyncio.fixture
async def run(make_client: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Run links until the end of the test; with `up` false it is not waited for that they are connected."""
    made: list[Linked] = []

    async def start(*, up: bool = True, **changes: Any) -> Linked:
        port, told, numbers = free_port(), [], count(1)
        settings: dict[str, Any] = {
            "client": await make_client(),
            "callback_url": f"http://127.0.0.1:{port}/base/",
            "host": "127.0.0.1",
            "port": port,
            "answer": free,
            "now": now,
            "random": lambda: 1.0,
            "segment": lambda: f"secret-{next(numbers)}",
            "on_connected": lambda: told.append("connected"),
            "on_lost": lambda: told.append("lost"),
            "on_forgotten": lambda: told.append("forgotten"),
            "on_company_user": lambda: told.append("users"),
        }
        linked = Linked(S2sLink(**(settings | changes)), told)
        made.append(linked)
        if up:
            await until(lambda: linked.link.connected)
        return linked

    yield start
    for linked in made:
        if not linked.task.done():
            await linked.stop()


async def test_connection_is_made_as_the_sdk_makes_it_but_waits_for_each_answer(ucs: Ucs, run: Any) -> None:
    ucs.there["stale"] = "http://127.0.0.1:1/other"
    linked = await run()
    assert ucs.calls == ["GET", "DELETE stale", "POST", "GET cnx-1", "PUT cnx-1/presences"]
    assert ucs.there["cnx-1"].endswith("/base/secret-1")
    assert linked.told == ["connected"]
    await linked.stop()
    assert ucs.calls[5:] == ["DELETE cnx-1"]
    assert linked.told == ["connected", "lost"]


async def test_ready_may_come_before_rainbow_says_which_connection_it_made(ucs: Ucs, run: Any) -> None:
    ucs.ready = "before"
    linked = await run()
    assert linked.link.callbacks["connection"] == 1


async def test_connection_that_is_never_ready_is_made_again_and_again_with_a_reason(ucs: Ucs, run: Any) -> None:
    ucs.ready = "never"
    linked = await run(up=False)
    await asyncio.sleep(300)
    assert not linked.link.connected
    assert "did not call back at http://127.0.0.1:" in linked.link.reason
    assert "/base/ within 30 s" in linked.link.reason
    assert "secret" not in linked.link.reason
    assert 4 <= ucs.calls.count("POST") <= 7
    assert len(ucs.there) == 1
    ucs.ready = "after"
    await until(lambda: linked.link.connected)
    assert linked.link.reason == ""
    assert linked.told == ["connected"]


@pytest.mark.usefixtures("ucs")
async def test_connection_with_another_address_is_not_trusted(cloud: Cloud, run: Any) -> None:
    cloud.on(f"{PATH}/cnx-1", lambda _: reply({"data": {"id": "cnx-1", "callback_url": "https://evil.test"}}))
    linked = await run(up=False)
    await until(lambda: "at another address" in linked.link.reason)
    assert linked.told == []


@pytest.mark.parametrize("state", ["terminated", "unavailable"])
async def test_connection_that_rainbow_ends_is_made_again_within_seconds(ucs: Ucs, run: Any, state: str) -> None:
    linked = await run()
    await asyncio.sleep(5)
    began = asyncio.get_running_loop().time()
    assert await ucs.call("connection", {"state": state}) == 200
    await until(lambda: linked.told == ["connected", "lost", "connected"])
    assert asyncio.get_running_loop().time() - began < 3
    assert ucs.newest == "cnx-2"


async def test_connection_that_rainbow_has_forgotten_is_found_out_in_half_a_minute(ucs: Ucs, run: Any) -> None:
    linked = await run()
    ucs.there.clear()
    await asyncio.sleep(35)
    assert ucs.newest == "cnx-2"
    assert linked.told == ["connected", "lost", "forgotten", "connected"]


async def test_somebody_who_ended_ours_for_one_of_theirs_is_given_way_for_minutes(ucs: Ucs, run: Any) -> None:
    linked = await run()
    ucs.there.clear()
    ucs.there["stale"] = "https://another.test/callbacks"
    await until(lambda: "another connector" in linked.link.reason)
    assert linked.link.others == 1
    await asyncio.sleep(290)
    assert list(ucs.there) == ["stale"]
    await until(lambda: linked.link.connected, within=60)
    assert list(ucs.there) == ["cnx-2"]
    assert linked.link.others == 0


async def test_wait_for_somebody_else_can_be_cut_short(ucs: Ucs, run: Any) -> None:
    linked = await run()
    ucs.there.clear()
    ucs.there["stale"] = "https://another.test/callbacks"
    await until(lambda: "another connector" in linked.link.reason)
    linked.link.try_again()
    await until(lambda: linked.link.connected, within=5)


async def test_rainbow_that_fails_for_a_while_finds_the_same_connection(ucs: Ucs, cloud: Cloud, run: Any) -> None:
    linked = await run()
    cloud.on(f"{PATH}/cnx-1", lambda _: reply({}, 500))
    await until(lambda: not linked.link.connected)
    assert "http-500" in linked.link.reason
    await asyncio.sleep(100)
    cloud.on(f"{PATH}/cnx-1", ucs._one)
    await until(lambda: linked.link.connected)
    assert linked.told == ["connected", "lost", "connected"]
    assert ucs.newest == "cnx-1"
    assert ucs.calls[-1] == "PUT cnx-1/presences"


async def test_one_failure_is_none(ucs: Ucs, run: Any) -> None:
    linked = await run()
    ucs.once = reply({}, 500)
    await asyncio.sleep(60)
    assert ucs.once is None
    assert linked.told == ["connected"]


async def test_token_that_expired_is_replaced_by_a_login_and_the_connection_stays(
    ucs: Ucs, cloud: Cloud, run: Any
) -> None:
    linked = await run()
    await asyncio.sleep(70)
    ucs.once = fault(401, 401000, "Unauthorized", "jwt expired")
    await asyncio.sleep(60)
    assert cloud.logins == 2
    assert linked.told == ["connected"]
    assert ucs.newest == "cnx-1"


async def test_silence_is_looked_into_with_a_second_connection_before_the_first_is_ended(ucs: Ucs, run: Any) -> None:
    linked = await run()
    await asyncio.sleep(890)
    assert list(ucs.there) == ["cnx-1"]
    await until(lambda: list(ucs.there) == ["cnx-1", "cnx-2"], within=60)
    assert await ucs.ask("q1", id_="cnx-2") == 200
    await until(lambda: list(ucs.there) == ["cnx-2"], within=15)
    assert ucs.answered() == ["q1"]
    assert linked.told == ["connected"], "nobody need know"


async def test_way_that_closed_is_found_out_by_silence(ucs: Ucs, run: Any) -> None:
    linked = await run()
    ucs.ready = "never"
    await asyncio.sleep(900)
    assert linked.link.connected
    await until(lambda: not linked.link.connected, within=100)
    assert "did not call back" in linked.link.reason


async def test_question_that_is_overdue_makes_silence_suspicious_soon_but_not_each_time(ucs: Ucs, run: Any) -> None:
    linked = await run(overdue=lambda: True)
    made = []
    for _ in range(40):
        await asyncio.sleep(30)
        made.append(ucs.calls.count("POST"))
    # after 60, 180, 420 and 900 s, found out at the next look
    assert [made.index(number) for number in (2, 3, 4, 5)] == pytest.approx([2, 6, 14, 30], abs=2)
    assert linked.told == ["connected"]
    await ucs.ask("q1")
    await asyncio.sleep(100)
    assert ucs.calls.count("POST") == made[-1] + 1, "Rainbow does ask: patience is as short as before"


async def test_stop_while_a_connection_is_being_made_leaves_none(ucs: Ucs, cloud: Cloud, run: Any) -> None:
    linked = await run(up=False)

    async def slow(seen: Seen) -> Any:
        made = await ucs._all(seen)
        if seen.method == "POST":
            await asyncio.sleep(5)
        return made

    cloud.on(PATH, slow)
    await until(lambda: bool(ucs.there))
    await linked.stop()
    assert ucs.there == {}


# -- callbacks ----------------------------------------------------------------------------------------------------


async def test_callbacks_that_are_not_for_us_are_counted_and_left_alone(ucs: Ucs, run: Any) -> None:
    linked = await run()
    assert await ucs.ask("q1", id_="cnx-0") == 200
    assert await ucs.ask("q2", userId="5f0000000000000000000099") == 200
    assert await ucs.call("surprise", {}) == 200
    assert await ucs.call("presence", {"from": "5f02", "show": "dnd"}) == 200
    assert await ucs.call("calendar-events", {"email": "bob@acme.test"}) == 200  # nobody to answer
    assert await ucs.post(f"{ucs.there['cnx-1']}/connection", ["no object"]) == 400
    await asyncio.sleep(15)
    assert ucs.answers == []
    seen = linked.link.callbacks
    assert {name: seen[name] for name in ("stale", "foreign", "unknown", "presence", "malformed")} == {
        "stale": 1,
        "foreign": 1,
        "unknown": 1,
        "presence": 1,
        "malformed": 2,
    }
    assert linked.link.connected


async def test_path_is_the_secret(ucs: Ucs, run: Any) -> None:
    linked = await run()
    url = ucs.there["cnx-1"]
    body = {"id": "cnx-1", "calendar-events": {"request_id": "q1", "email": "bob@acme.test"}}
    for wrong in (url[:-1], url + "x", url.rpartition("/")[0], url.rpartition("/")[0] + "//secret-1x"):
        assert await ucs.post(f"{wrong}/calendar-events", body) == 404
    assert linked.link.callbacks["misdirected"] == 4
    stripped = url.replace("/base/", "/")
    assert await ucs.post(f"{stripped}/calendar-events", body) == 200, "a proxy may take the base path away"
    await until(lambda: ucs.answered() == ["q1"])


async def test_path_of_a_connection_that_is_over_is_worth_nothing(ucs: Ucs, run: Any) -> None:
    linked = await run()
    old = ucs.there["cnx-1"]
    await ucs.call("connection", {"state": "terminated"})
    await until(lambda: linked.told == ["connected", "lost", "connected"])
    assert await ucs.post(f"{old}/connection", {"id": "cnx-1", "connection": {"state": "ready"}}) == 404


async def test_question_that_comes_twice_is_answered_once(ucs: Ucs, run: Any) -> None:
    linked = await run()
    for _ in range(3):
        await ucs.ask("q1")
    await ucs.ask("q2")
    await until(lambda: len(ucs.answers) == 2)
    await asyncio.sleep(15)
    assert ucs.answered() == ["q1", "q2"]
    assert linked.link.callbacks["repeated"] == 2
    assert linked.link.counters.questions == 2
    await asyncio.sleep(120)
    await ucs.ask("q1")
    await until(lambda: ucs.answered() == ["q1", "q2", "q1"])  # Rainbow counts anew after a restart, perhaps


async def test_answer_is_posted_until_it_is_taken_and_told_as_sent_then(ucs: Ucs, run: Any) -> None:
    sent: list[float] = []
    loop = asyncio.get_running_loop()

    async def answer(_: Question) -> Answer:
        return Answer(sent=lambda: sent.append(loop.time()))

    await run(answer=answer)
    ucs.refusals += [reply({}, 500), reply({}, 503, Retry_After="3"), fault(429, 429000, "slow", "")]
    ucs.refusals[-1].headers["Retry-After"] = "1"
    began = loop.time()
    await ucs.ask("q1")
    await until(lambda: bool(sent))
    assert ucs.answered() == ["q1"]
    assert 4 <= sent[0] - began <= 10


@pytest.mark.parametrize("refusal", [lambda: reply({}, 500), lambda: fault(400, 400000, "no")])
async def test_answer_that_rainbow_never_takes_is_lost_and_a_new_question_has_a_chance(
    ucs: Ucs, run: Any, refusal: Callable[[], Any]
) -> None:
    sent: list[str] = []

    async def answer(_: Question) -> Answer:
        return Answer(sent=lambda: sent.append("sent"))

    linked = await run(answer=answer)
    ucs.refusals += [refusal() for _ in range(100)]
    await ucs.ask("q1")
    await until(lambda: linked.link.counters.failed == 1, within=10.5)
    await asyncio.sleep(15)
    assert (sent, ucs.answers) == ([], [])
    assert linked.link.connected
    ucs.refusals.clear()
    await ucs.ask("q1")
    await until(lambda: sent == ["sent"])
    assert ucs.answered() == ["q1"]


async def test_answer_that_finds_no_connection_has_it_looked_after_at_once(ucs: Ucs, run: Any) -> None:
    linked = await run()
    await asyncio.sleep(5)
    task = asyncio.create_task(ucs.ask("q1"))
    await task
    url = ucs.there.pop("cnx-1")
    body = {"id": "cnx-1", "calendar-events": {"request_id": "q2", "email": "bob@acme.test"}}
    assert await ucs.post(f"{url}/calendar-events", body) == 200
    await until(lambda: linked.told == ["connected", "lost", "forgotten", "connected"], within=4)


def flood(linked: Any, numbers: range) -> set[int]:
    """Hand over that many questions as the listener does; the statuses of its answers."""
    [connection] = linked.link._desk.connections
    return {
        linked.link._desk._take(
            connection,
            "calendar-events",
            json.dumps(
                {"id": "cnx-1", "calendar-events": {"request_id": f"q{number}", "email": "bob@acme.test"}}
            ).encode(),
        )
        for number in numbers
    }


async def never(_: Question) -> Answer:
    await asyncio.sleep(1_000_000)
    return Answer()


async def test_twenty_thousand_questions_may_wait(ucs: Ucs, run: Any) -> None:
    linked = await run(answer=never, deadline=100_000)
    assert flood(linked, range(20_000)) == {200}
    await until(lambda: linked.link.counters.questions == 20_000)
    assert linked.link.counters.refused == 0
    await ucs.ask("too-much")
    await until(lambda: bool(ucs.answers))
    assert ucs.answers == [{"error": {"request_id": "too-much", "code": 500, "reason": "resource-constraint"}}]
    assert linked.link.counters.overflowed == 1


async def test_of_many_that_wait_for_nothing_the_last_is_refused_in_time(ucs: Ucs, cloud: Cloud, run: Any) -> None:
    async def slow(seen: Seen) -> Any:
        await asyncio.sleep(0.04)  # so that 800 can be posted in a second
        return ucs._one(seen)

    cloud.on(f"{PATH}/cnx-1/calendar/events", slow)
    linked = await run(answer=never)
    assert flood(linked, range(1000)) == {200}
    await until(lambda: len(ucs.answers) == 1000, within=10)
    assert {each["error"]["reason"] for each in ucs.answers} == {"remote-server-timeout"}
    assert (linked.link.counters.refused, linked.link.counters.failed) == (0, 1000)


async def test_answer_that_would_be_too_late_is_not_begun(ucs: Ucs, cloud: Cloud, run: Any) -> None:
    async def silent(_: Seen) -> Any:
        await asyncio.sleep(60)
        return reply({"data": {}}, 202)

    async def empty(_: Question) -> Answer:
        return Answer()

    cloud.on(f"{PATH}/cnx-1/calendar/events", silent)
    linked = await run(answer=empty)
    assert flood(linked, range(100)) == {200}
    await until(lambda: linked.link.counters.failed == 100, within=11)
    assert linked.link._client.counters.transport.requests["s2s_answer"] == 32
    assert ucs.answers == []


async def test_refusal_that_is_never_taken_counts_as_failed(ucs: Ucs, run: Any) -> None:
    async def nobody(_: Question) -> Answer:
        raise QuestionRefused("item-not-found", "cancel")

    linked = await run(answer=nobody)
    ucs.refusals += [reply({}, 500) for _ in range(100)]
    await ucs.ask("q1")
    await until(lambda: linked.link.counters.failed == 1, within=10.5)
    assert linked.link.counters.refused == 0


async def test_question_that_cannot_even_be_refused_is_not_taken(ucs: Ucs, cloud: Cloud, run: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> Any:
        await go.wait()
        return ucs._one(seen)

    cloud.on(f"{PATH}/cnx-1/calendar/events", slow)
    linked = await run(answer=never, max_waiting=1)
    assert flood(linked, range(1001)) == {200}
    await asyncio.sleep(0.1)
    assert await ucs.ask("too-much") == 503
    assert linked.link.callbacks["overrun"] == 1
    go.set()
    await until(lambda: len(ucs.answers) == 1000, within=5)
    assert await ucs.ask("later") == 200


async def test_user_who_comes_or_goes_is_told_of(ucs: Ucs, run: Any) -> None:
    linked = await run()
    await ucs.call("company-user", {"user_id": "5f1", "action": "deleted"})
    await until(lambda: linked.told == ["connected", "users"])


async def test_segments_cannot_be_guessed(ucs: Ucs, make_client: Callable[..., Any]) -> None:
    segments = set()
    for _ in range(3):
        port = free_port()
        linked = Linked(
            S2sLink(
                client=await make_client(),
                callback_url=f"http://127.0.0.1:{port}",
                host="127.0.0.1",
                port=port,
                answer=free,
                now=now,
                random=lambda: 0.5,
            ),
            [],
        )
        await until(lambda: linked.link.connected)  # noqa: B023  (it is waited for here)
        segments.add(ucs.there[ucs.newest].rpartition("/")[2])
        await linked.stop()
    assert len(segments) == 3
    assert {len(segment) for segment in segments} == {43}
