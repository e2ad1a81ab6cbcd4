"""The one reader: generations, lanes, read modes, and what an error leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.reader import Lane, Reader
from rainbow_exchange.bridge.told import digest_events
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError, MalformedResponse, ResponseError, ServerBusy
from rainbow_exchange.ews.operations.find_item import CalendarItem, FindItem, FindItemResponse
from rainbow_exchange.ews.operations.get_user_availability import (
    CalendarEvent,
    CalendarEventDetails,
    FreeBusyResponse,
    GetUserAvailability,
)
from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.model import Agenda, Mailbox, Window

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeExchange, Scripted

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
QUESTION, CHANGE, BACKGROUND = Lane.QUESTION, Lane.CHANGE, Lane.BACKGROUND


def busy(subject: str | None = "Planning") -> FreeBusyResponse:
    """One appointment; without a subject it comes without details."""
    details = None
    if subject is not None:
        details = CalendarEventDetails(
            store_id="AB", subject=subject, is_recurring=False, is_exception=False, is_private=False
        )
    event = CalendarEvent(start=NINE, end=TEN, busy_type="Busy", details=details)
    return FreeBusyResponse(view_type="Detailed" if subject is not None else "FreeBusy", events=(event,))


NOTHING = FreeBusyResponse(view_type="Detailed")


def own(subject: str = "Planning") -> FindItemResponse:
    item = CalendarItem(start=NINE, end=TEN, uid="1", subject=subject, busy_status="Busy")
    return FindItemResponse(items=(item,), includes_last=True)


def subjects(agenda: Agenda | None) -> list[str | None]:
    assert agenda is not None
    return [appointment.subject for appointment in agenda.appointments]


def named(count: int) -> list[str]:
    return [f"u{number:03d}@acme.test" for number in range(count)]


class Bench:
    """A reader and the server it asks: `answers` maps an address to what comes, or to a function that makes it."""

    def __init__(self, kit: "Kit", *, impersonation: bool = False, privacy: Privacy = Privacy.FULL) -> None:
        self.kit = kit
        self.levels: dict[str, Privacy] = {}
        self.answers: dict[str, Any] = {}
        self.owns: dict[str, Any] = {}
        self.hold: Callable[[Any], Awaitable[None]] | None = None
        self.server: Scripted = kit.scripted(self._answer)
        self.watched = True
        self.hidden: list[str] = []
        self.reader = Reader(
            self.server,
            impersonation=impersonation,
            privacy=lambda address: self.levels.get(address, privacy),
            now=kit.now,
            watched=lambda _: self.watched,
            hidden=self.hidden.extend,
        )

    async def _answer(self, operation: Any, impersonated: Any) -> Any:
        if isinstance(operation, FindItem):
            answer = self.owns.get(impersonated.value, own())
            if self.hold:
                await self.hold(operation)
            if isinstance(answer, EwsError):
                raise answer
            return answer
        # What the calendars hold as the request arrives.
        found = tuple(self.answers.get(address, busy()) for address in operation.addresses)
        if self.hold:
            await self.hold(operation)
        for each in found:
            if isinstance(each, EwsConnectionError | ServerBusy):
                raise each
        return found

    def add(self, *addresses: str, mode: Mode | None = None) -> None:
        for address in addresses:
            self.reader.add(Mailbox(address=address), mode)

    def batches(self) -> list[tuple[str, ...]]:
        return [call.addresses for call in self.server.calls if isinstance(call, GetUserAvailability)]

    @asynccontextmanager
    async def at_work(self, *addresses: str) -> AsyncIterator["Bench"]:
        self.add(*addresses)
        async with self.kit.running(self.reader.run()):
            yield self

    async def together(self, addresses: list[str], lane: Lane = CHANGE) -> list[Agenda]:
        return await asyncio.gather(*(self.reader.agenda(address, lane=lane) for address in addresses))


def slept(seconds: float) -> Callable[[Any], Awaitable[None]]:
    async def hold(_: Any) -> None:
        await asyncio.sleep(seconds)

    return hold


# --- the cache


async def test_an_agenda_is_read_once_and_then_known(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        first = await bench.reader.agenda("a@acme.test", lane=QUESTION)
        assert subjects(first) == ["Planning"]
        assert await bench.reader.agenda("a@acme.test", lane=CHANGE) is first
        assert bench.reader.last("a@acme.test") is first
        assert len(bench.server.calls) == 1


async def test_the_cache_holds_utc_days_from_yesterday_to_the_eighth_after(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        (call,) = bench.server.calls
        assert call.window == Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 11, tzinfo=UTC))


async def test_a_signal_invalidates_at_once(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        bench.answers["a@acme.test"] = busy("Changed")
        bench.reader.invalidate("a@acme.test")
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == ["Changed"]
        bench.reader.invalidate("nobody@acme.test")


async def test_a_fresh_read_is_a_read(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        bench.answers["a@acme.test"] = busy("Changed")
        assert subjects(await bench.reader.agenda("a@acme.test", lane=BACKGROUND, fresh=True)) == ["Changed"]
        assert subjects(await bench.reader.agenda("a@acme.test", lane=CHANGE)) == ["Changed"]
        assert len(bench.server.calls) == 2


async def test_what_nobody_watches_is_current_for_half_a_minute_only(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.watched = False
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        await asyncio.sleep(29)
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        assert len(bench.server.calls) == 1
        await asyncio.sleep(2)
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        assert len(bench.server.calls) == 2


async def test_a_question_outside_the_cache_is_read_for_and_not_cached(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        later = Window(start=NINE + 20 * DAY, end=NINE + 25 * DAY)
        agenda = await bench.reader.agenda("a@acme.test", later, lane=QUESTION)
        assert agenda.window == later
        assert bench.reader.last("a@acme.test") is None
        await bench.reader.agenda("a@acme.test", later, lane=QUESTION)
        assert len(bench.server.calls) == 2


async def test_a_question_within_the_cache_is_read_for_the_cache(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", Window(start=NINE, end=NINE + DAY), lane=QUESTION)
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert len(bench.server.calls) == 1


async def test_the_window_slides_with_the_day(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        await asyncio.sleep(24 * 3600)
        await bench.reader.agenda("a@acme.test", Window(start=NINE + DAY, end=TEN + DAY), lane=QUESTION)
        assert len(bench.server.calls) == 1
        await bench.reader.agenda("a@acme.test", lane=BACKGROUND)
        assert bench.server.calls[-1].window.start == datetime(2026, 3, 2, tzinfo=UTC)


async def test_a_mailbox_never_added_is_a_key_error(kit: "Kit") -> None:
    bench = Bench(kit)
    bench.add("a@acme.test")
    bench.reader.forget("a@acme.test")
    assert bench.reader.mode("a@acme.test") is None
    assert bench.reader.last("a@acme.test") is None
    with pytest.raises(KeyError):
        await bench.reader.agenda("a@acme.test", lane=QUESTION)


# --- generations


async def test_a_change_that_comes_while_its_mailbox_is_read_is_not_lost(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.hold = slept(1)
        reading = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=CHANGE))
        await asyncio.sleep(0.5)
        bench.answers["a@acme.test"] = busy("Changed")
        bench.reader.invalidate("a@acme.test")
        assert subjects(await reading) == ["Changed"]
        assert subjects(bench.reader.last("a@acme.test")) == ["Changed"]
        assert bench.reader.counters.read_again == 1


async def test_a_read_that_was_sent_is_not_joined(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.hold = slept(1)
        early = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=CHANGE, fresh=True))
        await asyncio.sleep(0.5)
        bench.answers["a@acme.test"] = busy("Changed")  # nobody has notified of it yet
        late = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=CHANGE, fresh=True))
        assert subjects(await early) == ["Planning"]
        assert subjects(await late) == ["Changed"]


async def test_a_read_that_was_not_sent_yet_is_joined(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        agendas = await bench.together(["a@acme.test"] * 5)
        assert len(bench.server.calls) == 1
        assert all(agenda is agendas[0] for agenda in agendas)


async def test_the_result_of_an_older_generation_is_not_current(kit: "Kit") -> None:
    """A calendar that changes during each of four reads is handed out as it was, and read anew for the next."""
    async with Bench(kit).at_work("a@acme.test") as bench:

        async def changing(_: Any) -> None:
            bench.reader.invalidate("a@acme.test")

        bench.hold = changing
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert len(bench.server.calls) == 4
        bench.hold = None
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert len(bench.server.calls) == 5


async def test_only_those_that_changed_are_read_again(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(3)) as bench:
        bench.hold = slept(0.5)
        reading = asyncio.create_task(bench.together(named(3)))
        await asyncio.sleep(0.1)
        bench.reader.invalidate(named(3)[1])
        await reading
        assert bench.batches() == [tuple(named(3)), (named(3)[1],)]


# --- lanes and batches


async def test_nothing_in_flight_is_sent_at_once_and_together(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(100)) as bench:
        await bench.together(named(100))
        assert bench.batches() == [tuple(named(100))]
        assert bench.server.at == [0.0]


async def test_a_hundred_ride_in_one_request(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(250)) as bench:
        await bench.together(named(250))
        assert sorted(len(batch) for batch in bench.batches()) == [50, 100, 100]


async def test_while_one_is_in_flight_others_gather_for_100_ms(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(4)) as bench:
        bench.hold = slept(1.5)
        first, *others = named(4)
        reads = [asyncio.create_task(bench.reader.agenda(first, lane=CHANGE))]
        for address in others:
            await asyncio.sleep(0.03)
            reads.append(asyncio.create_task(bench.reader.agenda(address, lane=CHANGE)))
        await asyncio.gather(*reads)
        assert bench.batches() == [(first,), tuple(others)]
        assert bench.server.at[1] == pytest.approx(0.13, abs=0.01)


async def test_what_gathers_leaves_when_the_one_in_flight_returns(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(2)) as bench:
        bench.hold = slept(0.06)
        first, second = named(2)
        reads = [asyncio.create_task(bench.reader.agenda(first, lane=CHANGE))]
        await asyncio.sleep(0.03)
        reads.append(asyncio.create_task(bench.reader.agenda(second, lane=CHANGE)))
        await asyncio.gather(*reads)
        assert bench.server.at[1] == pytest.approx(0.06, abs=0.01)


async def test_the_three_lanes_never_share_a_request(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(30)) as bench:
        lanes = [QUESTION, CHANGE, BACKGROUND]
        await asyncio.gather(*(bench.reader.agenda(address, lane=lanes[n % 3]) for n, address in enumerate(named(30))))
        assert sorted(bench.batches()) == [tuple(named(30)[n::3]) for n in range(3)]


async def test_a_question_does_not_wait_for_the_background(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(2)) as bench:
        slow, asked = named(2)

        async def hold(operation: Any) -> None:
            await asyncio.sleep(20 if slow in operation.addresses else 0)

        bench.hold = hold
        background = asyncio.create_task(bench.reader.agenda(slow, lane=BACKGROUND))
        await asyncio.sleep(1)
        async with asyncio.timeout(0.2):
            await bench.reader.agenda(asked, lane=QUESTION)
        await background


async def test_different_windows_are_different_requests(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(2)) as bench:
        later = Window(start=NINE + 20 * DAY, end=NINE + 25 * DAY)
        first, second = named(2)
        await asyncio.gather(
            bench.reader.agenda(first, lane=QUESTION), bench.reader.agenda(second, later, lane=QUESTION)
        )
        assert bench.batches() == [(first,), (second,)]


async def test_who_loses_patience_does_not_take_the_result_from_others(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.hold = slept(1)
        impatient = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=QUESTION))
        patient = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=QUESTION))
        await asyncio.sleep(0.1)
        impatient.cancel()
        assert subjects(await patient) == ["Planning"]


async def test_whoever_waits_when_the_reader_ends_is_told_so_and_not_cancelled(kit: "Kit") -> None:
    bench = Bench(kit)
    async with bench.at_work("a@acme.test"):
        bench.hold = slept(100)
        waiting = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=QUESTION))
        await asyncio.sleep(1)
    with pytest.raises(EwsConnectionError, match="closed"):
        await waiting


# --- the slow and the failing ride alone


async def test_a_batch_with_a_question_in_it_is_split_after_2_seconds_and_the_others_answered(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(8)) as bench:
        culprit = named(8)[5]

        async def hold(operation: Any) -> None:
            await asyncio.sleep(1000 if culprit in operation.addresses else 0.1)

        bench.hold = hold
        results = await asyncio.gather(
            *(bench.reader.agenda(address, lane=QUESTION) for address in named(8)), return_exceptions=True
        )
        assert [isinstance(result, Agenda) for result in results] == [address != culprit for address in named(8)]
        assert isinstance(results[5], ResponseError)
        assert bench.server.at[1] == pytest.approx(2.0, abs=0.1)
        # From now on it rides alone.
        bench.server.calls.clear()
        for address in named(8):
            bench.reader.invalidate(address)
        bench.hold = None
        await bench.together(named(8))
        assert (culprit,) in bench.batches()
        assert max(len(batch) for batch in bench.batches()) >= 4


async def test_a_batch_whose_time_the_client_ends_is_split_too(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(4)) as bench:
        culprit = named(4)[0]

        async def hold(operation: Any) -> None:
            if culprit in operation.addresses:
                await asyncio.sleep(30)
                raise EwsConnectionError("timeout", "no whole answer")

        bench.hold = hold
        results = await asyncio.gather(
            *(bench.reader.agenda(address, lane=BACKGROUND) for address in named(4)), return_exceptions=True
        )
        assert [isinstance(result, Agenda) for result in results] == [False, True, True, True]


@pytest.mark.parametrize("lane", [QUESTION, CHANGE])
async def test_one_of_a_hundred_answers_after_30_seconds_and_the_other_99_are_not_late(kit: "Kit", lane: Lane) -> None:
    """The first time they are late by three seconds, far from the ten that a question has; from then on not at all."""
    everybody = named(100)
    culprit = everybody[41]
    async with Bench(kit).at_work(*everybody) as bench:

        async def hold(operation: Any) -> None:
            await asyncio.sleep(30 if culprit in operation.addresses else 0.2)

        async def timed(address: str) -> float:
            began = asyncio.get_running_loop().time()
            with suppress(EwsError):
                await bench.reader.agenda(address, lane=lane)
            return asyncio.get_running_loop().time() - began

        bench.hold = hold
        first = dict(zip(everybody, await asyncio.gather(*map(timed, everybody)), strict=True))
        assert first.pop(culprit) >= 8
        assert max(first.values()) <= 3.5
        assert len(bench.batches()) == 21  # the batch, its ten parts, the ten of the part that was slow
        bench.server.calls.clear()
        for address in everybody:
            bench.reader.invalidate(address)
        again = dict(zip(everybody, await asyncio.gather(*map(timed, everybody)), strict=True))
        assert again.pop(culprit) >= 8
        assert max(again.values()) <= 0.5
        assert sorted(map(len, bench.batches())) == [1, 99]


async def test_while_one_is_searched_for_a_second_question_for_it_holds_nobody_up(kit: "Kit") -> None:
    everybody = named(20)
    async with Bench(kit).at_work(*everybody) as bench:

        async def hold(operation: Any) -> None:
            await asyncio.sleep(30 if everybody[7] in operation.addresses else 0.2)

        bench.hold = hold
        reads = [asyncio.create_task(bench.reader.agenda(address, lane=CHANGE)) for address in everybody]
        await asyncio.sleep(10)
        for address in everybody:
            bench.reader.invalidate(address)
        others = [address for address in everybody if address != everybody[7]]
        began = asyncio.get_running_loop().time()
        reads.append(asyncio.create_task(bench.reader.agenda(everybody[7], lane=CHANGE)))
        await bench.together(others)
        assert asyncio.get_running_loop().time() - began < 1
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_a_server_that_is_slow_as_a_whole_is_not_asked_by_ever_more_requests(kit: "Kit") -> None:
    everybody = named(100)
    async with Bench(kit).at_work(*everybody) as bench:
        bench.hold = slept(5)
        await bench.together(everybody)
        assert sorted(map(len, bench.batches())) == [10] * 10 + [100]
        bench.hold = None
        bench.server.calls.clear()
        for address in everybody:
            bench.reader.invalidate(address)
        await bench.together(everybody)
        assert [len(batch) for batch in bench.batches()] == [100]


async def test_a_batch_that_was_slow_is_smaller_the_next_time(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(8)) as bench:
        bench.hold = slept(3.5)
        await bench.together(named(8), BACKGROUND)
        for address in named(8):
            bench.reader.invalidate(address)
        await bench.together(named(8), BACKGROUND)
        assert [len(batch) for batch in bench.batches()] == [8, 4, 4]


async def test_a_mailbox_that_failed_rides_alone_for_an_hour(kit: "Kit") -> None:
    async with Bench(kit).at_work(*named(4)) as bench:
        bad = named(4)[1]
        bench.answers[bad] = ResponseError("ErrorMailboxStoreUnavailable")
        with pytest.raises(ResponseError):
            await bench.reader.agenda(bad, lane=CHANGE)
        bench.answers.clear()
        others = tuple(address for address in named(4) if address != bad)
        await bench.together(named(4))
        assert sorted(bench.batches()[1:]) == sorted([(bad,), others])
        await asyncio.sleep(3601)
        for address in named(4):
            bench.reader.invalidate(address)
        await bench.together(named(4))
        assert sorted(bench.batches()[-1]) == named(4)


@pytest.mark.parametrize("error", [EwsConnectionError("refused"), ServerBusy("ErrorServerBusy")])
async def test_nobody_rides_alone_because_the_server_itself_failed(kit: "Kit", error: EwsError) -> None:
    async with Bench(kit).at_work(*named(4)) as bench:
        bench.answers[named(4)[0]] = error
        results = await asyncio.gather(
            *(bench.reader.agenda(address, lane=CHANGE) for address in named(4)), return_exceptions=True
        )
        assert results == [error] * 4
        bench.answers.clear()
        await bench.together(named(4))
        assert bench.batches() == [tuple(named(4))] * 2


# --- an error is never an empty calendar


async def test_a_failed_read_keeps_the_last_agenda_and_marks_it_stale(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        known = await bench.reader.agenda("a@acme.test", lane=CHANGE)
        bench.answers["a@acme.test"] = ResponseError("ErrorMailboxMoveInProgress")
        bench.reader.invalidate("a@acme.test")
        with pytest.raises(ResponseError):
            await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert bench.reader.last("a@acme.test") is known
        assert dict(bench.reader.unread) == {"a@acme.test": "ErrorMailboxMoveInProgress"}
        assert bench.reader.counters.failed == 1
        # It is stale, not current: the next caller has it read.
        bench.answers.clear()
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert dict(bench.reader.unread) == {}


async def test_a_failure_that_a_later_read_has_overtaken_makes_nobody_failing(kit: "Kit") -> None:
    """The first read is answered with an error, long after one that was sent later has brought the calendar."""
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.answers["a@acme.test"] = ResponseError("ErrorTimeoutExpired")
        bench.hold = slept(6)
        slow = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=Lane.BACKGROUND))
        await asyncio.sleep(1)
        bench.answers.clear()
        bench.hold = None
        known = await bench.reader.agenda("a@acme.test", lane=CHANGE)
        with pytest.raises(ResponseError):
            await slow
        assert dict(bench.reader.unread) == {}
        assert await bench.reader.agenda("a@acme.test", lane=CHANGE) is known


async def test_an_agenda_that_a_later_read_has_overtaken_is_neither_kept_nor_handed_out(kit: "Kit") -> None:
    """No signal tells the two apart: the one that was sent later is the newer."""
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.answers["a@acme.test"] = busy("Before")
        bench.hold = slept(6)
        slow = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=Lane.BACKGROUND))
        await asyncio.sleep(1)
        bench.answers["a@acme.test"] = busy("After")
        bench.hold = None
        assert subjects(await bench.reader.agenda("a@acme.test", lane=CHANGE, fresh=True)) == ["After"]
        assert subjects(await slow) == ["After"]
        assert subjects(bench.reader.last("a@acme.test")) == ["After"]


async def test_an_agenda_is_kept_though_a_later_read_of_other_days_is_answered_first(kit: "Kit") -> None:
    """What was read for days that the cache does not hold says nothing about those that it does."""
    async with Bench(kit).at_work("a@acme.test") as bench:
        bench.answers["a@acme.test"] = busy("Before")
        await bench.reader.agenda("a@acme.test", lane=CHANGE)
        bench.reader.invalidate("a@acme.test")
        bench.answers["a@acme.test"] = busy("After")
        bench.hold = slept(6)
        slow = asyncio.create_task(bench.reader.agenda("a@acme.test", lane=CHANGE))
        await asyncio.sleep(1)
        bench.hold = None
        beyond = Window(start=NINE + 30 * DAY, end=NINE + 31 * DAY)
        await bench.reader.agenda("a@acme.test", beyond, lane=Lane.QUESTION)
        assert subjects(await slow) == ["After"]
        assert subjects(bench.reader.last("a@acme.test")) == ["After"]


async def test_a_stale_agenda_serves_for_twelve_hours_where_it_covers_the_question(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        asked = Window(start=NINE, end=TEN)
        assert bench.reader.stale("a@acme.test", asked) is None
        known = await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert bench.reader.stale("a@acme.test", Window(start=NINE, end=NINE + 30 * DAY)) is None
        await asyncio.sleep(12 * 3600 - 1)
        assert bench.reader.stale("a@acme.test", asked) is known
        await asyncio.sleep(2)
        assert bench.reader.stale("a@acme.test", asked) is None


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ResponseError("ErrorNoFreeBusyAccess"), False),
        (ResponseError("ErrorNonExistentMailbox"), False),
        (ResponseError("ErrorMailboxMoveInProgress"), True),
        (EwsConnectionError("refused", "nobody listens"), True),
    ],
)
async def test_a_calendar_that_may_not_be_seen_any_more_is_forgotten_after_a_day(
    kit: "Kit", error: EwsError, kept: bool
) -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        known = await bench.reader.agenda("a@acme.test", lane=CHANGE)
        bench.answers["a@acme.test"] = error
        for hours in (0, 23.9, 0.2):
            await asyncio.sleep(hours * 3600)
            assert bench.reader.last("a@acme.test") is known
            bench.reader.invalidate("a@acme.test")
            with pytest.raises(EwsError):
                await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert (bench.reader.last("a@acme.test") is known) is kept


async def test_of_a_calendar_that_is_forgotten_nothing_is_kept(kit: "Kit") -> None:
    async with Bench(kit).at_work("a@acme.test") as bench:
        known = await bench.reader.agenda("a@acme.test", lane=CHANGE)
        entry = bench.reader.entry("a@acme.test")
        assert entry is not None
        entry.shown = (known, Privacy.FULL, "en", digest_events((), known.window))
        bench.answers["a@acme.test"] = ResponseError("ErrorNoFreeBusyAccess")
        for hours in (0, 24.1):
            await asyncio.sleep(hours * 3600)
            bench.reader.invalidate("a@acme.test")
            with pytest.raises(EwsError):
                await bench.reader.agenda("a@acme.test", lane=CHANGE)
        assert entry.shown is None


async def test_a_server_that_does_not_answer_is_an_error(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        bench.owns["a@acme.test"] = EwsConnectionError("refused")
        with pytest.raises(EwsConnectionError):
            await bench.reader.agenda("a@acme.test", lane=QUESTION)
        assert bench.reader.last("a@acme.test") is None
        assert dict(bench.reader.unread) == {"a@acme.test": "refused"}


# --- read modes


async def test_without_impersonation_mailboxes_are_read_together(kit: "Kit") -> None:
    async with Bench(kit).at_work() as bench:
        bench.add("a@acme.test", mode=Mode.OWN)  # remembered from when impersonation was on
        bench.answers["a@acme.test"] = busy(None)
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == [None]
        assert bench.reader.mode("a@acme.test") is Mode.BATCHED


async def test_with_impersonation_a_mailbox_is_read_as_its_owner(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == ["Planning"]
        assert bench.server.impersonated == ["a@acme.test"]
        assert bench.reader.modes() == {Mode.BATCHED: 0, Mode.OWN: 1}


async def test_the_remembered_mode_is_tried_first(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work() as bench:
        bench.add("a@acme.test", mode=Mode.BATCHED)
        await bench.reader.agenda("a@acme.test", lane=QUESTION)
        assert bench.server.impersonated == [""]


async def test_busy_only_always_reads_together_and_wants_no_details(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True, privacy=Privacy.BUSY_ONLY).at_work("a@acme.test") as bench:
        bench.answers["a@acme.test"] = busy(None)
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == [None]
        assert bench.server.impersonated == [""]
        assert [call.subjects for call in bench.server.calls] == [False]
        assert bench.reader.mode("a@acme.test") is Mode.BATCHED


async def test_whose_subjects_are_wanted_and_whose_are_not_never_share_a_request(kit: "Kit") -> None:
    async with Bench(kit).at_work() as bench:
        bench.levels = dict.fromkeys(named(9)[::3], Privacy.BUSY_ONLY)
        bench.add(*named(9))
        await bench.together(named(9))
        batches = {call.addresses: call.subjects for call in bench.server.calls}
        assert sorted(map(len, batches)) == [3, 6]
        assert {address for addresses, wanted in batches.items() for address in addresses if not wanted} == set(
            named(9)[::3]
        )


async def test_whoever_shows_no_subjects_any_more_takes_them_from_nobody_else(kit: "Kit") -> None:
    """Both were asked for together when the level of one changed, and are read again."""
    async with Bench(kit).at_work("a@acme.test", "b@acme.test") as bench:
        bench.hold = slept(0.6)
        reading = asyncio.create_task(bench.together(["a@acme.test", "b@acme.test"]))
        await asyncio.sleep(0.3)
        bench.levels["a@acme.test"] = Privacy.BUSY_ONLY
        bench.reader.invalidate("a@acme.test")
        bench.reader.invalidate("b@acme.test")
        await reading
        assert [(call.addresses, call.subjects) for call in bench.server.calls] == [
            (("a@acme.test", "b@acme.test"), True),
            (("a@acme.test",), False),
            (("b@acme.test",), True),
        ]


async def test_a_mailbox_without_an_address_is_read_as_its_owner_without_subjects(kit: "Kit") -> None:
    """At busy-only, that is: there is no other way to read it."""
    async with Bench(kit, impersonation=True, privacy=Privacy.BUSY_ONLY).at_work() as bench:
        bench.reader.add(Mailbox(address="u17@corp.test", principal="U17@corp.test"))
        await bench.reader.agenda("u17@corp.test", lane=QUESTION)
        assert [(type(call), call.subjects) for call in bench.server.calls] == [(FindItem, False)]


async def test_who_may_not_be_impersonated_is_read_with_others(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        bench.owns["a@acme.test"] = ResponseError("ErrorImpersonateUserDenied")
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == ["Planning"]
        assert bench.reader.mode("a@acme.test") is Mode.BATCHED
        assert dict(bench.reader.unread) == {}


async def test_who_may_neither_be_impersonated_nor_seen_in_detail_is_shown_without(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        bench.owns["a@acme.test"] = ResponseError("ErrorImpersonateUserDenied")
        bench.answers["a@acme.test"] = busy(None)
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == [None]
        assert len(bench.server.calls) == 2
        # The refusal is believed for a day, then tried anew.
        await asyncio.sleep(24 * 3600 + 1)
        bench.owns.clear()
        assert subjects(await bench.reader.agenda("a@acme.test", lane=BACKGROUND, fresh=True)) == ["Planning"]
        assert bench.reader.mode("a@acme.test") is Mode.OWN


async def test_a_result_without_details_is_never_handed_out_where_the_owner_shows_them(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work() as bench:
        bench.add(*named(3), mode=Mode.BATCHED)
        for address in named(3)[1:]:
            bench.answers[address] = busy(None)
        agendas = await bench.together(named(3))
        assert [subjects(agenda) for agenda in agendas] == [["Planning"]] * 3
        assert [bench.reader.mode(address) for address in named(3)] == [Mode.BATCHED, Mode.OWN, Mode.OWN]
        assert bench.server.impersonated == ["", *named(3)[1:]]


async def test_an_empty_calendar_says_nothing_about_rights(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work() as bench:
        bench.add("a@acme.test", mode=Mode.BATCHED)
        bench.answers["a@acme.test"] = NOTHING
        assert subjects(await bench.reader.agenda("a@acme.test", lane=QUESTION)) == []
        assert bench.reader.mode("a@acme.test") is Mode.BATCHED


async def test_reading_together_is_tried_anew_daily_and_kept_where_details_come(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=BACKGROUND)
        for _ in range(8):
            await asyncio.sleep(6 * 3600)
            await bench.reader.agenda("a@acme.test", lane=BACKGROUND, fresh=True)
        assert bench.reader.mode("a@acme.test") is Mode.BATCHED
        assert bench.server.impersonated == ["a@acme.test"] * 5 + [""] * 4


async def test_reading_together_is_not_tried_where_private_subjects_are_masked(kit: "Kit") -> None:
    """Availability knows no other sensitivity than private: what was masked today would be shown tomorrow."""
    async with Bench(kit, impersonation=True, privacy=Privacy.PRIVATE_MASKED).at_work("a@acme.test") as bench:
        await bench.reader.agenda("a@acme.test", lane=BACKGROUND)
        for _ in range(8):
            await asyncio.sleep(6 * 3600)
            await bench.reader.agenda("a@acme.test", lane=BACKGROUND, fresh=True)
        assert bench.server.impersonated == ["a@acme.test"] * 9


async def test_reading_together_is_given_up_again_where_details_are_missing(kit: "Kit") -> None:
    async with Bench(kit, impersonation=True).at_work("a@acme.test") as bench:
        bench.answers["a@acme.test"] = busy(None)
        seen = [subjects(await bench.reader.agenda("a@acme.test", lane=BACKGROUND))]
        for _ in range(5):
            await asyncio.sleep(6 * 3600)
            seen.append(subjects(await bench.reader.agenda("a@acme.test", lane=BACKGROUND, fresh=True)))
        assert seen == [["Planning"]] * 6
        assert bench.server.impersonated == ["a@acme.test"] * 5 + ["", "a@acme.test"]
        assert bench.reader.mode("a@acme.test") is Mode.OWN


# --- the lab's Exchange


async def test_a_change_during_a_read_that_the_server_answers_late(kit: "Kit", make_exchange: "MakeExchange") -> None:
    """The lab takes its snapshot as the request arrives, and answers two seconds later."""
    exchange = await make_exchange("ann@acme.test", late_seconds=2.0)
    reader = Reader(
        exchange.client, impersonation=True, privacy=lambda _: Privacy.FULL, now=kit.now, watched=lambda _: True
    )
    reader.add(Mailbox(address="ann@acme.test"))
    async with kit.running(reader.run()):
        reading = asyncio.create_task(reader.agenda("ann@acme.test", lane=CHANGE))
        await asyncio.sleep(1)
        exchange.appointment("ann@acme.test", subject="Just made")
        reader.invalidate("ann@acme.test")
        assert subjects(await reading) == ["Just made"]
    assert len(exchange.requests("FindItem")) == 2


async def test_rights_on_a_real_wire(kit: "Kit", make_exchange: "MakeExchange") -> None:
    """Impersonation alone shows no details in availability, a reviewer sees them, without rights there is an error."""
    rights = {"ann": "reviewer", "bob": "freebusy", "eve": "none"}
    exchange = await make_exchange(
        *(LabMailbox(address=f"{name}@acme.test", right=right) for name, right in rights.items())
    )
    for name in rights:
        exchange.appointment(f"{name}@acme.test")
    reader = Reader(
        exchange.client, impersonation=False, privacy=lambda _: Privacy.FULL, now=kit.now, watched=lambda _: True
    )
    for name in rights:
        reader.add(Mailbox(address=f"{name}@acme.test"))
    async with kit.running(reader.run()):
        results = await asyncio.gather(
            *(reader.agenda(f"{name}@acme.test", lane=QUESTION) for name in rights), return_exceptions=True
        )
    assert isinstance(results[0], Agenda)
    assert isinstance(results[1], Agenda)
    assert (subjects(results[0]), subjects(results[1])) == (["Planning"], [None])
    assert isinstance(results[2], ResponseError)
    assert results[2].code == "ErrorNoFreeBusyAccess"
    assert len(exchange.requests("GetUserAvailability")) == 1


async def test_appointments_that_could_not_be_read_are_counted(kit: "Kit") -> None:
    bench = Bench(kit)
    bench.answers["ann@acme.test"] = replace(busy(), unreadable=2)
    async with bench.at_work("ann@acme.test"):
        assert subjects(await bench.reader.agenda("ann@acme.test", lane=CHANGE)) == ["Planning"]
        assert bench.reader.counters.unreadable_appointments == 2


def series() -> FindItemResponse:
    """A series given as one: it began long ago."""
    item = CalendarItem(
        start=NINE - 30 * DAY, end=TEN - 30 * DAY, uid="2", subject="Weekly", calendar_item_type="RecurringMaster"
    )
    return FindItemResponse(items=(item,), includes_last=True)


async def test_where_series_are_given_as_one_everybody_is_read_by_free_busy(kit: "Kit") -> None:
    bench = Bench(kit, impersonation=True)
    bench.answers = {name: busy("Weekly") for name in named(3)}
    async with bench.at_work(*named(3)):
        first, second, third = named(3)
        assert subjects(await bench.reader.agenda(first, lane=CHANGE)) == ["Planning"]
        assert not bench.reader.unexpanded()
        bench.owns[second] = series()
        assert subjects(await bench.reader.agenda(second, lane=CHANGE)) == ["Weekly"]
        assert bench.reader.unexpanded()
        assert bench.reader.modes() == {Mode.BATCHED: 3, Mode.OWN: 0}
        assert sorted(bench.hidden) == [first, third], "what was read of the first may lack meetings too"
        bench.reader.invalidate(first)
        assert subjects(await bench.reader.agenda(first, lane=CHANGE)) == ["Weekly"]
        bench.add("new@acme.test", mode=Mode.OWN)
        assert bench.reader.mode("new@acme.test") is Mode.BATCHED


async def test_meetings_that_are_missing_make_nobody_free_whom_free_busy_cannot_tell_of(kit: "Kit") -> None:
    bench = Bench(kit, impersonation=True)
    async with bench.at_work():
        bench.reader.add(Mailbox(address="u17@corp.test", principal="U17@corp.test"))
        assert subjects(await bench.reader.agenda("u17@corp.test", lane=CHANGE)) == ["Planning"]
        bench.owns["U17@corp.test"] = series()
        with pytest.raises(MalformedResponse, match="series given as one"):
            await bench.reader.agenda("u17@corp.test", lane=CHANGE, fresh=True)
        assert subjects(bench.reader.last("u17@corp.test")) == ["Planning"]


async def test_free_busy_without_subjects_goes_before_meetings_that_are_missing_and_is_tried_anew_daily(
    kit: "Kit",
) -> None:
    bench = Bench(kit, impersonation=True)
    bench.answers["ann@acme.test"], bench.owns["ann@acme.test"] = busy(None), series()
    monday = Window(start=NINE, end=TEN)
    async with bench.at_work("ann@acme.test"):
        for _ in range(3):
            assert subjects(await bench.reader.agenda("ann@acme.test", monday, lane=CHANGE, fresh=True)) == [None]
        assert sum(isinstance(call, FindItem) for call in bench.server.calls) == 1
        await asyncio.sleep(DAY.total_seconds())
        assert subjects(await bench.reader.agenda("ann@acme.test", monday, lane=CHANGE, fresh=True)) == [None]
        assert sum(isinstance(call, FindItem) for call in bench.server.calls) == 2
        bench.owns["ann@acme.test"] = own("Weekly")  # the server has learnt it
        await asyncio.sleep(DAY.total_seconds())
        assert subjects(await bench.reader.agenda("ann@acme.test", monday, lane=CHANGE, fresh=True)) == ["Weekly"]
        assert not bench.reader.unexpanded()
