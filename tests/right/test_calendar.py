"""What Rainbow is answered is what the calendar's owner would say: case by case, in both ways of reading."""

import tomllib
from collections.abc import Mapping
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

FIXTURES = Path(__file__).parents[2] / "fixtures" / "right"
CASES: list[dict[str, Any]] = tomllib.loads((FIXTURES / "calendar.toml").read_text("utf-8"))["case"]
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
    values = {name: value for name, value in made.items() if name not in {"repeat", "moved", "without"}}
    zone = values.setdefault("zone", PARIS)
    values |= {name: instant(values[name], zone) for name in ("start", "end")}
    pattern = None
    if repeat := dict(made.get("repeat", {})):
        name, last = repeat.pop("pattern"), repeat.pop("last_day", None)
        first = datetime.fromisoformat(made["start"]).date()
        until = last and datetime.fromisoformat(last).date()
        pattern = Recurrence(pattern=name, values=repeat, first_day=first, last_day=until)
    item = calendar.create(details_from(values), recurrence=pattern)
    for change in made.get("moved", ()):
        original = datetime.fromisoformat(instant(change["instance"], zone)).astimezone(ZoneInfo("UTC"))
        changed = {name: value for name, value in change.items() if name != "instance"}
        changed |= {name: instant(changed[name], zone) for name in ("start", "end") if name in changed}
        calendar.update_occurrence(item, original, details_from(changed, item.occurrence(original)))
    for wall in made.get("without", ()):
        calendar.delete_occurrence(item, datetime.fromisoformat(instant(wall, zone)).astimezone(ZoneInfo("UTC")))


def expected(case: Mapping[str, Any], mode: str) -> list[dict[str, Any]]:
    return [
        {
            "subject": each["subject"],
            "type": each.get("type", "singleInstance"),
            "showAs": each.get("show_as", "busy"),
            "startDate": each["start"].replace("Z", "+00:00"),
            "endDate": each["end"].replace("Z", "+00:00"),
            "timezone": each["zone"] if mode == "own" else None,
        }
        for each in case.get("shown", [])
    ]


@pytest.fixture(scope="module", params=MODES)
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """The mode, and each case's answer by its title: one company in which each case is somebody's calendar."""
    mode: str = request.param
    answered: dict[str, list[dict[str, Any]]] = {}

    async def ask() -> None:
        people = make_company(len(CASES), 1)
        house = House(tmp_path_factory.mktemp(mode), people, **MODES[mode])
        for person, case in zip(people, CASES, strict=True):
            address = person.mailbox.address if person.mailbox else ""
            for made in case["made"]:
                make(house.exchange.directory.by_address[address].calendar, made)
        async with house.at_work():
            for person, case in zip(people, CASES, strict=True):
                start, end = case["asked"]
                entry = await house.rainbow.questions.ask("events", person.login_email, window=(start, end))
                assert entry["outcome"] == "result", case["title"]
                again = await house.rainbow.questions.ask("events", person.login_email, window=(start, end))
                assert again["answer"] == entry["answer"], case["title"]
                answered[case["title"]] = entry["answer"]

    virtually(ask)
    return mode, answered


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_answered_as_the_owner_would(
    answers: tuple[str, dict[str, list[dict[str, Any]]]], case: dict[str, Any]
) -> None:
    mode, answered = answers
    if mode not in case.get("modes", MODES):
        return
    got = [{name: value for name, value in event.items() if name != "id"} for event in answered[case["title"]]]
    wanted = expected(case, mode)
    if any(each.get("any_order") for each in case.get("shown", [])):
        got, wanted = sorted(got, key=str), sorted(wanted, key=str)
    assert got == wanted
