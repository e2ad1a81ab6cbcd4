"""The due set, and how it drains into Rainbow's notify."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.notify import DueSet, Notifier
from rainbow_exchange.bridge.told import Digest, Ledger, Told

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow

COMPANY = [f"u{number:03d}" for number in range(250)]


# --- the due set (pure)


def test_what_becomes_due_twice_is_taken_once() -> None:
    due = DueSet()
    due.add("a", 5.0)
    due.add("a", 3.0)
    due.add("a", 7.0)
    assert len(due) == 1
    assert due.take() == ({"a": 3.0}, False)
    assert len(due) == 0


def test_changes_overtake_boundaries() -> None:
    due = DueSet()
    for number in range(150):
        due.add(f"b{number}", 1.0, boundary=True)
    for number in range(120):
        due.add(f"c{number}", 2.0)
    first, _ = due.take()
    assert len(first) == 100
    assert all(user_id.startswith("c") for user_id in first)
    second, _ = due.take()
    assert sum(user_id.startswith("c") for user_id in second) == 20


def test_a_boundary_that_becomes_a_change_keeps_its_time_and_is_taken_once() -> None:
    due = DueSet()
    due.add("a", 1.0, boundary=True)
    due.add("a", 4.0)
    due.add("a", 5.0, boundary=True)
    assert due.oldest() == 1.0
    assert due.take() == ({"a": 1.0}, False)
    assert due.oldest() is None


@pytest.mark.parametrize("number", [1, 60, 1000, 10_000, 25_000])
def test_the_boundaries_of_a_minute_are_spread_over_it(number: int) -> None:
    due = DueSet()
    for each in range(number):
        due.add(str(each), 0.0, boundary=True)
    calls = []
    while due:
        calls.append(len(due.take()[0]))
    assert sum(calls) == number
    assert len(calls) <= 300  # five a second for a minute
    assert max(calls) <= max(3, 2 + -(-number // 300))


def test_forced_and_plain_never_share_a_call() -> None:
    due = DueSet()
    due.add("plain", 1.0)
    due.add("forced", 2.0, force=True)
    due.add("also forced", 3.0, force=True)
    due.add("boundary", 3.0, boundary=True)
    assert due.take() == ({"plain": 1.0, "boundary": 3.0}, False)
    assert due.take() == ({"forced": 2.0, "also forced": 3.0}, True)
    due.add("forced", 9.0)
    assert due.take() == ({"forced": 9.0}, False)


def test_whoever_is_forgotten_is_not_taken() -> None:
    due = DueSet()
    due.add("a", 1.0, force=True)
    due.add("b", 1.0, boundary=True)
    due.forget("a")
    due.forget("b")
    assert due.take() == ({}, False)


def test_who_is_set_apart_goes_first_in_a_call_of_its_own_and_is_not_due_twice() -> None:
    due = DueSet()
    due.add("a", 1.0)
    due.add("b", 2.0, boundary=True)
    due.add("c", 3.0)
    due.set_apart({"a": 1.0}, force=False)
    due.set_apart({"b": 2.0, "d": 0.5}, force=True)
    due.add("a", 9.0)
    due.forget("d")
    assert (len(due), due.oldest()) == (3, 1.0)
    assert due.take() == ({"b": 2.0}, True)
    assert due.take() == ({"a": 1.0}, False)
    assert due.take() == ({"c": 3.0}, False)


added = st.tuples(st.sampled_from(COMPANY), st.booleans(), st.booleans())


@given(st.lists(added, max_size=300))
def test_everybody_added_is_taken_exactly_once(adds: list[tuple[str, bool, bool]]) -> None:
    due = DueSet()
    forced, changed = set(), set()
    for user_id, force, boundary in adds:
        due.add(user_id, 1.0, force=force and not boundary, boundary=boundary)
        if force and not boundary:
            forced.add(user_id)
        if not boundary:
            changed.add(user_id)
    taken: list[str] = []
    while due:
        call, is_forced = due.take()
        assert 0 < len(call) <= 100
        assert all((user_id in forced) is is_forced for user_id in call)
        if any(user_id not in changed for user_id in call):
            assert due._changes.keys() <= forced  # no boundary goes before a change that could go too
        taken += call
    assert sorted(taken) == sorted({user_id for user_id, _, _ in adds})


# --- the notifier, against the lab's Rainbow


class Bench:
    """A notifier with a ledger, and whom it has told."""

    def __init__(self, rainbow: "Rainbow", random: "Kit") -> None:
        self.told: list[str] = []
        self.ledger = Ledger()
        self.refused = 0
        self.notifier = Notifier(
            client=rainbow.client, ledger=self.ledger, told=self.told.append, refused=self.note, random=random.half
        )

    def note(self) -> None:
        self.refused += 1

    def due(self, *names: str, force: bool = False, boundary: bool = False) -> None:
        for name in names:
            self.ledger.set_state(name, Told.EVENTS, Digest(0, (hash(name),)), 0.0)
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
