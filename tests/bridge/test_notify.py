"""How the due set drains into Rainbow's notify, against the lab's Rainbow."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.told import Digest, Ledger, Told

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow

COMPANY = [f"u{number:03d}" for number in range(250)]


class Bench:
    """A notifier with a ledger, and whom it has told."""

    def __init__(self, rainbow: "Rainbow", random: "Kit") -> None:
        self.told: list[str] = []
        self.ledger = Ledger()
        self.refused = 0
        self.notifier = Notifier(
            client=rainbow.client, ledger=self.ledger, told=self.told.append, refused=self.note, random=random.half
        )

    def note(self, _user_id: str, _reason: str) -> None:
        self.refused += 1

    def due(self, *names: str, force: bool = False, boundary: bool = False) -> None:
        for name in names:
            self.ledger.set_state(name, Told.EVENTS, Digest.of(0, [name]), 0.0)
            self.notifier.add(name, asyncio.get_running_loop().time(), force=force, boundary=boundary)


async def test_a_change_is_told_and_the_ledger_knows(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann")
        await kit.until(lambda: bench.told)
    (entry,) = rainbow.lab.record.notifies
    assert (entry["ids"], entry["force"], entry["unknown"]) == (["ann"], False, [])
    assert bench.ledger.was_notified("ann")
    assert (bench.notifier.counters.calls, bench.notifier.counters.users_told) == (1, 1)


async def test_a_forced_notify_says_so(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", force=True)
        await kit.until(lambda: bench.told)
    assert rainbow.lab.record.notifies[0]["force"] is True


async def test_calls_hold_100_ids_and_come_five_a_second(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(*(kit.person(name) for name in COMPANY))
    await rainbow.client.login()
    bench = Bench(rainbow, kit)
    bench.due(*COMPANY)
    started = asyncio.get_running_loop().time()
    async with kit.running(bench.notifier.run()):
        await kit.until(lambda: len(bench.told) == 250)
        took = asyncio.get_running_loop().time() - started
    assert [len(ids) for ids in rainbow.notified()] == [100, 100, 50]
    assert 0.4 <= took <= 0.7


async def test_whoever_is_forgotten_while_others_are_noted_is_not_told(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(*(kit.person(name) for name in COMPANY[:30]))
    await rainbow.client.login()
    bench = Bench(rainbow, kit)
    notifier, loop, seen = bench.notifier, asyncio.get_running_loop(), list[tuple[int, bool]]()

    def forget() -> None:
        seen.append((len(bench.told), notifier.telling("u029")))
        notifier.forget("u029")

    def told(user_id: str) -> None:
        bench.told.append(user_id)
        if user_id == "u000":
            loop.call_soon(forget)

    notifier.told = told
    bench.due(*COMPANY[:30])
    async with kit.running(notifier.run()):
        await kit.until(lambda: len(bench.told) == 29)
    assert (seen, bench.told) == ([(19, True)], COMPANY[:29])
    assert notifier.waiting() == 0


async def test_a_failed_call_puts_its_users_back(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), kit.person("bob"), refuse_next=2, refuse_status=500, refuse_path="notify"
    )
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", "bob", force=True)
        await kit.until(lambda: bench.notifier.last_error)
        assert len(bench.notifier.due) == 2
        assert bench.told == []
        await kit.until(lambda: bench.told)
        await kit.until(lambda: bench.notifier.last_error is None)
    assert bench.told == ["ann", "bob"]
    assert bench.notifier.counters.failed_calls == 2
    assert rainbow.lab.record.notifies[-1]["force"] is True


async def test_rainbow_says_how_long_to_wait(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), refuse_next=1, refuse_status=429, refuse_retry_after=40, refuse_path="notify"
    )
    bench = Bench(rainbow, kit)
    started = asyncio.get_running_loop().time()
    async with kit.running(bench.notifier.run()):
        bench.due("ann")
        await kit.until(lambda: bench.told, limit=120)
        assert 40.0 <= asyncio.get_running_loop().time() - started <= 42.0


async def test_a_refused_call_is_not_repeated_within_five_seconds(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), refuse_next=1, refuse_status=403, refuse_path="notify")
    bench = Bench(rainbow, kit)
    started = asyncio.get_running_loop().time()
    async with kit.running(bench.notifier.run()):
        bench.due("ann")
        await kit.until(lambda: bench.told)
        assert 5.0 <= asyncio.get_running_loop().time() - started <= 6.0


async def test_whom_rainbow_does_not_know_holds_nobody_up(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    names = [f"u{number:02d}" for number in range(40)]
    rainbow = await make_rainbow(*(kit.person(name) for name in names if name != "u17"), known_users_only=True)
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due(*names, force=True)
        await kit.until(lambda: len(bench.told) == 39, limit=5)
        assert list(bench.notifier.held_back) == ["u17"]
        assert (bench.refused, bench.notifier.last_error, len(bench.notifier.due)) == (1, None, 0)
        failed = bench.notifier.counters.failed_calls
        assert failed <= 7  # 40, 20, 10, 5, 3, 2, 1
        bench.due("u17", "u16", "u18")
        await kit.until(lambda: len(bench.told) == 41)
        await asyncio.sleep(280)
        assert bench.notifier.counters.failed_calls == failed
        await asyncio.sleep(30)  # five minutes later it is tried by itself, and refused
        assert bench.notifier.counters.failed_calls == failed + 1
        rainbow.lab.dials.set({"known_users_only": False})
        await asyncio.sleep(900)
        assert bench.told.count("u17") == 1
        assert list(bench.notifier.held_back) == []
    assert rainbow.lab.record.notifies[-1]["ids"] == ["u17"]
    assert rainbow.lab.record.notifies[-1]["force"] is True


async def test_a_refusal_of_everybody_is_about_nobody(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    names = [f"u{number}" for number in range(6)]
    rainbow = await make_rainbow(
        *map(kit.person, names), refuse_next=1000, refuse_status=404, refuse_retry_after=0, refuse_path="notify"
    )
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due(*names)
        await kit.until(lambda: bench.notifier.last_error)
        assert "404" in str(bench.notifier.last_error)
        await asyncio.sleep(60)
        assert bench.notifier.counters.failed_calls <= 12
        rainbow.lab.dials.set({"refuse_next": 0})
        await kit.until(lambda: sorted(bench.told) == names, limit=600)
        await kit.until(lambda: bench.notifier.last_error is None)


async def test_one_who_left_while_held_back_is_not_told_of(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), known_users_only=True)
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", "gone")
        await kit.until(lambda: bench.told == ["ann"])
        await kit.until(lambda: bench.refused)
        bench.notifier.forget("gone")
        await asyncio.sleep(1000)
    assert bench.notifier.counters.failed_calls == 2


async def test_at_the_stop_one_refused_user_keeps_nobody_untold(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), known_users_only=True)
    bench = Bench(rainbow, kit)
    bench.due("ann", "gone", "bob")
    assert await bench.notifier.flush(1.5) == 0
    assert sorted(bench.told) == ["ann", "bob"]


async def test_a_change_while_rainbow_is_away_is_told_when_it_is_back(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"))
    await rainbow.client.login()
    port = int(rainbow.lab.url.rpartition(":")[2])
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        await rainbow.lab.stop()
        bench.due("ann")
        await kit.until(lambda: bench.notifier.counters.failed_calls >= 3)
        bench.due("bob")
        await rainbow.lab.start(port=port)
        await kit.until(lambda: len(bench.told) == 2, limit=120)
    assert rainbow.notified() == [["ann", "bob"]]


async def test_at_the_stop_what_is_due_is_sent(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(*(kit.person(name) for name in COMPANY))
    bench = Bench(rainbow, kit)
    bench.due(*COMPANY)
    assert await bench.notifier.flush(1.5) == 0
    assert [len(ids) for ids in rainbow.notified()] == [100, 100, 50]


async def test_a_flush_that_fails_says_how_many_are_untold(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    await rainbow.client.login()
    await rainbow.lab.stop()
    bench = Bench(rainbow, kit)
    bench.due("ann")
    assert await bench.notifier.flush(1.5) == 1
    assert bench.told == []


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and answer nothing."""
    await reader.read()
    writer.close()


async def test_whom_a_stop_cuts_short_is_still_due(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    await rainbow.client.login()
    port = int(rainbow.lab.url.rpartition(":")[2])
    await rainbow.lab.stop()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", force=True)
        await asyncio.sleep(1)
        assert len(bench.notifier.due) == 0
    assert bench.notifier.due.take()[1] is True
    server.close()


async def test_a_flush_ends_in_time_and_counts_whom_it_was_telling(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    await rainbow.client.login()
    port = int(rainbow.lab.url.rpartition(":")[2])
    await rainbow.lab.stop()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    bench = Bench(rainbow, kit)
    bench.due("ann")
    started = asyncio.get_running_loop().time()
    assert await bench.notifier.flush(1.5) == 1
    assert asyncio.get_running_loop().time() - started == pytest.approx(1.5, abs=0.1)
    server.close()


def times(rainbow: "Rainbow") -> list[float]:
    """Tell when each notify came, in seconds."""
    asked = [each for each in rainbow.lab.record.requests if each["path"].endswith("/notify")]
    return [datetime.fromisoformat(each["at"]).timestamp() for each in asked]


def most_in_a_second(instants: list[float]) -> int:
    return max(sum(start <= instant < start + 0.999 for instant in instants) for start in instants)


async def test_whatever_comes_five_calls_a_second_is_the_most(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    """Also where calls are sent anew in halves, where changes trickle in, and at the stop."""
    names = [f"u{number:04d}" for number in range(1200)]
    rainbow = await make_rainbow(*(kit.person(name) for name in names), known_users_only=True)
    await rainbow.client.login()
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due(*names, "gone", "left")
        for number in range(100):
            await asyncio.sleep(0.05)
            bench.due(names[number])
        await kit.until(lambda: len(set(bench.told)) == 1200)
        bench.due(*names)
    assert await bench.notifier.flush(1.5) == 400
    assert most_in_a_second(times(rainbow)) == 5


async def test_changes_that_come_while_rainbow_is_busy_are_one_call_and_one_mention(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), kit.person("bob"), refuse_next=1, refuse_retry_after=40, refuse_path="notify"
    )
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        for _ in range(30):
            bench.due("ann")
            await asyncio.sleep(1)
        bench.due("bob")
        assert bench.notifier.waiting() == 2
        assert bench.notifier.oldest() == pytest.approx(0, abs=0.01)
        await kit.until(lambda: bench.told)
        await asyncio.sleep(5)
    assert rainbow.notified() == [["ann", "bob"]]
    assert (bench.notifier.waiting(), bench.notifier.oldest(), bench.notifier.next_call) == (0, None, None)


FAULTS: dict[str, dict[str, Any]] = {
    "too much": {"refuse_status": 413},
    "busy": {"refuse_status": 429},
    "unavailable": {"refuse_status": 503, "refuse_retry_after_form": "date", "clock_skew_seconds": 7200},
    "unavailable, no time named": {"refuse_status": 503, "refuse_retry_after": 0},
    "a web page": {"refuse_status": 502, "refuse_body": "html"},
    "a bad request": {"refuse_status": 400, "refuse_body": "bare"},
    "refused with 200": {"refuse_status": 500, "refuse_body": "ok"},
    "cut off before": {"refuse_next": 0, "break_next": 3, "break_when": "before"},
    "cut off after": {"refuse_next": 0, "break_next": 3, "break_when": "after"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_nobody_is_lost_whatever_goes_wrong_in_mid_way(
    kit: "Kit", make_rainbow: "MakeRainbow", fault: dict[str, Any]
) -> None:
    rainbow = await make_rainbow(*(kit.person(name) for name in COMPANY))
    await rainbow.client.login()
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due(*COMPANY, force=True)
        await kit.until(lambda: len(bench.told) == 100)
        rainbow.lab.dials.set({"refuse_next": 2, "refuse_path": "notify", "break_path": "notify"} | fault)
        await kit.until(lambda: len(bench.told) == 250, limit=120)
    assert sorted(bench.told) == COMPANY  # each once
    assert {name for ids in rainbow.notified() for name in ids} == set(COMPANY)
    assert {entry["force"] for entry in rainbow.lab.record.notifies} == {True}
    assert bench.notifier.waiting() == 0


async def test_who_is_forgotten_while_a_call_is_under_way_is_not_due_when_it_fails(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"))
    await rainbow.client.login()
    port = int(rainbow.lab.url.rpartition(":")[2])
    await rainbow.lab.stop()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", "bob")
        await asyncio.sleep(1)
        assert bench.notifier.waiting() == 2
        bench.notifier.forget("ann")
        await kit.until(lambda: bench.notifier.last_error)
        assert bench.notifier.waiting() == 1
    assert bench.notifier.due.take()[0].keys() == {"bob"}
    server.close()


async def test_somebody_who_does_not_want_to_wait_need_not(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), refuse_next=1, refuse_retry_after=3600, refuse_path="notify", known_users_only=True
    )
    bench = Bench(rainbow, kit)
    async with kit.running(bench.notifier.run()):
        bench.due("ann", "gone")
        await kit.until(lambda: bench.notifier.last_error)
        assert bench.notifier.next_call == pytest.approx(3600, abs=1)
        rainbow.client.try_again()
        bench.notifier.try_again()
        await kit.until(lambda: bench.told == ["ann"], limit=5)
        await kit.until(lambda: bench.refused == 1, limit=5)
        rainbow.lab.dials.set({"known_users_only": False})
        bench.notifier.try_again()
        await kit.until(lambda: bench.told == ["ann", "gone"], limit=5)
