import asyncio
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question

RunLink = Callable[..., Any]
CLOUD = "pcloud_enduser_1@rainbow.test/4711"
EVENT = CalendarEvent(
    id="evt-1",
    subject="R&D <review>",
    type="singleInstance",
    show_as="busy",
    start=datetime(2026, 1, 5, 9, tzinfo=UTC),
    end=datetime(2026, 1, 5, 10, tzinfo=UTC),
)


def question(
    id_: str = "q1", *, kind: str = "events", sender: str = CLOUD, type_: str = "get", email: str = "bob@acme.test"
) -> str:
    return (
        f'<iq xmlns="jabber:client" type="{type_}" id="{id_}" from="{sender}">'
        f'<{kind} xmlns="urn:xmpp:calendar:0" email="{email}"/></iq>'
    )


def memory() -> int:
    """Bytes of this process in memory; 0 where the system does not tell so."""
    told = Path("/proc/self/statm")
    return int(told.read_text(encoding="ascii").split()[1]) * 4096 if told.exists() else 0


async def until(holds: Callable[[], bool], *, limit: float = 60) -> None:
    async with asyncio.timeout(limit):
        while not holds():  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("type_", ["get", "set"])
async def test_events_are_answered(server: Any, run_link: RunLink, type_: str) -> None:
    sent: list[str] = []

    async def answer(_: Question) -> Answer:
        return Answer(events=(EVENT,), sent=lambda: sent.append("sent"))

    life = run_link(answer)
    said = await (await server.visit()).ask(question(type_=type_, email="Bob@acme.test"))
    assert 'type="result"' in said
    assert f'to="{CLOUD}"' in said
    assert 'email="Bob@acme.test"' in said
    assert "<subject>R&amp;D &lt;review&gt;</subject>" in said
    assert life.questions == [Question(kind="events", email="Bob@acme.test")]
    assert sent == ["sent"]
    assert (life.link.counters.questions, life.link.counters.answered) == (1, 1)


async def test_automatic_reply_is_answered(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        return Answer(auto_reply=AutoReply(state="enabled", internal_text="Away"))

    run_link(answer)
    said = await (await server.visit()).ask(question(kind="autoreply"))
    assert 'state="enabled"' in said
    assert "<internalReplyMessage>Away</internalReplyMessage>" in said


async def test_texts_can_be_escaped_twice(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        return Answer(events=(EVENT,))

    run_link(answer, escape_twice=True)
    assert "R&amp;amp;D" in await (await server.visit()).ask(question())


async def test_refusal_is_passed_on(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        raise QuestionRefused("item-not-found", "cancel")

    life = run_link(answer)
    said = await (await server.visit()).ask(question())
    assert re.search(r'<error type="cancel"><item-not-found ', said)
    assert life.link.counters.refused == 1


async def test_refusal_counts_as_sent_only_once_it_has_left(server: Any, run_link: RunLink) -> None:
    sent: list[str] = []

    async def answer(_: Question) -> Answer:
        raise QuestionRefused("item-not-found", "cancel", sent=lambda: sent.append("sent"))

    life = run_link(answer)
    visit = await server.visit()
    await visit.ask(question())
    assert sent == ["sent"]
    assert life.link.counters.refused == 1


async def test_trouble_that_was_expected_is_a_timeout_of_the_remote_server(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        raise RainbowConnectionError("timeout")

    life = run_link(answer)
    said = await (await server.visit()).ask(question())
    assert re.search(r'<error type="wait"><remote-server-timeout ', said)
    assert life.link.counters.failed == 1
    assert life.link.connected


async def test_question_is_answered_within_ten_seconds_whatever_happens(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        await asyncio.sleep(3600)
        return Answer()

    run_link(answer)
    visit = await server.visit()
    began = asyncio.get_running_loop().time()
    said = await visit.ask(question())
    assert 9.5 <= asyncio.get_running_loop().time() - began <= 10
    assert "remote-server-timeout" in said
    await asyncio.sleep(5)
    assert len([frame for frame in visit.frames if 'id="q1"' in frame]) == 1


async def test_answers_leave_in_whatever_order_they_finish(server: Any, run_link: RunLink) -> None:
    async def answer(asked: Question) -> Answer:
        await asyncio.sleep(float(asked.email.partition("@")[0]))
        return Answer()

    run_link(answer)
    visit = await server.visit()
    for seconds in (5, 1, 3):
        await visit.say(question(f"after-{seconds}", email=f"{seconds}@acme.test"))
    await visit.hear('id="after-5"')
    assert re.findall(r'id="after-(\d)"', "".join(visit.frames)) == ["1", "3", "5"]


@pytest.mark.parametrize(
    "asked",
    [
        question(email=""),
        question().replace(' email="bob@acme.test"/>', ' email="a@b"><startDate>soon</startDate></events>'),
    ],
)
async def test_malformed_question_is_a_bad_request(server: Any, run_link: RunLink, asked: str) -> None:
    life = run_link()
    said = await (await server.visit()).ask(asked)
    assert re.search(r'<error type="modify"><bad-request ', said)
    assert life.questions == []


async def test_question_in_a_zone_that_nobody_knows_is_answered_and_counted(server: Any, run_link: RunLink) -> None:
    life = run_link()
    date = '<startDate timezone="Mars/Olympus">2026-01-05T09:00:00</startDate>'
    said = await (await server.visit()).ask(question().replace("/></iq>", f">{date}</events></iq>"))
    assert 'type="result"' in said
    assert [asked.start for asked in life.questions] == [datetime(2026, 1, 5, 9, tzinfo=UTC)]
    assert life.link.counters.zones_unknown == 1


@pytest.mark.parametrize("sender", ["mallory@rainbow.test/m", "evil.test", "0a1b@rainbow.test/other"])
@pytest.mark.parametrize("kind", ["events", "autoreply"])
async def test_stranger_is_refused_and_counted(server: Any, run_link: RunLink, sender: str, kind: str) -> None:
    with structlog.testing.capture_logs() as logs:
        life = run_link()
        visit = await server.visit()
        said = await visit.ask(question(sender=sender, kind=kind))
        await visit.ask(question("q2", sender=sender))
    assert re.search(r'<error type="auth"><forbidden ', said)
    assert life.questions == []
    assert life.link.counters.strangers == 2
    assert life.link.stranger == sender.partition("/")[0].rpartition("@")[2]
    assert [entry["domain"] for entry in logs if entry["event"] == "question_from_stranger"] == [life.link.stranger]
    assert "mallory" not in str(logs)


async def test_stranger_who_is_listed_is_answered(server: Any, run_link: RunLink) -> None:
    run_link(trusted_askers=["evil.test"])
    visit = await server.visit()
    assert 'type="result"' in await visit.ask(question(sender="mallory@evil.test/m"))
    assert 'type="result"' in await visit.ask(question("q2")), "Rainbow's own are not shut out by it"
    assert "forbidden" in await visit.ask(question("q3", sender="mallory@other.test/m"))


async def test_question_of_our_own_server_is_answered(server: Any, run_link: RunLink) -> None:
    run_link()
    said = await (await server.visit()).ask(question().replace(f' from="{CLOUD}"', ""))
    assert 'type="result"' in said
    assert " to=" not in said


async def test_flood_is_bounded(server: Any, run_link: RunLink) -> None:
    go = asyncio.Event()

    async def answer(_: Question) -> Answer:
        await go.wait()
        return Answer()

    life = run_link(answer, max_waiting=3)
    visit = await server.visit()
    for number in range(5):
        await visit.say(question(f"q{number}"))
    said = await visit.hear('id="q4"')
    assert re.search(r'<error type="wait"><resource-constraint ', said)
    go.set()
    await visit.hear('id="q2"')
    said = await visit.ask(question("later"))
    assert 'type="result"' in said
    assert (life.link.counters.answered, life.link.counters.refused) == (4, 2)


async def test_flood_gets_one_answer_each_in_time_and_takes_little_memory(server: Any, run_link: RunLink) -> None:
    """Twenty thousand wait, half of them for nothing; the five thousand beyond them are refused at once."""
    go = asyncio.Event()

    async def answer(asked: Question) -> Answer:
        await (go.wait() if asked.email.startswith("soon") else asyncio.sleep(3600))
        return Answer()

    life = run_link(answer)
    visit = await server.visit()
    before, began = memory(), asyncio.get_running_loop().time()
    for number in range(25_000):
        await visit.say(question(f"q{number}", email="soon@acme.test" if number % 2 else "never@acme.test"))
    counters = life.link.counters
    await until(lambda: counters.overflowed == 5_000)
    assert memory() - before < 200_000_000
    assert (counters.questions, counters.answered, counters.refused) == (25_000, 0, 5_000)
    go.set()
    with structlog.testing.capture_logs():
        await until(lambda: len(visit.frames) >= 25_006)
    assert asyncio.get_running_loop().time() - began <= 10
    outcomes: dict[int, str] = {}
    for frame in visit.frames[6:]:
        found = re.search(r' id="q(\d+)".*(events|resource-constraint|remote-server-timeout)', frame)
        assert found is not None
        outcomes[int(found[1])] = found[2]
    assert len(outcomes) == 25_000
    assert Counter(outcomes[number] for number in range(1, 20_000, 2)) == {"events": 10_000}
    assert Counter(outcomes[number] for number in range(0, 20_000, 2)) == {"remote-server-timeout": 10_000}
    assert Counter(outcomes[number] for number in range(20_000, 25_000)) == {"resource-constraint": 5_000}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (question("same"), 'type="result"'),
        (question("x" * 1024), 'type="result"'),
        (question("x" * 1025), "bad-request"),
        (question("&amp;&#10;é"), 'type="result"'),
        (question().replace(' id="q1"', ""), "bad-request"),
        (question(""), "bad-request"),
    ],
    ids=["same", "long", "too long", "odd", "none", "empty"],
)
async def test_question_of_any_id_gets_exactly_one_answer(
    server: Any, run_link: RunLink, asked: str, answer: str
) -> None:
    run_link()
    visit = await server.visit()
    for _ in range(2):
        await visit.say(asked)
    await asyncio.sleep(20)
    said = [frame for frame in visit.frames[6:] if "ping" not in frame]
    assert len(said) == 2
    assert all(answer in frame for frame in said)


async def test_question_in_the_longest_addresses_is_never_answered_beyond_the_limit(
    server: Any, run_link: RunLink
) -> None:
    async def answer(_: Question) -> Answer:
        return Answer(events=(EVENT,) * 500)

    run_link(answer, trusted_askers=["d.test"])
    visit = await server.visit()
    sender = f"{'l' * 1023}@d.test/{'&quot;' * 1023}"
    await visit.say(question("&quot;" * 1024, sender=sender, email="&quot;" * 320))
    await visit.hear('id="&quot;')
    await visit.say(question("q2", sender=f"a@d.test/{'&quot;' * 3070}"))
    await visit.ask(question("q3"))
    sizes = [len(frame.encode()) for frame in visit.frames[6:]]
    assert max(sizes) <= 18_380
    assert len(sizes) == 2 or "resource" not in visit.frames[-1]


async def test_server_that_reads_nothing_is_left_within_twenty_seconds(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        return Answer(events=(EVENT,) * 500)

    life = run_link(answer)
    visit = await server.visit()
    server.frame_seconds = 86_400
    before, began = memory(), asyncio.get_running_loop().time()
    for number in range(3_000):
        await visit.say(question(f"q{number}"))
    await until(lambda: not life.link.connected)
    assert asyncio.get_running_loop().time() - began <= 20
    assert memory() - before < 40_000_000  # three thousand answers of 18 kB are 54 MB
    server.frame_seconds = 0
    await server.visit(2)
    await until(lambda: life.link.connected)


async def test_answer_that_could_not_leave_is_not_told_as_sent(server: Any, run_link: RunLink) -> None:
    sent: list[str] = []
    under_way = asyncio.Event()

    async def answer(_: Question) -> Answer:
        under_way.set()
        await asyncio.sleep(5)
        return Answer(sent=lambda: sent.append("sent"))

    life = run_link(answer)
    visit = await server.visit()
    await visit.say(question())
    await under_way.wait()
    await visit.socket.close()
    await asyncio.sleep(20)
    assert sent == []
    assert (life.link.counters.answered, life.link.counters.failed) == (0, 1)


async def test_answer_of_the_wrong_kind_is_a_bug(server: Any, run_link: RunLink) -> None:
    async def answer(_: Question) -> Answer:
        return Answer()

    life = run_link(answer)
    said = await (await server.visit()).ask(question(kind="autoreply"))
    assert "internal-server-error" in said
    await asyncio.wait([life.task])
    assert life.task.exception().subgroup(TypeError) is not None


async def test_what_is_known_is_answered_at_once_and_told_once_it_has_left(server: Any, run_link: RunLink) -> None:
    sent: list[str] = []

    def at_once(asked: Question) -> Answer | None:
        known = asked.email.startswith("known")
        return Answer(events=(EVENT,), sent=lambda: sent.append(asked.id)) if known else None

    life = run_link(at_once=at_once)
    visit = await server.visit()
    for number in range(200):
        await visit.say(question(f"q{number}", email="known@acme.test" if number % 2 else "bob@acme.test"))
    await visit.hear('id="q198"')
    await visit.hear('id="q199"')
    said = [frame for frame in visit.frames if 'type="result"' in frame and ' id="q' in frame]
    assert len(said) == 200
    assert len({re.findall(r' id="(q\d+)"', frame)[0] for frame in said}) == 200
    assert sum("R&amp;D" in frame for frame in said) == 100
    assert sent == [f"q{number}" for number in range(1, 200, 2)]
    assert [asked.id for asked in life.questions] == [f"q{number}" for number in range(0, 200, 2)]
    assert (life.link.counters.questions, life.link.counters.answered) == (200, 200)


async def test_whoever_reads_nothing_gets_no_more_than_a_little_made_at_once(server: Any, run_link: RunLink) -> None:
    made: list[str] = []

    def at_once(asked: Question) -> Answer:
        made.append(asked.id)
        return Answer(events=(EVENT,) * 500)

    async def answer(_: Question) -> Answer:
        return Answer(events=(EVENT,) * 500)

    life = run_link(answer, at_once=at_once)
    visit = await server.visit()
    server.frame_seconds = 86_400
    before = memory()
    for number in range(3_000):
        await visit.say(question(f"q{number}"))
    await until(lambda: life.link.counters.questions == 3_000)
    assert len(life.questions) > 1_000
    await until(lambda: not life.link.connected)
    assert memory() - before < 40_000_000  # three thousand answers of 18 kB are 54 MB
    counters = life.link.counters
    await until(lambda: counters.answered + counters.failed + counters.refused == 3_000)


async def test_bug_in_what_is_known_is_not_hidden(server: Any, run_link: RunLink) -> None:
    def at_once(_: Question) -> Answer:
        raise ZeroDivisionError

    life = run_link(at_once=at_once)
    assert "internal-server-error" in await (await server.visit()).ask(question())
    await asyncio.wait([life.task])
    assert life.task.exception().subgroup(ZeroDivisionError) is not None
