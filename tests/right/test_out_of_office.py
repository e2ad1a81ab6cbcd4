"""What Rainbow is answered about an absence is what its owner has set: case by case, at the times that matter.

Each is asked about as Rainbow would, and looked at as a colleague's client shows it, which is what Rainbow has asked
for of its own accord after it was notified.
"""

import asyncio
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.exchange.calendar import details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import EPOCH, House, virtually
from tests.right.absences import change, mailbox_of

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURES = Path(__file__).parents[2] / "fixtures" / "right"
CASES: list[dict[str, Any]] = tomllib.loads((FIXTURES / "out_of_office.toml").read_text("utf-8"))["case"]
#: from then on Exchange tells nothing of absences any more, in the run that shows that none is needed to flip
BLIND_FROM = time(8, 8)
UNCHANGED = [
    case for case in CASES if "then" not in case and any(each["at"] > BLIND_FROM for each in case.get("told", ()))
]


@dataclass
class Run:
    """Answers by title and time, and what was logged meanwhile."""

    answers: dict[tuple[str, time], dict[str, Any]] = field(default_factory=dict)
    logs: str = ""


def seconds(moment: time) -> float:
    return (datetime.combine(EPOCH, moment, EPOCH.tzinfo) - EPOCH).total_seconds()


def text_of(message: str, form: str) -> str:
    return (FIXTURES / "messages" / f"{message}.{form}").read_text("utf-8")


def begin(house: House, person: LabUser, case: dict[str, Any]) -> None:
    """Have somebody set what a case begins with."""
    mailbox = mailbox_of(house, person)
    change(mailbox, case["set"])
    if "message" in case:
        mailbox.oof.internal = text_of(case["message"], "html")
    for meeting in case.get("meeting", ()):
        start = datetime.combine(EPOCH, meeting["at"], EPOCH.tzinfo)
        times = {"start": start, "end": start + timedelta(minutes=meeting["minutes"])}
        shown = {"subject": "Planning", "show_as": meeting.get("show_as", "Busy")}
        mailbox.calendar.create(details_from(times | shown))


async def look(house: House, person: LabUser, case: dict[str, Any], wanted: dict[str, Any], run: Run) -> None:
    """Keep what a client shows now, since when Rainbow has asked last, and what it is answered now."""
    shown = house.rainbow.questions.shown(person).status
    questions = house.rainbow.record.questions
    asked = [each["at"] for each in questions if (each["user_id"], each["kind"]) == (person.id, "autoreply")]
    entry = await house.rainbow.questions.ask("autoreply", person.login_email)
    assert entry["outcome"] == "result", case["title"]
    run.answers[case["title"], wanted["at"]] = entry["answer"] | {"shown": shown, "asked": max(asked, default="")}


def play(folder: Path, cases: list[dict[str, Any]], told: str, *, blind: bool = False, **house: Any) -> Run:
    """Live through all cases at once, each in the mailbox of another person."""
    run = Run()

    async def live() -> None:
        people = make_company(len(cases), 1)
        home = House(folder, people, **house)
        steps: list[tuple[float, int, Callable[[], Any]]] = []
        for person, case in zip(people, cases, strict=True):
            begin(home, person, case)
            steps += [
                (seconds(each["at"]), 0, partial(change, mailbox_of(home, person), each["set"]))
                for each in case.get("then", ())
            ]
            steps += [
                (seconds(each["at"]), 1, partial(look, home, person, case, each, run)) for each in case.get(told, ())
            ]
        if blind:
            operations = ("GetMailTips", "GetUserOofSettings", "GetServiceConfiguration")
            refused = {"faults": dict.fromkeys(operations, "ErrorAccessDenied")}
            steps.append((seconds(BLIND_FROM), 0, partial(home.exchange.dials.turn, refused)))
        async with home.at_work():
            for at, _ in sorted({(at, order) for at, order, _ in steps}):
                await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
                begun = [step() for when, order, step in sorted(steps, key=lambda each: each[1]) if when == at]
                await asyncio.gather(*(each for each in begun if asyncio.iscoroutine(each)))
                steps = [each for each in steps if each[0] != at]

    with capture_logs() as logs:
        virtually(live)
    run.logs = repr(logs)
    return run


@pytest.fixture(scope="module")
def by_settings(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole truth, by impersonation."""
    return play(tmp_path_factory.mktemp("settings"), CASES, "told")


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same, where nothing can be read any more long before it happens."""
    return play(tmp_path_factory.mktemp("blind"), UNCHANGED, "told", blind=True)


@pytest.fixture(scope="module")
def by_tips(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What there is where the account may not impersonate."""
    return play(tmp_path_factory.mktemp("tips"), CASES, "by_tips", right=Right.REVIEWER, impersonation=False)


def instants(cases: list[dict[str, Any]], told: str) -> list[Any]:
    return [
        pytest.param(case, wanted, id=f"{case['title']}, at {wanted['at']}")
        for case in cases
        for wanted in case.get(told, ())
    ]


def check(run: Run, case: dict[str, Any], wanted: dict[str, Any]) -> None:
    answered = dict(run.answers[case["title"], wanted["at"]])
    asked = answered.pop("asked")
    message = wanted.get("message")
    assert answered == {
        "state": wanted["state"],
        "startDate": wanted["start"].isoformat() if "start" in wanted else None,
        "endDate": wanted["end"].isoformat() if "end" in wanted else None,
        "internalReplyMessage": text_of(message, "txt").rstrip() if message else wanted.get("internal", ""),
        "externalReplyMessage": wanted.get("external"),
        "audience": wanted.get("audience"),
        "shown": wanted["shown"],
    }
    if "since" in wanted:
        assert asked >= f"2026-03-02T{wanted['since']}.000Z"


@pytest.mark.parametrize(("case", "wanted"), instants(CASES, "told"))
def test_told_as_it_was_set(by_settings: Run, case: dict[str, Any], wanted: dict[str, Any]) -> None:
    check(by_settings, case, wanted)


@pytest.mark.parametrize(("case", "wanted"), instants(UNCHANGED, "told"))
def test_told_on_time_without_seeing_it(unseen: Run, case: dict[str, Any], wanted: dict[str, Any]) -> None:
    check(unseen, case, wanted)


@pytest.mark.parametrize(("case", "wanted"), instants(CASES, "by_tips"))
def test_told_as_far_as_tips_tell(by_tips: Run, case: dict[str, Any], wanted: dict[str, Any]) -> None:
    check(by_tips, case, wanted)


def test_no_text_is_in_a_log(by_settings: Run, by_tips: Run, unseen: Run) -> None:
    texts = {each["set"].get(name) for case in CASES for each in (case, *case.get("then", ())) for name in TEXTS}
    texts |= {"absente du 2", "Tom & Jerry"} - {None, "", "Old"}
    for run in (by_settings, by_tips, unseen):
        assert "xmpp_connected" in run.logs
        assert [text for text in texts if text and text in run.logs] == []


TEXTS = ("internal", "external")
