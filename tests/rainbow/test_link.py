"""What every link must do, whatever Rainbow speaks on it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question
from tests.link_rig import until

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def event(number: int, subject: str = "Review") -> CalendarEvent:
    return CalendarEvent(
        id=f"evt-{number}",
        subject=subject,
        type="occurrence",
        show_as="tentative",
        start=NINE,
        end=NINE + timedelta(hours=1),
        timezone="Europe/Paris",
    )


async def test_events_are_answered_as_they_are(rig: Any) -> None:
    async def answer(_: Question) -> Answer:
        return Answer(events=(event(1, 'R&D <é> "🎉"'), event(2)))

    life = await rig.connected(answer)
    entry = await rig.ask(email="Bob@acme.test", window=("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"))
    assert (entry["outcome"], entry["link"]) == ("result", rig.kind)
    first = {
        "id": "evt-1",
        "subject": 'R&D <é> "🎉"',
        "type": "occurrence",
        "showAs": "tentative",
        "startDate": "2026-01-05T09:00:00+00:00",
        "endDate": "2026-01-05T10:00:00+00:00",
        "timezone": "Europe/Paris",
    }
    assert entry["answer"] == [first, first | {"id": "evt-2", "subject": "Review"}]
    start, end = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    assert life.questions == [Question(kind="events", email="Bob@acme.test", start=start, end=end)]


async def test_question_without_dates_has_none(rig: Any) -> None:
    life = await rig.connected()
    await rig.ask(dates=False)
    assert life.questions == [Question(kind="events", email="bob@acme.test")]


async def test_automatic_reply_is_answered_as_it_is(rig: Any) -> None:
    async def answer(_: Question) -> Answer:
        end = NINE + timedelta(days=4)
        return Answer(
            auto_reply=AutoReply(
                state="scheduled", start=NINE, end=end, internal_text="Fort\nda", external_text="Away", audience="known"
            )
        )

    await rig.connected(answer)
    entry = await rig.ask("autoreply")
    assert entry["answer"] == {
        "state": "scheduled",
        "startDate": "2026-01-05T09:00:00+00:00",
        "endDate": "2026-01-09T09:00:00+00:00",
        "internalReplyMessage": "Fort\nda",
        "externalReplyMessage": "Away",
        "audience": "known",
    }


async def test_automatic_reply_that_is_off_has_an_empty_text_and_nothing_else(rig: Any) -> None:
    await rig.connected()
    entry = await rig.ask("autoreply")
    assert entry["answer"] == {
        "state": "disabled",
        "startDate": None,
        "endDate": None,
        "internalReplyMessage": "",
        "externalReplyMessage": None,
        "audience": None,
    }


async def test_answers_come_in_whatever_order_they_are_ready(rig: Any) -> None:
    async def answer(question: Question) -> Answer:
        await asyncio.sleep(float(question.email.partition("@")[0]))
        return Answer()

    await rig.connected(answer)
    entries = await asyncio.gather(*(rig.ask(email=f"{seconds}@acme.test") for seconds in (5, 1, 3)))
    assert [round(entry["seconds"]) for entry in entries] == [5, 1, 3]
    assert {entry["outcome"] for entry in entries} == {"result"}


@pytest.mark.parametrize(
    ("condition", "type_"),
    [("item-not-found", "cancel"), ("remote-server-timeout", "wait"), ("service-unavailable", "wait")],
)
async def test_refusal_is_passed_on_and_nobody_who_could_answer_is_one(rig: Any, condition: str, type_: str) -> None:
    async def answer(_: Question) -> Answer:
        raise QuestionRefused(condition, type_)

    life = await rig.connected(answer)
    entry = await rig.ask()
    assert (entry["outcome"], entry["condition"]) == ("error", condition)
    assert (life.link.counters.refused, life.link.counters.answered) == (1, 0)


async def test_expected_trouble_is_a_timeout_of_the_remote_server(rig: Any) -> None:
    async def answer(_: Question) -> Answer:
        raise RainbowConnectionError("timeout")

    life = await rig.connected(answer)
    assert (await rig.ask())["condition"] == "remote-server-timeout"
    assert life.link.counters.failed == 1
    assert life.link.connected


async def test_question_without_an_address_is_a_bad_request(rig: Any) -> None:
    life = await rig.connected()
    assert (await rig.ask(email=" "))["condition"] == "bad-request"
    assert (await rig.ask(window=("soon", "later")))["condition"] == "bad-request"
    assert life.questions == []
    assert (life.link.counters.questions, life.link.counters.refused) == (2, 2)


async def test_each_question_has_one_answer_within_ten_seconds_whatever_happens(rig: Any) -> None:
    async def answer(_: Question) -> Answer:
        await asyncio.sleep(3600)
        return Answer()

    life = await rig.connected(answer)
    entries = await asyncio.gather(*(rig.ask(email=f"{number}@acme.test") for number in range(20)))
    assert {entry["condition"] for entry in entries} == {"remote-server-timeout"}
    assert all(9 <= entry["seconds"] <= 10 for entry in entries)
    await asyncio.sleep(30)
    assert rig.lab.record.counts["unexpected_answers"] == 0
    assert (life.link.counters.questions, life.link.counters.failed) == (20, 20)


async def test_flood_is_bounded_and_what_is_too_much_refused(rig: Any) -> None:
    go = asyncio.Event()

    async def answer(_: Question) -> Answer:
        await go.wait()
        return Answer()

    life = await rig.connected(answer, max_waiting=3)
    asked = [asyncio.create_task(rig.ask(email=f"{number}@acme.test")) for number in range(5)]
    await asyncio.sleep(1)
    refused = [task.result() for task in asked if task.done()]
    assert [entry["condition"] for entry in refused] == ["resource-constraint"] * 2
    go.set()
    entries = await asyncio.gather(*asked)
    assert sum(entry["outcome"] == "result" for entry in entries) == 3
    assert (await rig.ask())["outcome"] == "result"
    await until(lambda: life.link.counters.answered == 4)
    assert life.link.counters.refused == 2


async def test_answer_is_told_as_sent_once_it_has_left_and_never_where_it_could_not(
    rig: Any,
) -> None:
    sent: list[str] = []
    under_way, go = asyncio.Event(), asyncio.Event()

    async def answer(question: Question) -> Answer:
        under_way.set()
        await go.wait()
        return Answer(sent=lambda: sent.append(question.email))

    life = await rig.connected(answer)
    lost = asyncio.create_task(rig.ask(email="lost@acme.test"))
    await under_way.wait()
    rig.cut()
    await asyncio.sleep(0.1)
    go.set()
    assert (await lost)["outcome"] in {"timeout", "no-link"}
    await until(lambda: rig.there and life.link.connected)
    assert sent == []
    assert life.link.counters.answered == 0
    assert (await rig.ask(email="had@acme.test"))["outcome"] == "result"
    await until(lambda: sent == ["had@acme.test"])


async def test_link_that_was_cut_is_made_again_and_tells_so(rig: Any) -> None:
    life = await rig.connected()
    since = life.link.connected_since
    rig.cut()
    await until(lambda: not life.link.connected, within=60)
    assert life.link.reason
    assert life.link.connected_since is None
    await until(lambda: life.link.connected and rig.there, within=60)
    assert life.link.reason == ""
    assert life.link.connected_since > since
    assert life.told == ["connected", "lost", "connected"]
    assert life.link.counters.connects == 2
    assert (await rig.ask())["outcome"] == "result"


async def test_rainbow_that_is_away_for_long_is_found_again(rig: Any) -> None:
    life = await rig.connected()
    port = int(rig.lab.url.rpartition(":")[2])
    await rig.lab.kill()
    await until(lambda: not life.link.connected, within=120)
    assert "refused" in life.link.reason or "closed" in life.link.reason
    await asyncio.sleep(7_200)
    await rig.lab.start(port=port)
    await until(lambda: life.link.connected and rig.there, within=600)
    assert life.link.reason == ""
    assert (await rig.ask())["outcome"] == "result"


async def test_rainbow_that_is_not_there_yet_is_waited_for(rig: Any) -> None:
    port = int(rig.lab.url.rpartition(":")[2])
    await rig.lab.stop()
    life = rig.run()
    await asyncio.sleep(100)
    assert not life.link.connected
    assert "refused" in life.link.reason
    await rig.lab.start(port=port)
    await until(lambda: life.link.connected)
    assert life.told == ["connected"]


async def test_rainbow_that_lost_its_memory_is_signed_in_to_again(rig: Any) -> None:
    life = await rig.connected()
    rig.lab.forget()
    rig.cut()
    await until(lambda: not life.link.connected)
    await until(lambda: life.link.connected and rig.there)
    assert (await rig.ask())["outcome"] == "result"


async def test_stopped_link_has_said_goodbye(rig: Any) -> None:
    life = await rig.connected()
    began = asyncio.get_running_loop().time()
    await life.stop()
    assert asyncio.get_running_loop().time() - began < 3
    assert not rig.there
    assert rig.lab.connections.of(rig.lab.people.account.id) == []
    assert not life.link.connected
    assert life.told == ["connected", "lost"]


async def test_link_is_stopped_in_time_though_rainbow_is_silent(rig: Any) -> None:
    life = await rig.connected()
    rig.lab.outage.set({"rest": "silent", "link": "silent"})
    began = asyncio.get_running_loop().time()
    await life.stop()
    assert asyncio.get_running_loop().time() - began < 5
    rig.lab.outage.set({"rest": "", "link": ""})


async def test_bug_of_whoever_answers_leaves_nobody_waiting_and_ends_the_link(rig: Any) -> None:
    async def answer(_: Question) -> Answer:
        return Answer()  # to a question about the automatic reply

    life = await rig.connected(answer)
    assert (await rig.ask("autoreply"))["condition"] == "internal-server-error"
    await asyncio.wait([life.task])
    assert life.task.exception().subgroup(TypeError) is not None


async def test_what_does_not_fit_is_cut_from_its_far_end_and_at_a_word(rig: Any) -> None:
    async def answer(question: Question) -> Answer:
        if question.kind == "autoreply":
            text = "mot é " * 10_000
            return Answer(auto_reply=AutoReply(state="enabled", internal_text=text, external_text="Away"))
        return Answer(events=tuple(event(number, "wörd " * 1000) for number in range(100)))

    await rig.connected(answer)
    events = (await rig.ask())["answer"]
    assert [each["id"] for each in events] == [f"evt-{number}" for number in range(len(events))]
    assert 40 <= len(events) < 80
    assert events[0]["subject"].endswith("wörd…")
    reply = (await rig.ask("autoreply"))["answer"]
    assert reply["internalReplyMessage"].endswith(("mot…", "é…"))
    assert reply["externalReplyMessage"] == "Away"
    assert len(reply["internalReplyMessage"]) > 9_000
