"""What Rainbow is answered from answers of Exchange as they are on the wire, through the whole product."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, until, virtually
from tests.right.recorded_calendars import RecordedCalendars

ROOT = Path(__file__).parents[2] / "fixtures"
CASES: list[dict[str, Any]] = tomllib.loads((ROOT / "right" / "recorded.toml").read_text("utf-8"))["case"]
OURS = [case for case in CASES if "sample" not in case]
SAMPLES = [case for case in CASES if "sample" in case]
Answers = dict[str, list[dict[str, Any]]]


def ask_about(cases: list[dict[str, Any]], bodies: list[bytes], folder: Path) -> tuple[Answers, int]:
    """Ask about a company in which each case is somebody's calendar; return the answers, and zones nobody knew."""
    answered: Answers = {}
    strange = 0

    async def ask() -> None:
        nonlocal strange
        people = make_company(len(cases), 1)
        together = "find_item" not in cases[0]["answer"]
        house = House(folder, people, right=Right.REVIEWER, impersonation=not together)
        addresses = [person.mailbox.address for person in people if person.mailbox]
        async with house.open():
            front = RecordedCalendars(house.exchange.url, dict(zip(addresses, bodies, strict=True)))
            await front.start()
            house.settings["url"] = front.url
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=120)
            for person, case in zip(people, cases, strict=True):
                entry = await house.rainbow.questions.ask("events", person.login_email, window=tuple(case["asked"]))
                assert entry["outcome"] == "result", case["title"]
                answered[case["title"]] = entry["answer"]
            assert house.daemon is not None
            strange = house.daemon.measures()["appointments_in_unknown_zones"]
            await house.stop()
            await front.stop()

    virtually(ask)
    return answered, strange


@pytest.fixture(scope="module")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, int]:
    cases = [case for case in OURS if "find_item" in case["answer"]]
    return ask_about(cases, [recorded(case) for case in cases], tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, int]:
    cases = [case for case in OURS if "find_item" not in case["answer"]]
    return ask_about(cases, [recorded(case) for case in cases], tmp_path_factory.mktemp("batched"))


@pytest.fixture(scope="module")
def of_samples(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> tuple[Answers, int]:
    bodies = [(shared / "ews" / "samples" / f"{case['answer']}.xml").read_bytes() for case in SAMPLES]
    return ask_about(SAMPLES, bodies, tmp_path_factory.mktemp("samples"))


def recorded(case: dict[str, Any]) -> bytes:
    return (ROOT / "ews" / f"{case['answer']}.xml").read_bytes()


def check(case: dict[str, Any], events: list[dict[str, Any]]) -> None:
    assert len({event["id"] for event in events}) == len(events)
    assert [{name: value for name, value in event.items() if name != "id"} for event in events] == [
        {
            "subject": each["subject"],
            "type": each.get("type", "singleInstance"),
            "showAs": each.get("show_as", "busy"),
            "startDate": each["start"].replace("Z", "+00:00"),
            "endDate": each["end"].replace("Z", "+00:00"),
            "timezone": each.get("zone"),
        }
        for each in case["shown"]
    ]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in OURS])
def test_answered_from_what_exchange_said(request: pytest.FixtureRequest, case: dict[str, Any]) -> None:
    answers, _ = request.getfixturevalue("by_itself" if "find_item" in case["answer"] else "together")
    check(case, answers[case["title"]])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in SAMPLES])
def test_answered_from_what_real_servers_said(of_samples: tuple[Answers, int], case: dict[str, Any]) -> None:
    check(case, of_samples[0][case["title"]])


def test_zones_that_nobody_knows_are_counted_for_the_administrator(by_itself: tuple[Answers, int]) -> None:
    """Two appointments of one calendar, one of another; each reading counts."""
    assert by_itself[1] >= 3
