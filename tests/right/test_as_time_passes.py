"""What Rainbow's clients show of a calendar at the instants that matter: it is Monday, 2 March 2026, 08:00 UTC."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.exchange.calendar import Item, details_from
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from tests.house import EPOCH, House, until, virtually

#: seconds after which a client shows what has begun, ended or been changed
SOON = 3.0


def at(hour: int, minute: int = 0, second: float = 0, *, day: int = 2) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)


def alone(folder: Path, hours_asked: int = 24) -> House:
    """Make a house for one person."""
    return House(folder, 1, rainbow={"dials": {"question_hours": hours_asked}})


class Day:
    """The day of one person in a house."""

    def __init__(self, house: House, number: int = 0) -> None:
        self.house = house
        self.person = house.people[number]
        assert self.person.mailbox is not None
        self.address = self.person.mailbox.address
        self.calendar = self.house.exchange.directory.by_address[self.address].calendar

    def make(self, subject: str, start: datetime, end: datetime, **more: Any) -> Item:
        recurrence = more.pop("recurrence", None)
        values = {"subject": subject, "start": start.isoformat(), "end": end.isoformat()} | more
        return self.calendar.create(details_from(values), recurrence=recurrence)

    def change(self, item: Item, **values: Any) -> None:
        written = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
        self.calendar.update(item, details_from(written, item.details))

    async def comes(self, moment: datetime) -> None:
        """Let time pass until then."""
        await asyncio.sleep((moment - EPOCH).total_seconds() - asyncio.get_running_loop().time())

    def shown(self) -> tuple[str, str | None]:
        shown = self.house.rainbow.questions.shown(self.person)
        return shown.status, shown.subject

    async def shows(self, status: str, subject: str | None = None) -> None:
        """Let it be shown soon, and nothing else a little later."""
        await until(lambda: self.shown() == (status, subject), within=SOON)
        await asyncio.sleep(SOON)
        assert self.shown() == (status, subject)

    async def told(self) -> list[dict[str, Any]]:
        entry = await self.house.rainbow.questions.ask("events", self.person.login_email)
        answer: list[dict[str, Any]] = entry["answer"]
        return answer

    def notified(self) -> int:
        return len(self.house.notified())


@pytest.mark.parametrize("hours_asked", [0, 24])
def test_what_begins_and_ends_does_so_by_itself(tmp_path: Path, hours_asked: int) -> None:
    """Whether Rainbow asks about an instant only or a day ahead."""

    async def test() -> None:
        day = Day(alone(tmp_path, hours_asked))
        day.make("Planning", at(8, 5), at(8, 7))
        day.make("Leave", at(8, 9), at(8, 11), show_as="OOF")
        async with day.house.at_work():
            await day.shows("free")
            await day.comes(at(8, 4, 59.5))
            assert day.shown() == ("free", None)
            await day.comes(at(8, 5))
            await day.shows("busy", "Planning")
            await day.comes(at(8, 6, 59.5))
            assert day.shown() == ("busy", "Planning")
            await day.comes(at(8, 7))
            await day.shows("free")
            await day.comes(at(8, 9))
            await day.shows("out_of_office", "Leave")
            await day.comes(at(8, 11))
            await day.shows("free")

    virtually(test)


def test_what_begins_is_told_though_rainbow_has_not_asked_since_it_was_made(tmp_path: Path) -> None:
    """It is told again after a minute, and after five more."""

    async def test() -> None:
        day = Day(alone(tmp_path))
        async with day.house.at_work():
            await day.shows("free")
            day.house.rainbow.dials.set({"ask": False})
            day.make("Planning", at(8, 12), at(8, 14))
            await day.comes(at(8, 11, 50))
            day.house.rainbow.dials.set({"ask": True})
            before = day.notified()
            await day.comes(at(8, 11, 59.5))
            assert (day.shown(), day.notified()) == (("free", None), before)
            await day.comes(at(8, 12))
            await day.shows("busy", "Planning")

    virtually(test)


@pytest.mark.parametrize(
    ("instant", "zone"),
    [
        pytest.param(at(0, day=3), "UTC", id="midnight in UTC, where the days of the cache change"),
        pytest.param(at(23), "Romance Standard Time", id="midnight in Paris"),
        pytest.param(at(1, day=29), "Romance Standard Time", id="the change of the clock in Paris"),
        pytest.param(at(7, day=8), "Eastern Standard Time", id="the change of the clock in New York"),
    ],
)
def test_over_midnight_and_changes_of_the_clock_nothing_ends(tmp_path: Path, instant: datetime, zone: str) -> None:
    minute = timedelta(minutes=1)

    async def test() -> None:
        day = Day(alone(tmp_path, 0))
        day.make("Release", instant - 2 * minute, instant + 2 * minute, zone=zone)
        async with day.house.at_work():
            await day.comes(instant - 2 * minute)
            await day.shows("busy", "Release")
            for offset in (-1, 0, 1, 119):
                await day.comes(instant + timedelta(seconds=offset))
                assert day.shown() == ("busy", "Release")
            await day.comes(instant + 2 * minute)
            await day.shows("free")

    virtually(test, begins=instant - 4 * minute)


WHILE_IT_RUNS: dict[str, tuple[dict[str, Any] | None, tuple[str, str | None]]] = {
    "prolonged": ({"end": at(12)}, ("busy", "Planning")),
    "cut short": ({"end": at(10, 30)}, ("free", None)),
    "put off": ({"start": at(10, 45)}, ("free", None)),
    "moved to tomorrow": ({"start": at(10, day=3), "end": at(11, day=3)}, ("free", None)),
    "renamed": ({"subject": "Budget"}, ("busy", "Budget")),
    "made free": ({"show_as": "Free"}, ("free", None)),
    "made tentative": ({"show_as": "Tentative"}, ("free", None)),
    "made out of office": ({"show_as": "OOF"}, ("out_of_office", "Planning")),
    "made private": ({"sensitivity": "Private"}, ("busy", "Rendez-vous privé")),
    "cancelled": ({"cancelled": True, "organizer": "boss@acme.test"}, ("free", None)),
    "declined": ({"my_response": "Decline", "organizer": "boss@acme.test"}, ("free", None)),
    "deleted": (None, ("free", None)),
}


@pytest.fixture(scope="module")
def changed_while_it_ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What was told and shown before and after, by what happened: each to another person."""
    seen: dict[str, dict[str, Any]] = {}

    async def test() -> None:
        house = House(tmp_path_factory.mktemp("changed"), len(WHILE_IT_RUNS))
        days = {name: Day(house, number) for number, name in enumerate(WHILE_IT_RUNS)}
        items = {name: day.make("Planning", at(10), at(11)) for name, day in days.items()}
        async with house.at_work():
            await next(iter(days.values())).comes(at(10, 29, 50))
            for name, day in days.items():
                seen[name] = {"before": day.shown(), "told": await day.told()}
            await day.comes(at(10, 30))
            for name, day in days.items():
                change, _ = WHILE_IT_RUNS[name]
                if change is None:
                    day.calendar.delete(items[name])
                else:
                    day.change(items[name], **change)
            await asyncio.sleep(SOON)
            for name, day in days.items():
                until_then = house.rainbow.questions.shown(day.person).until
                seen[name] |= {"after": day.shown(), "until": until_then, "told_after": await day.told()}

    virtually(test, begins=at(10, 28))
    return seen


@pytest.mark.parametrize("name", WHILE_IT_RUNS)
def test_an_appointment_is_changed_while_it_runs(changed_while_it_ran: dict[str, dict[str, Any]], name: str) -> None:
    seen, (_, shown) = changed_while_it_ran[name], WHILE_IT_RUNS[name]
    assert (seen["before"], seen["after"]) == (("busy", "Planning"), shown)
    ids = {event["id"] for event in seen["told"]}
    assert {event["id"] for event in seen["told_after"]} <= ids  # the same, changed
    if name == "prolonged":
        assert seen["until"] == at(12)


def test_one_of_a_series_is_moved_while_it_runs(tmp_path: Path) -> None:
    async def test() -> None:
        day = Day(alone(tmp_path))
        daily = Recurrence(pattern="DailyRecurrence", values={"Interval": "1"}, first_day=at(10, day=1).date())
        series = day.make("Daily", at(10, day=1), at(11, day=1), zone="UTC", recurrence=daily)
        async with day.house.at_work():
            await day.shows("busy", "Daily")
            moved = replace(series.occurrence(at(10)), start=at(10, 35), end=at(11, 35))
            day.calendar.update_occurrence(series, at(10), moved)
            await day.shows("free")
            await day.comes(at(10, 35))
            await day.shows("busy", "Daily")
            day.calendar.delete_occurrence(series, at(10))
            await day.shows("free")
            assert [event["startDate"] for event in await day.told()] == ["2026-03-03T10:00:00+00:00"]

    virtually(test, begins=at(10, 30))


def test_between_two_that_are_back_to_back_nobody_is_free(tmp_path: Path) -> None:
    async def test() -> None:
        day = Day(alone(tmp_path))
        day.make("First", at(10), at(11))
        day.make("Second", at(11), at(11, 2))
        async with day.house.at_work():
            await day.comes(at(10, 59, 58))
            seen = set()
            for _ in range(60):
                seen.add(day.shown())
                await asyncio.sleep(0.1)
            assert seen == {("busy", "First"), ("busy", "Second")}
            await day.comes(at(11, 2))
            await day.shows("free")

    virtually(test, begins=at(10, 58))


def test_what_is_without_length_makes_nobody_busy(tmp_path: Path) -> None:
    async def test() -> None:
        day = Day(alone(tmp_path, 0))
        day.make("Deadline", at(10), at(10))
        async with day.house.at_work():
            await day.comes(at(9, 59, 59.9))
            for _ in range(20):
                assert day.shown() == ("free", None)
                await asyncio.sleep(0.2)

    virtually(test, begins=at(9, 58))


CHANGES: list[tuple[str, Callable[[Day, Item, Item], object]]] = [
    ("the one that is not shown is renamed", lambda day, long, _: day.change(long, subject="Quarterly planning")),
    ("the one that is not shown counts otherwise", lambda day, long, _: day.change(long, show_as="Tentative")),
    ("the one that is not shown ends later", lambda day, long, _: day.change(long, end=at(19))),
    ("a third one", lambda day, *_: day.make("Third", at(12), at(13))),
    ("one tomorrow", lambda day, *_: day.make("Tomorrow", at(12, day=3), at(13, day=3))),
    ("the one that is not shown is deleted", lambda day, long, _: day.calendar.delete(long)),
]


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in CHANGES])
def test_of_several_at_once_any_change_is_told(tmp_path: Path, change: Callable[[Day, Item, Item], object]) -> None:
    async def test() -> None:
        day = Day(alone(tmp_path))
        long = day.make("Planning", at(7), at(18))
        short = day.make("Call", at(7, 30), at(18, 30))
        async with day.house.at_work():
            await day.shows("busy", "Call")
            before = day.notified()
            change(day, long, short)
            await until(lambda: day.notified() == before + 1, within=SOON)
            await asyncio.sleep(120)
            assert (day.notified(), day.shown()) == (before + 1, ("busy", "Call"))

    virtually(test)


def forget_state(folder: Path) -> None:
    files = list(folder.glob("state.db*"))
    assert files
    for path in files:
        path.unlink()


def test_ids_stay_over_changes_restarts_and_the_loss_of_the_state(tmp_path: Path) -> None:
    async def test() -> None:
        day = Day(alone(tmp_path))
        daily = Recurrence(pattern="DailyRecurrence", values={"Interval": "1"}, first_day=at(9, day=1).date())
        item = day.make("Planning", at(13), at(14))
        day.make("Daily", at(9, day=1), at(10, day=1), zone="UTC", recurrence=daily)
        async with day.house.at_work():
            first = {event["id"]: event["subject"] for event in await day.told()}
            assert sorted(first.values()) == ["Daily", "Planning"]
            day.change(item, subject="Planning, again", start=at(15), end=at(16))
            await day.comes(at(8, 5))
            changed = {event["id"]: event["subject"] for event in await day.told()}
            assert changed.keys() == first.keys()
            await day.house.stop()
            forget_state(tmp_path)
            day.house.start()
            await until(lambda: day.house.status()["state"] == "healthy", within=120)
            assert {event["id"]: event["subject"] for event in await day.told()} == changed

    virtually(test)
