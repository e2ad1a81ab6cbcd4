"""What is noted is counted while it says the same, waits for a moment, and is bounded while it waits."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rainbow_exchange.bridge import history as module
from rainbow_exchange.bridge.history import NO_HISTORY, History, What
from tests.house import virtually

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_burst_of_questions_is_one_entry(tmp_path: Path) -> None:
    now = [START]
    history = History.open(tmp_path, now=lambda: now[0])
    for _ in range(5000):
        history.note("ada", What.EVENTS, now=[1, 2, "busy"], next=None)
        history.note("ada", What.AUTO_REPLY, state="disabled")
        now[0] += timedelta(milliseconds=1)
    entries = history.of("ada")
    assert [(each.what, each.count) for each in entries] == [(What.EVENTS, 5000), (What.AUTO_REPLY, 5000)]
    assert entries[0].last - entries[0].first == timedelta(milliseconds=4999)
    assert entries[0].detail == {"now": [1, 2, "busy"], "next": None}
    now[0] += timedelta(seconds=30)
    history.note("ada", What.EVENTS, now=[1, 2, "busy"], next=None)
    assert [each.count for each in history.of("ada")] == [5001, 5000]
    history.close()


def test_changes_are_told_apart_but_in_a_flood(tmp_path: Path) -> None:
    now = [START]
    history = History.open(tmp_path, now=lambda: now[0])
    for seconds in (0, 1, 59, 90, 3600):
        now[0] = START + timedelta(seconds=seconds)
        history.note("ada", What.CHANGE, cause="notified")
    assert [each.count for each in history.of("ada")] == [3, 1, 1]
    history.close()


def test_it_is_written_within_seconds_and_only_the_last_day_is_told(tmp_path: Path) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        history = History.open(tmp_path, now=lambda: START + timedelta(seconds=loop.time()))
        running = asyncio.create_task(history.run())
        history.note("ada", What.TOLD, of="events")
        await asyncio.sleep(4)
        assert history.entries == 1
        await asyncio.sleep(23 * 3600)
        assert len(history.of("ada")) == 1
        await asyncio.sleep(2 * 3600)
        assert history.of("ada") == []
        assert history.entries == 0
        running.cancel()
        history.close()

    virtually(test)


def test_what_waits_is_bounded_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    history = History.open(tmp_path, now=lambda: START)
    for number in range(module.MOST_WAITING + 10):
        history.note("ada", What.TOLD, of=str(number))
    assert history.dropped == 10
    history.forget("ada")
    assert history.of("ada") == []
    history.close()


def test_a_disk_that_fails_is_asked_once_a_round_and_the_rest_waits(tmp_path: Path) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        history = History.open(tmp_path, now=lambda: START + timedelta(seconds=loop.time()))
        assert history._file is not None
        connection = history._file._connection
        connection.set_authorizer(lambda action, *_: int(action == sqlite3.SQLITE_INSERT))
        running = asyncio.create_task(history.run())
        for number in range(350):
            history.note("ada", What.TOLD, of=str(number))
        await asyncio.sleep(3.5)
        assert (history.dropped, history.entries) == (100, 0)
        connection.set_authorizer(None)
        await asyncio.sleep(3.5)
        assert (history.dropped, history.entries) == (100, 250)
        running.cancel()
        history.close()

    virtually(test)


def test_neighbours_in_the_file_are_written_together_and_ones_own_as_it_happened(tmp_path: Path) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        history = History.open(tmp_path, now=lambda: START + timedelta(seconds=loop.time()))
        running = asyncio.create_task(history.run())
        people = [f"user {number}" for number in range(300)]
        for person in people:
            history.note(person, What.READ, failed="timeout")
        await asyncio.sleep(4)
        for number in (1, 2):
            for person in ["new", *reversed(people)]:
                history.note(person, What.TOLD, of=str(number))
        await asyncio.sleep(4)
        assert history._file is not None
        written = history._file._connection.execute(
            "SELECT name FROM entry JOIN person ON person.id = person WHERE kind = 'told' ORDER BY entry.id"
        ).fetchall()
        assert [name for (name,) in written] == [person for person in [*people, "new"] for _ in range(2)]
        assert [each.detail["of"] for each in history.of("user 7") if each.what is What.TOLD] == ["1", "2"]
        running.cancel()
        history.close()

    virtually(test)


def test_most_of_a_company_leaves_a_few_at_a_time_and_is_forgotten_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        history = History.open(tmp_path, now=lambda: START)
        running = asyncio.create_task(history.run())
        people = [f"user {number}" for number in range(100)]
        for person in people:
            history.note(person, What.TOLD, of="events")
        await asyncio.sleep(4)
        assert history.entries == 100
        history.forget(*people[:90])
        assert 0 < history.entries - 10 < 90
        assert [person for person in people if history.of(person)] == people[90:]
        history.note(people[0], What.CHANGE, cause="notified")  # who is back has no past
        assert [each.what for each in history.of(people[0])] == [What.CHANGE]
        await asyncio.sleep(4)
        assert history.entries == 11
        assert [each.what for each in history.of(people[0])] == [What.CHANGE]
        running.cancel()
        history.close()

    virtually(test)


def test_without_a_file_nothing_is_noted() -> None:
    NO_HISTORY.note("ada", What.TOLD, of="events")
    assert (NO_HISTORY.of("ada"), NO_HISTORY.entries, NO_HISTORY.who("ada")) == ([], 0, None)
