"""From a notification of Exchange, and from the clock, to who is told."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.bridge.coverage import not_read
from rainbow_exchange.bridge.parts import Cause
from rainbow_exchange.rainbow.types import Question

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


@pytest.fixture
async def bridge(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> "Bridge":
    """Give the whole bridge for Ann and Bob, not running yet."""
    exchange = await make_exchange(ANN, BOB)
    return make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))


async def ask(bridge: "Bridge", email: str = ANN, kind: str = "events") -> None:
    """Ask and take the answer, as Rainbow does after a notify."""
    (await bridge.parts.answers.answer(Question(kind=kind, email=email))).sent()


async def test_at_the_start_everybody_is_told_with_force(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        entries = bridge.rainbow.lab.record.notifies
        assert {name for entry in entries if entry["force"] for name in entry["ids"]} == {"ann", "bob"}
        assert bridge.parts.counters.changes == 0
        assert bridge.latencies == []


async def test_a_change_is_told_within_two_seconds(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        before = bridge.notified("ann")
        bridge.exchange.appointment(ANN)
        await kit.until(lambda: bridge.notified("ann") > before, limit=2.0)
        assert bridge.notified("bob") == 1
        await kit.until(lambda: bridge.latencies)
        assert 0.15 <= bridge.latencies[0] <= 2.0
        assert bridge.parts.counters.changes == 1
        told = [values for event, values in bridge.observed if event == "change_told"]
        assert [(each["user"], each["mailbox"], each["kind"]) for each in told] == [("ann", ANN, "calendar")]


async def test_what_follows_the_notify_is_measured_until_rainbow_has_asked(kit: "Kit", bridge: "Bridge") -> None:
    hour = bridge.parts.times.timings.hour
    async with bridge.at_work("ann", "bob"):
        await ask(bridge)
        bridge.exchange.appointment(ANN)
        await kit.until(lambda: bridge.latencies)
        await asyncio.sleep(3)
        assert bridge.answered == []  # nor does the start count
        await ask(bridge, kind="autoreply")
        assert bridge.answered == []
        await ask(bridge)
        await ask(bridge)
        [seconds] = bridge.answered
        assert seconds == pytest.approx(3, abs=0.2)
        bridge.exchange.away(ANN, text="Out")
        await kit.until(lambda: hour.whole(kit.now()).absences, limit=120)
        seen = hour.whole(kit.now())
        assert (seen.calendars, seen.absences, len(seen.told), len(seen.asked)) == (1, 1, 1, 1)


async def test_the_pair_of_notifications_costs_one_read(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        reads = len(bridge.exchange.requests("FindItem", ANN))
        bridge.exchange.appointment(ANN)
        await kit.until(lambda: bridge.latencies)
        await asyncio.sleep(5)
        assert len(bridge.exchange.requests("FindItem", ANN)) == reads + 1


async def test_a_notification_that_changes_nothing_tells_nobody(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.appointment(ANN, hours=24 * 60)  # beyond the window
        await asyncio.sleep(5)
        assert bridge.notified("ann") == 1
        assert bridge.parts.counters.signals > 0


async def test_a_change_during_a_late_answer_is_not_lost(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.lab.dials.turn({"late_seconds": 3.0})
        bridge.exchange.appointment(ANN, subject="first")
        await asyncio.sleep(1.5)  # the first is being read
        bridge.exchange.appointment(ANN, subject="second", hours=3)
        await kit.until(lambda: bridge.latencies)
        await asyncio.sleep(10)
        last = bridge.parts.reader.last(ANN)
        assert last is not None
        assert [each.subject for each in last.appointments] == ["first", "second"]
        await ask(bridge)
        assert bridge.parts.ledger.unanswered() == ["bob"]


async def test_a_change_while_rainbow_is_being_told_of_the_last_has_a_line_of_its_own(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.rainbow.lab.dials.rest_late_seconds = 5.0
        with capture_logs() as lines:
            bridge.exchange.appointment(ANN, subject="first")
            await asyncio.sleep(3)  # its notify is not answered yet
            bridge.exchange.appointment(ANN, subject="second", hours=3)
            await asyncio.sleep(20)
        told = [each for each in lines if each["event"] == "change_told"]
        read = [each["change"] for each in lines if each["event"] == "change_read" and each["differs"]]
        assert len(read) == 2
        assert [each["change"] for each in told] == read
        assert [each["seconds"] for each in told] == [pytest.approx(5.2, abs=0.3), pytest.approx(7.2, abs=0.3)]


async def test_a_mailbox_that_is_let_go_of_while_it_cannot_be_read_leaves_nothing_behind(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.lab.dials.turn({"mailbox_errors": {BOB: "ErrorMailboxStoreUnavailable"}})
        await bridge.pipeline.changes.read_anew(BOB)
        assert BOB in bridge.parts.causes
        bridge.exchange.lab.dials.turn({"late_seconds": 3.0})
        reading = asyncio.create_task(bridge.pipeline.changes.read_anew(BOB))
        await asyncio.sleep(1)
        bridge.rainbow.lab.people.remove("bob")
        await bridge.pipeline.membership.listing.refresh()
        await reading
        await asyncio.sleep(60)
        assert bridge.parts.causes == {}


async def test_nothing_is_read_while_nothing_changes(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(2)
        bridge.exchange.lab.record.clear()
        await asyncio.sleep(300)
        assert bridge.exchange.requests("FindItem") == []
        assert bridge.exchange.requests("GetUserAvailability") == []


async def test_what_no_notification_announced_is_found_in_the_background_and_counted(
    kit: "Kit", bridge: "Bridge"
) -> None:
    async with bridge.at_work("ann", "bob"):
        await ask(bridge)
        await ask(bridge, BOB)
        bridge.exchange.lab.dials.turn({"suppress_notifications": True})
        bridge.exchange.appointment(ANN, hours=8)
        await asyncio.sleep(300)
        assert bridge.notified("ann") == 1
        bridge.parts.rereads.set(ANN, [kit.now() + timedelta(seconds=2)], kit.now())  # its turn comes
        await kit.until(lambda: bridge.notified("ann") == 2)
        assert bridge.parts.counters.recovered_changes == 1
        assert bridge.latencies == []
        next_at = bridge.parts.rereads.next_at()
        assert next_at is not None
        assert next_at - kit.now() <= timedelta(hours=6)


async def test_a_lost_stream_is_a_gap_that_is_read_and_compared(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        port = int(bridge.exchange.lab.base.rpartition(":")[2])
        await bridge.exchange.lab.stop()
        bridge.exchange.appointment(ANN)
        await asyncio.sleep(20)
        await bridge.exchange.lab.start(port=port)
        await kit.until(lambda: bridge.notified("ann") == 2, limit=300)
        await kit.until(lambda: bridge.streamed(ANN, BOB), limit=300)
        assert bridge.parts.counters.changes_found_after_gap == 1
        assert bridge.notified("bob") == 1


async def test_a_mailbox_that_cannot_be_read_is_read_again_and_nothing_told_meanwhile(
    kit: "Kit", bridge: "Bridge"
) -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.lab.dials.turn({"faults": {"FindItem": "ErrorMailboxStoreUnavailable"}})
        bridge.exchange.appointment(ANN)
        await asyncio.sleep(10)
        assert dict(bridge.parts.reader.unread) == {ANN: "ErrorMailboxStoreUnavailable"}
        assert bridge.notified("ann") == 1
        bridge.exchange.lab.dials.turn({"faults": {}})
        await kit.until(lambda: bridge.notified("ann") == 2)
        assert dict(bridge.parts.reader.unread) == {}
        assert bridge.latencies[0] >= 10.0  # since the notification, not since the last try


@pytest.mark.parametrize("shape", ["fault", "http"])
async def test_after_a_time_for_which_exchange_wanted_rest_a_change_is_read_soon_and_status_says_when(
    kit: "Kit", bridge: "Bridge", shape: str
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(5)
        bridge.exchange.lab.dials.turn(
            {
                "server_busy": shape,
                "server_busy_milliseconds": 100_000,
                "server_busy_requests": 1,
                "server_busy_operations": ["FindItem"],
            }
        )
        began = asyncio.get_running_loop().time()
        bridge.exchange.appointment(ANN)
        for _ in range(4):
            await asyncio.sleep(20)
            bridge.exchange.appointment(ANN)
        [entry] = not_read(bridge.pipeline)
        assert entry.reason == {"fault": "ErrorServerBusy", "http": "http-503"}[shape]
        assert entry.next_try is not None
        left = 100 - (asyncio.get_running_loop().time() - began)
        assert left - 1 <= (entry.next_try - kit.now()).total_seconds() <= left + 25
        await kit.until(lambda: bridge.notified("ann") == 2, limit=left + 27)


async def test_once_exchange_can_be_read_again_nobody_waits_for_the_next_try(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    names = [f"u{number}" for number in range(8)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names))
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, names)))
    async with bridge.at_work(*names):
        exchange.lab.dials.turn({"faults": {"FindItem": "ErrorInternalServerError"}})
        for name in names:
            exchange.appointment(f"{name}@acme.test")
        await asyncio.sleep(600)  # the tries of each are minutes apart by now
        assert bridge.parts.counters.changes == 0
        exchange.lab.dials.turn({"faults": {}})
        bridge.pipeline.changes.read_now("u0@acme.test")
        await kit.until(lambda: len(bridge.latencies) == 8, limit=10)
        assert bridge.parts.counters.changes == 8


async def test_two_that_cannot_be_read_are_not_pressed_by_the_changes_of_others(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    bad, good = ["b0@acme.test", "b1@acme.test"], "good@acme.test"
    exchange = await make_exchange(*bad, good)
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, ("b0", "b1", "good"))))
    async with bridge.at_work("b0", "b1", "good"):
        exchange.lab.dials.turn({"mailbox_errors": dict.fromkeys(bad, "ErrorMailboxStoreUnavailable")})
        for address in bad:
            bridge.pipeline.changes.look_again(address, Cause.BACKGROUND)
        before = len(exchange.requests("FindItem", bad[0]))
        for hour in range(60):
            exchange.appointment(good, hours=hour)
            await asyncio.sleep(10)
        assert len(exchange.requests("FindItem", bad[0])) - before <= 30


async def test_a_background_read_that_had_to_be_repeated_still_finds_a_recovered_change(
    kit: "Kit", bridge: "Bridge"
) -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.lab.dials.turn(
            {"suppress_notifications": True, "faults": {"FindItem": "ErrorMailboxStoreUnavailable"}}
        )
        bridge.exchange.appointment(ANN)
        bridge.pipeline.changes.look_again(ANN, Cause.BACKGROUND)
        await asyncio.sleep(5)
        bridge.exchange.lab.dials.turn({"faults": {}})
        await kit.until(lambda: bridge.notified("ann") == 2, limit=20)
        assert (bridge.parts.counters.recovered_changes, bridge.parts.counters.changes) == (1, 0)
        assert bridge.latencies == []


async def test_an_absence_is_told(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        await kit.until(lambda: bridge.parts.absences.current(ANN))
        await asyncio.sleep(70)
        before = bridge.notified("ann")
        with capture_logs() as lines:
            bridge.exchange.away(ANN, text="away")
            await kit.until(lambda: bridge.notified("ann") > before, limit=70)
            await kit.until(lambda: [each for each in lines if each["event"] == "change_told"], limit=1)
        [line] = [each for each in lines if each["event"] == "change_told"]
        requests = {each["request_id"]: each["operation"] for each in bridge.exchange.lab.record.read()}
        assert requests[line["read_by"]].startswith("GetUserOofSettings")
        told = [values["kind"] for event, values in bridge.observed if event == "change_told"]
        assert told == ["out-of-office"]
        assert bridge.latencies == []


async def test_beginnings_and_ends_are_told_though_nothing_changed(kit: "Kit", bridge: "Bridge") -> None:
    bridge.exchange.appointment(ANN, hours=1, length=0.5)
    async with bridge.at_work("ann", "bob"):
        await ask(bridge)
        await ask(bridge, BOB)
        bridge.rainbow.lab.record.clear()
        await asyncio.sleep(3590 - asyncio.get_running_loop().time())
        assert bridge.rainbow.notified() == []
        await kit.until(bridge.rainbow.notified, limit=12)
        assert kit.now() - kit.epoch >= timedelta(hours=1)
        await asyncio.sleep(1700)
        assert bridge.rainbow.notified() == [["ann"]]
        await kit.until(lambda: len(bridge.rainbow.notified()) == 2, limit=110)
        assert kit.now() - kit.epoch >= timedelta(hours=1.5)


async def test_boundaries_can_be_switched_off(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"))
    exchange.appointment(ANN, hours=0.2, length=0.1)
    bridge = make_bridge(exchange, rainbow, notify_at_boundaries=False)
    async with bridge.at_work("ann"):
        await ask(bridge)
        await asyncio.sleep(1500)
        assert bridge.notified("ann") == 1


async def test_an_absence_that_ends_by_its_schedule_is_told(kit: "Kit", bridge: "Bridge") -> None:
    bridge.exchange.away(ANN, "Scheduled", text="away", start=-1, end=0.5)
    async with bridge.at_work("ann", "bob"):
        for email in (ANN, BOB):
            await ask(bridge, email)
            await ask(bridge, email, "autoreply")
        bridge.rainbow.lab.record.clear()
        await asyncio.sleep(1790 - asyncio.get_running_loop().time())
        assert bridge.notified("ann") == 0
        await kit.until(lambda: bridge.notified("ann"), limit=12)
        reply = (await bridge.parts.answers.answer(Question(kind="autoreply", email=ANN))).auto_reply
        assert reply is not None
        assert reply.state == "disabled"


async def test_whoever_is_not_asked_for_is_told_again_after_a_minute(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        await ask(bridge, BOB)
        await asyncio.sleep(50)
        assert bridge.notified("ann") == 1
        await kit.until(lambda: bridge.notified("ann") == 2, limit=20)
        assert bridge.notified("bob") == 1


async def test_a_link_that_is_back_has_lost_questions_asked_again(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        await ask(bridge, BOB)
        bridge.pipeline.changes.link_restored()
        await kit.until(lambda: bridge.notified("ann") == 2, limit=5)
        assert bridge.notified("bob") == 1


async def test_after_a_link_was_lost_for_long_rainbow_is_told_of_everybody_anew(kit: "Kit", bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        changes = bridge.pipeline.changes
        changes.link_restored()
        await ask(bridge, ANN)
        await ask(bridge, BOB)
        await asyncio.sleep(65)  # what has left a minute ago has arrived
        before = len(bridge.rainbow.lab.record.notifies)
        changes.link_lost()
        await asyncio.sleep(200)
        changes.link_lost()  # as it may be said once more
        await asyncio.sleep(90)
        changes.link_restored()
        await asyncio.sleep(5)
        changes.link_restored()
        assert len(bridge.rainbow.lab.record.notifies) == before
        changes.link_lost()
        await asyncio.sleep(310)
        changes.link_restored()
        await kit.until(lambda: len(bridge.rainbow.lab.record.notifies) > before, limit=5)
        entry = bridge.rainbow.lab.record.notifies[-1]
        assert (sorted(entry["ids"]), entry["force"]) == (["ann", "bob"], True)


async def test_signals_for_a_mailbox_that_is_nobodys_are_harmless(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        changes = bridge.pipeline.changes
        changes.signalled("nobody@acme.test")
        changes.look_again("nobody@acme.test", Cause.GAP)
        changes.absence_changed("nobody@acme.test")
        changes.told("nobody")
        await asyncio.sleep(1)
        assert len(bridge.rainbow.lab.record.notifies) <= 2


async def test_a_mailbox_let_go_between_signal_and_read_is_not_read(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.pipeline.changes.look_again(ANN, Cause.BACKGROUND)
        bridge.pipeline.membership.changed(bridge.parts.roster.replace([bridge.member("bob").user]))
        await asyncio.sleep(5)  # a fault in the bridge would end the test
        assert bridge.parts.reader.last(ANN) is None


async def test_a_mailbox_let_go_while_it_is_read_tells_nobody(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        bridge.exchange.lab.dials.turn({"late_seconds": 3.0})
        bridge.exchange.appointment(ANN)
        await asyncio.sleep(1.5)
        bridge.pipeline.membership.changed(bridge.parts.roster.replace([bridge.member("bob").user]))
        await asyncio.sleep(10)
        assert bridge.notified("ann") == 2  # at the start, and because she has left


async def test_what_no_stream_may_carry_is_polled(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, faults={"GetStreamingEvents": "ErrorExceededConnectionCount"})
    rainbow = await make_rainbow(kit.person("ann"))
    bridge = make_bridge(exchange, rainbow)
    async with kit.running(bridge.pipeline.run()):
        await kit.until(lambda: bridge.parts.watcher.coverage(ANN) == "waiting", limit=600)
        await kit.until(lambda: bridge.notified("ann") == 1, limit=130)
        exchange.appointment(ANN)
        await kit.until(lambda: bridge.notified("ann") >= 2, limit=70)
