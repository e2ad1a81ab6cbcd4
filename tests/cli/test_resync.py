import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from rainbow_exchange.cli import resync as command
from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

JOB: dict[str, Any] = {
    "schema_version": 1, "job": "j1", "what": "all", "state": "running", "phase": "reading calendars",
    "done": 3, "total": 50_000, "says": "", "people": [],
}  # fmt: skip
ENDED = JOB | {"state": "done", "phase": "", "done": None, "total": None}
ADA: dict[str, Any] = {
    "address": "ada@acme.test", "outcome": "told", "user": "ada@acme.test", "mailbox": "ada@acme.test",
    "reason": "", "absence": "",
}  # fmt: skip


class Daemon:
    """Answers this, one after the other, and notes what it was asked."""

    def __init__(self, page: Page, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []
        page.answers["resync"] = self.answer

    def answer(self, wanted: Any) -> dict[str, Any]:
        self.asked.append(wanted)
        return self.answers.pop(0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_LOOK_EVERY", 0.01)


def resync(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["resync", *arguments])


def test_it_is_looked_at_until_it_is_done(page: Page) -> None:
    daemon = Daemon(page, JOB | {"phase": "listing users"}, JOB, JOB, ENDED | {"says": "2 users listed."})

    result = resync("--all")

    assert daemon.asked == [{"all": True}, {"job": "j1"}, {"job": "j1"}, {"job": "j1"}]
    assert (result.exit_code, result.stdout) == (0, "2 users listed.\n")
    assert result.stderr == "Listing users ...\nReading calendars ...\n"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [((), {"users": True}), (("ada@acme.test",), {"addresses": ["ada@acme.test"]}), (("--all",), {"all": True})],
)
def test_what_is_meant(page: Page, arguments: tuple[str, ...], wanted: dict[str, Any]) -> None:
    daemon = Daemon(page, ENDED)

    assert resync(*arguments).exit_code == 0
    assert daemon.asked == [wanted]


def test_each_person_has_an_end(page: Page) -> None:
    others = [
        {"address": "b", "outcome": "no-mailbox", "reason": "no-mailbox"},
        {"address": "c", "outcome": "not-read", "reason": "ErrorServerBusy", "absence": "timeout"},
        {"address": "d", "outcome": "not-told", "reason": "HTTP 503"},
        {"address": "e", "outcome": "unknown"},
        {"address": "f", "outcome": "several"},
    ]
    Daemon(page, ENDED | {"people": [ADA, *(ADA | each for each in others)]})

    result = resync("ada@acme.test", "b", "c", "d", "e", "f")

    assert (result.exit_code, result.stdout) == (1, "ada@acme.test: read anew, and Rainbow told\n")
    assert result.stderr.splitlines() == [
        "b: no mailbox (no-mailbox)",
        "c: the calendar could not be read (ErrorServerBusy); the out-of-office state could not be read (timeout)",
        "d: read anew; Rainbow could not be told (HTTP 503)",
        "e: no user of the company has this address",
        "f: several users have this address, and none as login; write the login of the one who is meant",
    ]


def test_a_work_that_failed_is_1_and_says_why(page: Page) -> None:
    Daemon(page, ENDED | {"state": "failed", "says": "Exchange does not answer."})

    result = resync("--all")

    assert (result.exit_code, result.stderr) == (1, "Exchange does not answer. See rainbow-exchange status.\n")


def test_whoever_does_not_wait_is_told_that_it_goes_on(page: Page) -> None:
    daemon = Daemon(page, JOB)

    result = resync("--all", "--no-wait")

    assert (result.exit_code, len(daemon.asked)) == (0, 1)
    assert result.output.startswith("It goes on in the daemon")


def test_as_json_it_is_one_line_with_the_end(page: Page) -> None:
    Daemon(page, JOB, ENDED | {"people": [ADA]})

    result = resync("--json", "ada@acme.test")

    assert json.loads(result.stdout) == ENDED | {"people": [ADA]}
    assert result.stdout.count("\n") == 1


def test_who_is_meant_is_said_once() -> None:
    assert resync("--all", "ada@acme.test").exit_code == 2


def test_without_a_daemon_it_is_3_and_another_version_is_4(page: Page) -> None:
    Daemon(page, {"schema_version": 2})
    assert resync().exit_code == 4
    page.publish(port=1)
    assert resync().exit_code == 3
