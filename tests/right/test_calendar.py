"""What Rainbow is answered is what the calendar's owner would say: case by case, in both ways of reading."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.calendar import Calendar, details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from rainbow_exchange.lab.exchange.zones import WINDOWS
from tests.house import House, virtually

FIXTURES = Path(__file__).parents[2] / "fixtures" / "right" / "calendar"
CASES: list[dict[str, Any]] = [
    case for path in sorted(FIXTURES.glob("*.toml")) for case in tomllib.loads(path.read_text("utf-8"))["case"]
]
PARIS = "Romance Standard Time"
#: how the account reads: without impersonation, as a Reviewer, together; with it, each calendar by itself
MODES: dict[str, dict[str, Any]] = {
    "batched": {"right": Right.REVIEWER, "impersonation": False},
    "own": {"right": Right.FREEBUSY, "impersonation": True},
}


def instant(wall: str, zone: str) -> str:
    """Give the instant of a wall time that is unambiguous."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(WINDOWS[zone])).isoformat()


def make(calendar: Calendar, made: Mapping[str, Any]) -> None:
    """Have the owner make an appointment or a series."""
    special = {"repeat", "moved", "without", "times", "copies"}
    values = {name: value for name, value in made.items() if name not in special}
    values["subject"] *= made.get("times", 1)
    zone = values.setdefault("zone", PARIS)
    values |= {name: instant(values[name], zone) for name in ("start", "end")}
    pattern = None
    if repeat := dict(made.get("repeat", {})):
        name, last = repeat.pop("pattern"), repeat.pop("last_day", None)
        first = datetime.fromisoformat(made["start"]).date()
        until = last and datetime.fromisoformat(last).date()
        pattern = Recurrence(pattern=name, values=repeat, first_day=first, last_day=until)
    for _ in range(made.get("copies", 1)):
        item = calendar.create(details_from(values), recurrence=pattern)
    for change in made.get("moved", ()):
        original = datetime.fromisoformat(instant(change["instance"], zone)).astimezone(ZoneInfo("UTC"))
        changed = {name: value for name, value in change.items() if name != "instance"}
        changed |= {name: instant(changed[name], zone) for name in ("start", "end") if name in changed}
        calendar.update_occurrence(item, original, details_from(changed, item.occurrence(original)))
    for wall in made.get("without", ()):
        calendar.delete_occurrence(item, datetime.fromisoformat(instant(wall, zone)).astimezone(ZoneInfo("UTC")))


def expected(case: Mapping[str, Any], mode: str) -> Iterator[dict[str, Any]]:
    for each in case.get("shown", []):
        for _ in range(each.get("copies", 1)):
            yield {
                "subject": each["subject"] * each.get("times", 1) + each.get("and", ""),
                "type": each.get("type", "singleInstance"),
                "showAs": each.get("show_as", "busy"),
                "startDate": each["start"].replace("Z", "+00:00"),
                "endDate": each["end"].replace("Z", "+00:00"),
                "timezone": each["zone"] if mode == "own" else None,
            }


Answers = dict[str, dict[str, Any]]
"""What each case was answered, by its title."""


def ask_everybody(mode: str, folder: Path) -> Answers:
    """Ask about a company in which each case is somebody's calendar."""
    answered: Answers = {}

    async def ask() -> None:
        people = [
            replace(person, mailbox=replace(person.mailbox, timezone=case.get("mailbox", "Europe/Paris")))
            for person, case in zip(make_company(len(CASES), 1), CASES, strict=True)
            if person.mailbox is not None
        ]
        house = House(folder, people, **MODES[mode])
        for person, case in zip(people, CASES, strict=True):
            address = person.mailbox.address if person.mailbox else ""
            for made in case["made"]:
                make(house.exchange.directory.by_address[address].calendar, made)
        async with house.at_work():
            for person, case in zip(people, CASES, strict=True):
                start, end = case["asked"]
                window = {"window": (start, end)} if start or end else {"dates": False}
                answered[case["title"]] = await house.rainbow.questions.ask("events", person.login_email, **window)
                again = await house.rainbow.questions.ask("events", person.login_email, **window)
                assert again.get("answer") == answered[case["title"]].get("answer"), case["title"]

    virtually(ask)
    return answered


@pytest.fixture(scope="module")
def batched(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return ask_everybody("batched", tmp_path_factory.mktemp("batched"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return ask_everybody("own", tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize(
    ("case", "mode"),
    [
        pytest.param(case, mode, id=f"{mode}-{case['title']}")
        for mode in MODES
        for case in CASES
        if mode in case.get("modes", MODES)
    ],
)
def test_answered_as_the_owner_would(request: pytest.FixtureRequest, case: dict[str, Any], mode: str) -> None:
    answers: Answers = request.getfixturevalue(mode)
    answer = answers[case["title"]]
    if "refused" in case:
        assert (answer["outcome"], answer.get("condition")) == ("error", case["refused"])
        return
    assert answer["outcome"] == "result"
    got = [{name: value for name, value in event.items() if name != "id"} for event in answer["answer"]]
    wanted = list(expected(case, mode))
    if any(each.get("any_order") for each in case.get("shown", [])):
        got, wanted = sorted(got, key=str), sorted(wanted, key=str)
    assert got == wanted


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in CASES if "modes" not in case])
def test_ids_are_the_same_however_a_calendar_is_read(own: Answers, batched: Answers, case: dict[str, Any]) -> None:
    """But for an instance that was moved: free/busy does not tell when it would have begun."""

    def ids(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
        events = answer.get("answer") or []
        return sorted((event["id"], event["startDate"]) for event in events if event["type"] != "exception")

    assert ids(own[case["title"]]) == ids(batched[case["title"]])
