"""Who is out of the office, as the lab's Exchange tells: by tips for all, by settings for the truth."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError
from rainbow_exchange.model import Mailbox, OofState, OutOfOffice

if TYPE_CHECKING:
    from tests.bridge.conftest import Exchange, Kit, MakeExchange

ANN, BOB = "ann@acme.test", "bob@acme.test"
DISABLED = OutOfOffice(state=OofState.DISABLED)
HOUR = 3600.0


class Bench:
    """A watch over these mailboxes, and who was said to have changed."""

    def __init__(self, kit: "Kit", client: Any, *, impersonation: bool, sending_as: str | None) -> None:
        self.changed: list[str] = []
        self.held_back = 0.0
        self.slept = timedelta(0)
        self.watch = OutOfOfficeWatch(
            client,
            impersonation=impersonation,
            sending_as=sending_as,
            changed=self.changed.append,
            held_back=lambda: self.held_back,
            now=lambda: kit.now() + self.slept,
            random=lambda: 0.5,
        )

    def add(self, *addresses: str) -> None:
        for address in addresses:
            self.watch.add(Mailbox(address=address))

    def state(self, address: str = ANN) -> OofState | None:
        absence = self.watch.current(address)
        return absence.state if absence else None

    def seen_at(self, address: str) -> datetime:
        entry = self.watch.known(address)
        assert entry is not None
        assert entry.seen_at is not None
        return entry.seen_at


@pytest.fixture
def make_bench(kit: "Kit") -> Callable[..., Bench]:
    def make(exchange: "Exchange", *, impersonation: bool = True, sending_as: str | None = None) -> Bench:
        return Bench(kit, exchange.client, impersonation=impersonation, sending_as=sending_as)

    return make


MakeBench = Callable[..., Bench]


async def test_nobody_away(kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) and bench.state(BOB))
    assert (bench.watch.current(ANN), bench.watch.current(BOB)) == (DISABLED, DISABLED)
    assert sorted(bench.changed) == [ANN, BOB]


async def test_a_mailbox_known_only_by_its_upn_is_named_in_no_request_and_spoils_nobodys(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB, keep_bodies=True)
    exchange.away(ANN, text="away")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.watch.add(Mailbox(address="u17@corp.test", principal="U17@corp.test"))
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) is OofState.ENABLED and bench.state(BOB))
        await asyncio.sleep(1000)
        with pytest.raises(ResponseError, match="NoSmtpAddress"):
            await bench.watch.read("u17@corp.test")
        bodies = [each["body"] + each["anchor"] for each in exchange.lab.record.read()]
        assert not any("corp.test" in body.lower() for body in bodies)
        unreadable = bench.watch.unreadable()
        assert unreadable is not None
        assert (unreadable.mailboxes, unreadable.reason) == (1, "NoSmtpAddress")


async def test_an_absence_is_found_within_a_minute_and_its_settings_read(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(90)
        bench.changed.clear()
        read_before = len(exchange.requests("GetUserOofSettings"))
        exchange.away(ANN, text="<html><body><p>Back on Monday</p></body></html>")
        await kit.until(lambda: bench.changed, limit=64)
        assert bench.watch.current(ANN) == OutOfOffice(state=OofState.ENABLED, internal_text="Back on Monday")
        assert [each["impersonated"] for each in exchange.requests("GetUserOofSettings")[read_before:]] == [ANN]
        # And its end as well.
        exchange.away(ANN, "Disabled")
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=64)
    assert bench.changed == [ANN, ANN]


async def test_a_changed_text_reads_the_settings(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, text="one")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.ENABLED)
        exchange.away(ANN, text="two")
        two = OutOfOffice(state=OofState.ENABLED, internal_text="two")
        await kit.until(lambda: bench.watch.current(ANN) == two, limit=64)


async def test_a_plan_for_later_is_found_in_turn(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(5 * 60)
        exchange.away(ANN, "Scheduled", text="holiday", start=2, end=50)
        await asyncio.sleep(9 * 60)
        assert bench.state() is OofState.DISABLED
        await asyncio.sleep(2 * 60)
        assert bench.state() is OofState.SCHEDULED
        await asyncio.sleep(HOUR)
    for address in (ANN, BOB):
        assert 5 <= len(exchange.requests("GetUserOofSettings", address)) <= 7


async def test_whoever_is_suspected_to_go_is_looked_at_in_the_next_round_and_not_again_for_a_while(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        bench.watch.suspect(BOB)  # nobody we know
        await asyncio.sleep(6 * 60)
        exchange.away(ANN, "Scheduled", text="holiday", start=2, end=50)
        for _ in range(3):
            bench.watch.suspect(ANN)
            await asyncio.sleep(64)
            assert bench.state() is OofState.SCHEDULED
        assert len(exchange.requests("GetUserOofSettings", ANN)) == 2


async def test_whoever_is_suspected_right_after_a_look_is_looked_at_again_in_five_minutes(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.DISABLED)
        await asyncio.sleep(30)
        exchange.away(ANN, "Scheduled", text="holiday", start=2, end=50)
        bench.watch.suspect(ANN)
        await asyncio.sleep(4 * 60)
        assert bench.state() is OofState.DISABLED
        await asyncio.sleep(3 * 60)
        assert bench.state() is OofState.SCHEDULED
        assert len(exchange.requests("GetUserOofSettings", ANN)) == 2


async def test_a_schedule_is_known_before_it_begins_and_stays_while_the_tip_says_nothing(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, "Scheduled", text="holiday", start=2, end=50)
    bench = make_bench(exchange)
    start = kit.now() + timedelta(hours=2)
    expected = OutOfOffice(
        state=OofState.SCHEDULED, start=start, end=start + timedelta(hours=48), internal_text="holiday"
    )
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.watch.current(ANN) == expected)
        bench.changed.clear()
        await asyncio.sleep(4 * HOUR)  # past its beginning
        assert bench.watch.current(ANN) == expected
    assert bench.changed == []


async def test_a_tip_that_lags_behind_the_beginning_does_not_end_a_schedule(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, "Scheduled", text="", start=0.1, end=50)  # without a text the lab's tip says nothing
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.SCHEDULED)
        bench.changed.clear()
        await asyncio.sleep(HOUR)
        assert bench.state() is OofState.SCHEDULED
    assert bench.changed == []
    assert len(exchange.requests("GetUserOofSettings")) <= 2 + 60 / 5


async def test_an_absence_ended_between_two_polls_does_not_stay(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    """The settings were read while somebody was out, and no tip ever showed it."""
    exchange = await make_exchange(ANN, pending_mail_tips=[ANN])
    exchange.away(ANN, text="away")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.ENABLED)
        exchange.away(ANN, "Disabled")
        exchange.lab.dials.turn({"pending_mail_tips": []})
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=120)


async def test_a_pending_tip_keeps_the_old_value(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, text="away")
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.ENABLED)
        exchange.lab.dials.turn({"pending_mail_tips": [ANN]})
        exchange.away(ANN, "Disabled")
        await asyncio.sleep(600)
        assert bench.state() is OofState.ENABLED
        exchange.lab.dials.turn({"pending_mail_tips": []})
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=120)


async def test_whoever_is_out_is_read_before_those_whose_turn_it_is(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    names = [f"u{number:03d}@acme.test" for number in range(20)]
    exchange = await make_exchange(*names)
    exchange.away(names[17], text="away")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await kit.until(lambda: bench.state(names[17]) is OofState.ENABLED)
        assert exchange.requests("GetUserOofSettings")[0]["impersonated"] == names[17]


async def test_a_plan_is_confirmed_shortly_before_it_begins(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, "Scheduled", text="holiday", start=1, end=2)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.SCHEDULED)
        await asyncio.sleep(HOUR - 5 * 60)
        exchange.away(ANN, "Disabled")
        read = len(exchange.requests("GetUserOofSettings"))
        await asyncio.sleep(2 * 60)
        assert len(exchange.requests("GetUserOofSettings")) == read
        assert bench.state() is OofState.SCHEDULED
        await asyncio.sleep(2 * 60)
        assert len(exchange.requests("GetUserOofSettings")) == read + 1
        assert bench.state() is OofState.DISABLED


async def test_a_pending_tip_is_no_reason_to_read_settings_at_once(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(90)
        exchange.lab.dials.turn({"pending_mail_tips": [ANN, BOB]})
        read = len(exchange.requests("GetUserOofSettings"))
        await asyncio.sleep(4 * 60)
        assert len(exchange.requests("GetUserOofSettings")) == read
        await asyncio.sleep(HOUR)
        # each of them every five minutes
        assert 20 <= len(exchange.requests("GetUserOofSettings")) - read <= 26


async def test_a_server_in_trouble_has_not_given_up_its_tips(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, text="away")
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.ENABLED)
        for trouble in (
            {"mailbox_errors": {ANN: "ErrorMailboxMoveInProgress"}},
            {"faults": {"GetMailTips": "ErrorADUnavailable"}},
        ):
            exchange.lab.dials.turn(trouble)
            await asyncio.sleep(300)
            assert bench.state() is OofState.ENABLED
        exchange.lab.dials.turn({"mailbox_errors": {}, "faults": {}})
        exchange.away(ANN, "Disabled")
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=64)


async def test_without_impersonation_there_is_enabled_and_disabled_only(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB)
    exchange.away(ANN, "Scheduled", text="holiday", start=-1, end=2)
    exchange.away(BOB, "Scheduled", text="later", start=10, end=20)
    bench = make_bench(exchange, impersonation=False, sending_as="svc@acme.test")
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) and bench.state(BOB))
        assert bench.watch.current(ANN) == OutOfOffice(state=OofState.ENABLED, internal_text="holiday")
        assert bench.watch.current(BOB) == DISABLED
        await asyncio.sleep(2 * HOUR + 120)
        assert bench.watch.current(ANN) == DISABLED
    assert exchange.requests("GetUserOofSettings") == []
    assert {each["impersonated"] for each in exchange.requests("GetMailTips")} == {""}
    assert all("svc@acme.test" in each["mailboxes"] for each in exchange.requests("GetMailTips"))


async def test_each_batch_impersonates_one_of_its_own(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    names = [f"u{number:03d}@acme.test" for number in range(120)]
    exchange = await make_exchange(*names, mail_tips_limit=50)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await kit.until(lambda: all(bench.state(name) for name in names))
    tips = exchange.requests("GetMailTips")[:3]
    assert [len(each["mailboxes"]) for each in tips] == [50, 50, 20]
    assert all(each["impersonated"] in each["mailboxes"] for each in tips)
    assert len({each["impersonated"] for each in tips}) == 3


async def test_polling_keeps_to_ten_seconds_of_the_servers_time_a_minute(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    names = [f"u{number:03d}@acme.test" for number in range(90)]
    exchange = await make_exchange(
        *names, mail_tips_limit=10, delay_seconds=5.0, delay_operations=["GetMailTips", "GetUserOofSettings"]
    )
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await asyncio.sleep(900)
        assert 250 <= bench.watch.counters.period <= 300  # nine batches of 5 s, each with 25 s of rest
    assert 28 <= len(exchange.requests("GetMailTips")) <= 32


async def test_whoever_is_out_is_polled_first(kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench) -> None:
    names = [f"u{number:03d}@acme.test" for number in range(20)]
    exchange = await make_exchange(*names, mail_tips_limit=10)
    exchange.away(names[17], text="away")
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await kit.until(lambda: all(bench.state(name) for name in names))
        before = len(exchange.requests("GetMailTips"))
        await kit.until(lambda: len(exchange.requests("GetMailTips")) > before + 1, limit=120)
    assert names[17] in exchange.requests("GetMailTips")[before]["mailboxes"]


@pytest.mark.parametrize("impersonation", [True, False])
async def test_what_stays_as_it_is_is_confirmed_by_each_answer_and_a_change_seen_within_a_minute(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench, *, impersonation: bool
) -> None:
    exchange = await make_exchange(ANN, BOB)
    exchange.away(BOB, text="away")
    bench = make_bench(exchange, impersonation=impersonation)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) and bench.state(BOB))
        for _ in range(5):
            await asyncio.sleep(150)
            assert all(kit.now() - bench.seen_at(each) <= timedelta(seconds=65) for each in (ANN, BOB))
        told = len(bench.changed)
        exchange.away(ANN, text="away, too")
        await kit.until(lambda: bench.state(ANN) is OofState.ENABLED, limit=65)
        assert bench.changed[told:] == [ANN]
        exchange.away(ANN, "Disabled")
        await kit.until(lambda: bench.state(ANN) is OofState.DISABLED, limit=65)
        assert bench.state(BOB) is OofState.ENABLED


async def test_polling_pauses_while_exchange_wants_to_be_left_alone(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    bench = make_bench(exchange, impersonation=False)
    bench.held_back = 600.0
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await asyncio.sleep(590)
        assert len(exchange.requests("GetServiceConfiguration")) == 1
        assert exchange.requests("GetMailTips") == []


async def test_a_newcomer_is_polled_at_once(kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state(ANN))
        await asyncio.sleep(10)
        bench.add(BOB)
        await kit.until(lambda: bench.state(BOB), limit=2)


async def test_who_is_forgotten_is_polled_no_more(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB)
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(90)
        bench.watch.forget(ANN)
        assert bench.watch.current(ANN) is None
        exchange.lab.record.clear()
        await asyncio.sleep(2 * HOUR)
    assert exchange.requests("GetMailTips", ANN) == []
    assert exchange.requests("GetUserOofSettings", ANN) == []
    assert exchange.requests("GetMailTips", BOB) != []


async def test_who_is_forgotten_while_asked_about_is_polled_no_more(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    """Nor does the end of an absence have it looked at that nobody has any more."""
    exchange = await make_exchange(ANN, BOB)
    exchange.away(ANN, "Scheduled", text="holiday", start=-1, end=2)
    bench = make_bench(exchange, impersonation=False)
    bench.add(ANN, BOB)
    asked = asyncio.create_task(bench.watch.read(ANN))
    await asyncio.sleep(0.01)
    bench.watch.forget(ANN)
    await asyncio.wait([asked])
    assert isinstance(asked.exception(), ResponseError)
    async with kit.running(bench.watch.run()):
        await asyncio.sleep(3 * HOUR)
        exchange.away(BOB, text="away")
        await kit.until(lambda: bench.state(BOB) is OofState.ENABLED, limit=75)


async def test_where_tips_are_disabled_the_settings_still_tell(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, mail_tips_enabled=False)
    exchange.away(ANN, text="away")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await kit.until(lambda: bench.state() is OofState.ENABLED)
        exchange.away(ANN, "Disabled")
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=66)
        exchange.away(ANN, text="away again")
        await kit.until(lambda: bench.state() is OofState.ENABLED, limit=66)
        read, asked = len(exchange.requests("GetUserOofSettings")), len(exchange.requests("GetServiceConfiguration"))
        await asyncio.sleep(600)
    assert exchange.requests("GetMailTips") == []
    # each minute, not each second
    assert 8 <= len(exchange.requests("GetUserOofSettings")) - read <= 12
    assert len(exchange.requests("GetServiceConfiguration")) == asked


async def test_where_settings_are_denied_the_tip_stands_in(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB, faults={"GetUserOofSettings": "ErrorAccessDenied"})
    exchange.away(ANN, text="away")
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) and bench.state(BOB))
        assert bench.watch.current(ANN) == OutOfOffice(state=OofState.ENABLED, internal_text="away")
        assert bench.watch.current(BOB) == DISABLED
        assert bench.watch.counters.failed > 0
        exchange.away(ANN, "Disabled")
        await kit.until(lambda: bench.state(ANN) is OofState.DISABLED, limit=90)


async def test_one_mailbox_in_trouble_leaves_the_others(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB, mailbox_errors={ANN: "ErrorMailboxStoreUnavailable"})
    bench = make_bench(exchange, impersonation=False)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(BOB))
    assert bench.watch.current(ANN) is None
    assert isinstance(bench.watch.last_error, ResponseError)
    assert bench.watch.last_error.code == "ErrorMailboxStoreUnavailable"


async def test_a_server_that_is_away_is_asked_again(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    port = int(exchange.lab.base.rpartition(":")[2])
    await exchange.lab.stop()
    bench = make_bench(exchange)
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await asyncio.sleep(200)
        assert bench.state() is None
        assert isinstance(bench.watch.last_error, EwsConnectionError)
        await exchange.lab.start(port=port)
        await kit.until(lambda: bench.state() is OofState.DISABLED, limit=1200)


# --- a question that comes before the first poll


async def test_a_question_reads_the_settings_once(make_exchange: "MakeExchange", make_bench: MakeBench) -> None:
    exchange = await make_exchange(ANN)
    exchange.away(ANN, text="away")
    bench = make_bench(exchange)
    bench.add(ANN)
    for _ in range(2):
        assert await bench.watch.read(ANN) == OutOfOffice(state=OofState.ENABLED, internal_text="away")
    assert len(exchange.requests("GetUserOofSettings")) == 1


async def test_without_impersonation_a_question_reads_the_tip(
    make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN)
    bench = make_bench(exchange, impersonation=False)
    bench.add(ANN)
    assert await bench.watch.read(ANN) == DISABLED


async def test_without_impersonation_many_questions_at_once_are_one_request(
    make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    many = [f"u{number}@acme.test" for number in range(50)]
    exchange = await make_exchange(*many)
    bench = make_bench(exchange, impersonation=False)
    bench.add(*many)
    assert await asyncio.gather(*map(bench.watch.read, many)) == [DISABLED] * 50
    assert len(exchange.requests("GetServiceConfiguration")) == 1
    assert [sorted(each["mailboxes"]) for each in exchange.requests("GetMailTips")] == [sorted(many)]


async def test_newcomers_are_asked_about_with_those_of_whom_rainbow_wants_to_know(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    """They are to be polled anyway, and then need not be."""
    many = [f"u{number}@acme.test" for number in range(50)]
    exchange = await make_exchange(*many, "u50@acme.test")
    bench = make_bench(exchange, impersonation=False)
    bench.add(*many)
    await asyncio.gather(*map(bench.watch.read, many[:2]))
    assert [bench.watch.current(address) for address in many] == [DISABLED] * 50
    bench.add("u50@acme.test")
    async with kit.running(bench.watch.run()):
        await asyncio.sleep(30)
        assert [len(each["mailboxes"]) for each in exchange.requests("GetMailTips")] == [50, 1]


async def test_what_could_not_be_read_is_an_error_and_not_disabled(
    make_exchange: "MakeExchange", make_bench: MakeBench
) -> None:
    exchange = await make_exchange(ANN, BOB, pending_mail_tips=[ANN], mailbox_errors={BOB: "ErrorAccessDenied"})
    bench = make_bench(exchange, impersonation=False)
    bench.add(ANN, BOB)
    for address in (ANN, BOB):
        with pytest.raises(ResponseError):
            await bench.watch.read(address)
    unreadable = bench.watch.unreadable()
    assert unreadable is not None
    assert unreadable.mailboxes == 2
    with pytest.raises(KeyError):
        await bench.watch.read("nobody@acme.test")


async def test_settings_that_cannot_be_read_are_an_error(make_exchange: "MakeExchange", make_bench: MakeBench) -> None:
    exchange = await make_exchange(ANN, impersonation=False)
    bench = make_bench(exchange)
    bench.add(ANN)
    with pytest.raises(ResponseError):
        await bench.watch.read(ANN)
    assert bench.watch.current(ANN) is None


@pytest.mark.parametrize("impersonation", [True, False])
async def test_an_absence_that_may_not_be_seen_any_more_is_forgotten_after_a_day(
    kit: "Kit", make_exchange: "MakeExchange", make_bench: MakeBench, impersonation: bool
) -> None:
    exchange = await make_exchange(ANN, BOB)
    exchange.away(ANN, text="away")
    exchange.away(BOB, text="away")
    bench = make_bench(exchange, impersonation=impersonation, sending_as=BOB)
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.state(ANN) is bench.state(BOB) is OofState.ENABLED)
        exchange.lab.dials.mailbox_errors[ANN] = "ErrorAccessDenied"
        await asyncio.sleep(200)
        bench.slept = timedelta(hours=23)
        await asyncio.sleep(600)
        assert bench.state(ANN) is OofState.ENABLED
        bench.slept += timedelta(hours=1)
        await kit.until(lambda: bench.watch.current(ANN) is None)
        assert bench.state(BOB) is OofState.ENABLED
