"""A question from Rainbow → an answer; what cannot be known is an error."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.answer import AnswerCounters, Answers, View
from rainbow_exchange.bridge.last_hour import LastHour
from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.bridge.privacy import Privacy, PrivacyOfPeople, PrivacyRules
from rainbow_exchange.bridge.reader import Lane, Reader
from rainbow_exchange.bridge.roster import Coverage, Member, Roster
from rainbow_exchange.bridge.timings import TellingTimes, Timings
from rainbow_exchange.bridge.told import Ledger, Told
from rainbow_exchange.histogram import Latency
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import AutoReply, Question, RainbowUser

if TYPE_CHECKING:
    from tests.bridge.conftest import Exchange, Kit, MakeExchange

ANN = "ann@acme.test"
HOUR = timedelta(hours=1)


class Bench:
    """Answers about Ann, who is `member`; `who` takes `delay` seconds."""

    def __init__(self, kit: "Kit", exchange: "Exchange", privacy: Privacy = Privacy.PRIVATE_MASKED) -> None:
        self.kit = kit
        self.member: Member | None = Member(
            RainbowUser(id="ann", login_email=ANN), coverage=Coverage.COVERED, mailbox=Mailbox(address=ANN)
        )
        self.delay = 0.0
        self.ledger = Ledger()
        self.reader = Reader(
            exchange.client, impersonation=True, privacy=lambda _: privacy, now=kit.now, watched=lambda _: True
        )
        self.absences = OutOfOfficeWatch(
            exchange.client,
            impersonation=True,
            sending_as=None,
            changed=lambda _: None,
            held_back=lambda: 0.0,
            now=kit.now,
            random=kit.half,
        )
        self.reader.add(Mailbox(address=ANN))
        self.absences.add(Mailbox(address=ANN))
        self.hour = LastHour()
        self.times = TellingTimes(Timings(Latency(), Latency(), kit.now, self.hour))
        self.answers = Answers(
            who=self._who,
            reader=self.reader,
            absences=self.absences,
            ledger=self.ledger,
            view=View(privacy=PrivacyOfPeople(PrivacyRules(privacy), Roster())),
            now=kit.now,
            times=self.times,
            known=lambda address: self.member if address == ANN else None,
        )

    async def _who(self, address: str) -> Member | None:
        await asyncio.sleep(self.delay)
        return self.member if address == ANN else None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Bench"]:
        async with self.kit.running(self.reader.run()):
            yield self

    async def events(self, start: datetime | None = None, end: datetime | None = None) -> Answer:
        return await self.answers.answer(Question(kind="events", email=ANN, start=start, end=end))

    async def subjects(self, start: datetime | None = None, end: datetime | None = None) -> list[str]:
        return [event.subject for event in (await self.events(start, end)).events]

    async def refusal(self, kind: str = "events", email: str = ANN) -> tuple[str, str]:
        with pytest.raises(QuestionRefused) as refused:
            await self.answers.answer(Question(kind=kind, email=email))
        return refused.value.condition, refused.value.type


async def test_events_are_answered(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, hours=1)
    async with Bench(kit, exchange).at_work() as bench:
        (event,) = (await bench.events()).events
        assert (event.subject, event.show_as, event.type) == ("Planning", "busy", "singleInstance")
        assert (event.start, event.end) == (kit.epoch + HOUR, kit.epoch + 2 * HOUR)
        assert bench.answers.counters.answered == 1


async def test_without_dates_a_question_means_the_last_hour_and_the_next_day(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(ANN)
    for subject, hours in (("long over", -3), ("just over", -1.5), ("now", -0.5), ("tomorrow", 23.5), ("later", 24.5)):
        exchange.appointment(ANN, hours=hours, subject=subject)
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.subjects() == ["now", "tomorrow", "just over"]


async def test_one_date_means_a_day(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    for subject, hours in (("a", 47), ("b", 49), ("c", 71), ("d", 73)):
        exchange.appointment(ANN, hours=hours, length=0.5, subject=subject)
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.subjects(start=kit.epoch + 48 * HOUR) == ["b", "c"]
        assert await bench.subjects(end=kit.epoch + 72 * HOUR) == ["b", "c"]


async def test_a_window_outside_the_cache_is_read_for_up_to_42_days(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    for subject, days in (("in", 50), ("beyond", 63)):
        exchange.appointment(ANN, hours=24 * days, subject=subject)
    async with Bench(kit, exchange).at_work() as bench:
        start = kit.epoch + 20 * 24 * HOUR
        assert await bench.subjects(start, start + 90 * 24 * HOUR) == ["in"]


async def test_a_window_that_ends_before_it_begins_is_a_bad_request(kit: "Kit", make_exchange: "MakeExchange") -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        with pytest.raises(QuestionRefused) as refused:
            await bench.events(kit.epoch + HOUR, kit.epoch)
        assert (refused.value.condition, refused.value.type) == ("bad-request", "modify")
        assert bench.answers.counters == AnswerCounters(bad_request=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(9999, 12, 31, tzinfo=UTC), None),
        (datetime(9999, 12, 1, tzinfo=UTC), datetime(9999, 12, 2, tzinfo=UTC)),
        (None, datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
async def test_a_window_at_either_end_of_time_is_a_bad_request(
    kit: "Kit", make_exchange: "MakeExchange", start: datetime | None, end: datetime | None
) -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        with pytest.raises(QuestionRefused) as refused:
            await bench.events(start, end)
        assert refused.value.condition == "bad-request"


async def test_privacy_holds_for_answers(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, subject="Doctor", sensitivity="Private")
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.subjects() == ["Private appointment"]
    async with Bench(kit, exchange, Privacy.FULL).at_work() as bench:
        assert await bench.subjects() == ["Doctor"]


async def test_an_auto_reply_is_answered(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, text="<p>Back on Monday</p>")
    async with Bench(kit, exchange).at_work() as bench:
        answer = await bench.answers.answer(Question(kind="autoreply", email=ANN))
        assert answer.auto_reply == AutoReply(state="enabled", internal_text="Back on Monday")


async def test_the_ledger_learns_what_was_answered_only_once_it_left(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN)
    async with Bench(kit, exchange).at_work() as bench:
        state = bench.answers.digest(await bench.reader.agenda(ANN, lane=Lane.QUESTION))
        bench.ledger.set_state("ann", Told.EVENTS, state, 0.0)
        bench.ledger.notified("ann", bench.ledger.snapshot("ann"), 0.0)
        answer = await bench.events()
        assert bench.ledger.unanswered() == ["ann"]
        answer.sent()
        assert bench.ledger.unanswered() == []


async def test_an_auto_reply_that_left_counts_as_answered(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    async with Bench(kit, exchange).at_work() as bench:
        answer = await bench.answers.answer(Question(kind="autoreply", email=ANN))
        answer.sent()  # nobody was notified: nothing to answer
        assert bench.ledger.unanswered() == []


async def test_an_answer_about_another_window_answers_no_notify(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    async with Bench(kit, exchange).at_work() as bench:
        state = bench.answers.digest(await bench.reader.agenda(ANN, lane=Lane.QUESTION))
        bench.ledger.set_state("ann", Told.EVENTS, state, 0.0)
        bench.ledger.notified("ann", bench.ledger.snapshot("ann"), 0.0)
        start = kit.epoch + 20 * 24 * HOUR
        (await bench.events(start, start + 24 * HOUR)).sent()
        assert bench.ledger.unanswered() == ["ann"]


async def test_an_answer_about_some_days_of_the_cache_and_others_answers_a_notify(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(ANN)
    async with Bench(kit, exchange).at_work() as bench:

        async def notified() -> None:
            bench.reader.invalidate(ANN)
            state = bench.answers.digest(await bench.reader.agenda(ANN, lane=Lane.QUESTION))
            bench.ledger.set_state("ann", Told.EVENTS, state, 0.0)
            bench.ledger.notified("ann", bench.ledger.snapshot("ann"), 0.0)

        await notified()
        exchange.appointment(ANN)
        (await bench.events(kit.epoch - 72 * HOUR, kit.epoch + 96 * HOUR)).sent()
        assert bench.ledger.unanswered() == ["ann"]  # what left is not what the notify stood for
        await notified()
        (await bench.events(kit.epoch - 72 * HOUR, kit.epoch + 96 * HOUR)).sent()
        assert bench.ledger.unanswered() == []


# --- errors


async def test_nobody_and_nobodys_mailbox_are_not_found(kit: "Kit", make_exchange: "MakeExchange") -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        assert await bench.refusal(email="nobody@acme.test") == ("item-not-found", "cancel")
        assert bench.member is not None
        bench.member.coverage = Coverage.FAILED
        assert await bench.refusal() == ("item-not-found", "cancel")
        assert await bench.refusal("autoreply") == ("item-not-found", "cancel")
        assert bench.answers.counters.not_found == 3


async def test_whoever_is_not_subscribed_yet_is_asked_for_again_later(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        assert bench.member is not None
        bench.member.coverage = Coverage.PENDING
        assert await bench.refusal() == ("remote-server-timeout", "wait")


async def test_the_deadline_is_kept(kit: "Kit", make_exchange: "MakeExchange") -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        bench.delay = 100.0
        assert await bench.refusal() == ("remote-server-timeout", "wait")
        assert 8.9 <= asyncio.get_running_loop().time() <= 9.5
        assert bench.answers.counters.not_in_time == 1


async def test_exchange_that_cannot_be_read_is_no_empty_calendar(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN, mailbox_errors={ANN: "ErrorMailboxStoreUnavailable"})
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.refusal() == ("remote-server-timeout", "wait")
        assert await bench.refusal("autoreply") == ("remote-server-timeout", "wait")


async def test_the_last_agenda_answers_for_twelve_hours(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, hours=13)
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.subjects() == ["Planning"]
        exchange.lab.dials.turn({"mailbox_errors": {ANN: "ErrorMailboxStoreUnavailable"}})
        bench.reader.invalidate(ANN)
        assert await bench.subjects() == ["Planning"]
        assert bench.answers.counters.stale == 1
        start = kit.now() + 20 * 24 * HOUR
        with pytest.raises(QuestionRefused):
            await bench.events(start, start + HOUR)
        await asyncio.sleep(12 * 3600 + 1)
        assert await bench.refusal() == ("remote-server-timeout", "wait")


async def test_the_last_agenda_also_answers_for_a_server_that_is_too_slow(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN)
    async with Bench(kit, exchange).at_work() as bench:
        assert await bench.subjects() == ["Planning"]
        exchange.lab.dials.turn({"delay_seconds": 25.0})
        bench.reader.invalidate(ANN)
        started = asyncio.get_running_loop().time()
        assert await bench.subjects() == ["Planning"]
        assert asyncio.get_running_loop().time() - started <= 9.0


async def test_what_is_current_is_answered_at_once_as_it_is_otherwise(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, hours=1)
    asked, absent = Question(kind="events", email=ANN), Question(kind="autoreply", email=ANN)
    async with Bench(kit, exchange).at_work() as bench:
        assert bench.answers.at_once(asked) is None
        assert bench.answers.at_once(absent) is None
        later = await bench.events()
        reply = await bench.answers.answer(absent)
        at_once, absence = bench.answers.at_once(asked), bench.answers.at_once(absent)
        assert at_once is not None
        assert [event.subject for event in at_once.events] == ["Planning"]
        assert at_once.events == later.events
        assert absence is not None
        assert absence.auto_reply == reply.auto_reply == AutoReply(state="disabled")
        assert bench.answers.counters.answered == 4
        agenda = bench.reader.last(ANN)
        assert agenda is not None
        bench.ledger.set_state("ann", Told.EVENTS, bench.answers.digest(agenda), 1)
        bench.ledger.notified("ann", bench.ledger.snapshot("ann"), 1)
        assert bench.ledger.waits("ann", Told.EVENTS)
        at_once.sent()
        assert not bench.ledger.waits("ann", Told.EVENTS)
        bench.reader.invalidate(ANN)
        assert bench.answers.at_once(asked) is None


async def test_nothing_is_said_at_once_of_whoever_is_not_covered_or_of_no_window(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    async with Bench(kit, await make_exchange(ANN)).at_work() as bench:
        await bench.events()
        backwards = Question(kind="events", email=ANN, start=kit.epoch + HOUR, end=kit.epoch)
        assert bench.answers.at_once(backwards) is None
        assert bench.answers.at_once(Question(kind="events", email="bob@acme.test")) is None
        assert bench.member is not None
        for coverage in (Coverage.PENDING, Coverage.FAILED):
            bench.member.coverage = coverage
            assert bench.answers.at_once(Question(kind="events", email=ANN)) is None
        assert bench.answers.counters == AnswerCounters(answered=1)


async def test_a_state_is_made_anew_once_it_is_shown_otherwise(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, hours=1, subject="")
    async with Bench(kit, exchange).at_work() as bench:
        await bench.events()
        agenda = bench.reader.last(ANN)
        assert agenda is not None
        first = bench.answers.digest(agenda)
        assert bench.answers.digest(agenda) is first
        bench.answers.view.language = "fr"
        assert bench.answers.digest(agenda).differs(first)
