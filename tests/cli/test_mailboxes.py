import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from rainbow_exchange.cli.mailboxes_screen import harmless
from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

BOM = b"\xef\xbb\xbf"


def person(number: int, **more: Any) -> dict[str, Any]:
    user = f"u{number:05}@acme.test"
    return {
        "user": user, "user_id": f"id{number}", "state": "streamed", "mailbox": user,
        "identifier": {"kind": "login", "value": user}, "read_mode": "own", "read": True, "reason": "",
        "next_try": None, "finding": "own-address", "says": "", "suggestion": "", "problem": None, "tries": [],
        "stream": 3, "last_change": "2026-03-02T07:58:00Z", "last_told": "2026-03-02T07:58:01Z",
        "last_question": None,
    } | more  # fmt: skip


BOB = person(
    7, user='=HYPERLINK("x")', state="uncovered", mailbox=None, identifier=None, read_mode=None,
    stream=None, last_change=None, last_told=None,
    reason="taken: bob@acme.test", next_try="2026-03-03T08:00:00Z", finding="alias-of-another",
    says="bob@acme.test is an alias of ada@acme.test, the mailbox of ada@acme.test.", suggestion="Give, or take.",
    problem="mailbox-shared", tries=[{"kind": "login", "value": "bob@acme.test", "code": "taken"}],
)  # fmt: skip


class Daemon:
    """Answers pages of these people, and notes what it was asked for."""

    def __init__(self, page: Page, people: list[dict[str, Any]], *, repeated: int = 0) -> None:
        self.people = people
        self.repeated = repeated
        self.asked: list[dict[str, Any]] = []
        page.answers["mailboxes"] = self.answer

    def answer(self, wanted: Any) -> dict[str, Any]:
        self.asked.append(wanted)
        offset, limit = wanted["offset"], wanted["limit"]
        end = offset + limit
        first = max(0, offset - self.repeated)
        return {
            "schema_version": 1, "state": "shown", "reason": "", "as_of": "2026-03-02T08:00:00Z",
            "counts": {"total": 8, "streamed": 7, "polled": 0, "uncovered": 1, "not_read": 0},
            "matching": len(self.people), "offset": offset,
            "next_offset": end if end < len(self.people) else None, "people": self.people[first:end],
        }  # fmt: skip


def listed(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["mailboxes", *arguments])


def test_each_is_a_line_and_what_is_wrong_stands_below(page: Page) -> None:
    Daemon(page, [person(1), BOB])

    result = listed()

    when = datetime(2026, 3, 3, 8, tzinfo=UTC).astimezone()
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "8 users: 7 streamed, 0 polled, 1 not covered; 0 cannot be read",
        "user              state      mailbox           found by  read",
        "u00001@acme.test  streamed   u00001@acme.test  login     own",
        '=HYPERLINK("x")   uncovered  -                 -         -',
        f"    because taken: bob@acme.test; next try {when:%a %d %b %H:%M:%S}",
        "    bob@acme.test is an alias of ada@acme.test, the mailbox of ada@acme.test. Give, or take.",
    ]


def test_what_is_asked_for_goes_to_the_daemon(page: Page) -> None:
    daemon = Daemon(page, [person(1)])

    listed(
        "eve", "--state", "not-read", "--problem", "mailbox-denied", "--reason", "Denied", "--stream", "12",
        "--sort", "next-try",
    )  # fmt: skip

    assert daemon.asked == [
        {"text": "eve", "state": "not-read", "problem": "mailbox-denied", "reason": "Denied", "stream": "12",
         "sort": "next-try", "offset": 0, "limit": 1000},
    ]  # fmt: skip


def test_thousands_come_in_pages_each_person_once_as_one_line_of_json(page: Page) -> None:
    people = [person(number) for number in range(2500)]
    daemon = Daemon(page, people, repeated=3)

    result = listed("--json")

    assert [each["offset"] for each in daemon.asked] == [0, 1000, 2000]
    assert result.output.count("\n") == 1
    answer = json.loads(result.output)
    assert answer["schema_version"] == 1
    assert [each["user_id"] for each in answer["people"]] == [each["user_id"] for each in people]


def test_a_limit_is_kept_to_and_the_rest_is_counted(page: Page) -> None:
    daemon = Daemon(page, [person(number) for number in range(2500)])

    lines = listed("--limit", "1200").output.splitlines()

    assert [(each["offset"], each["limit"]) for each in daemon.asked] == [(0, 1000), (1000, 200)]
    assert len(lines) == 1200 + 3
    assert lines[-1] == "and 1300 more: rainbow-exchange mailboxes --limit 0"


def test_nobody_is_no_failure(page: Page) -> None:
    Daemon(page, [])

    result = listed("--state", "polled")

    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "Nobody is meant by that.")


@pytest.mark.parametrize(
    ("delimiter", "between"), [((), ","), (("--delimiter", ";"), ";"), (("--delimiter", "tab"), "\t")]
)
def test_the_report_is_for_excel_and_no_value_is_a_formula(
    page: Page, tmp_path: Path, delimiter: tuple[str, ...], between: str
) -> None:
    Daemon(page, [person(1, mailbox='q"uo,t;e\t@acme.test'), BOB])
    file = tmp_path / "report.csv"

    result = listed("--csv", str(file), *delimiter)

    assert (result.exit_code, result.output) == (0, f"Written to {file}.\n")
    content = file.read_bytes()
    assert content.startswith(BOM + b"User")
    assert content.count(b"\r\n") == content.count(b"\n") == 3
    _, first, second = csv.reader(io.StringIO(content[3:].decode(), newline=""), delimiter=between)
    assert first[:6] == ["u00001@acme.test", 'q"uo,t;e?@acme.test', "streamed", "login", "u00001@acme.test", "own"]
    assert first[12:] == ["3", "2026-03-02T07:58:00Z", "2026-03-02T07:58:01Z", ""]
    assert second == [
        "'=HYPERLINK(\"x\")", "", "uncovered", "", "", "", "alias-of-another", "taken: bob@acme.test",
        "bob@acme.test is an alias of ada@acme.test, the mailbox of ada@acme.test.", "Give, or take.",
        "2026-03-03T08:00:00Z", "login bob@acme.test: taken", "", "", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\uff1d1"])
def test_what_a_spreadsheet_would_carry_out_is_text(value: str) -> None:
    assert harmless(value)[0] == "'"


def test_what_is_none_is_left_as_it_is() -> None:
    assert harmless("a=1 -2 @x") == "a=1 -2 @x"


def test_the_report_goes_to_standard_output_too(page: Page) -> None:
    Daemon(page, [person(1)])

    assert listed("--csv", "-").stdout_bytes.startswith(BOM + b"User,Mailbox,State,")


def test_a_report_that_cannot_be_written_leaves_what_was_there(page: Page, tmp_path: Path) -> None:
    Daemon(page, [person(1)])
    nowhere = tmp_path / "nowhere" / "report.csv"

    result = listed("--csv", str(nowhere))

    assert (result.exit_code, "cannot be written" in result.output) == (2, True)
    assert not nowhere.parent.exists()
    old = tmp_path / "report.csv"
    old.write_text("old")
    page.answers["mailboxes"] = lambda _: {"schema_version": 1, "state": "not-ready", "reason": "Switched off."}
    result = listed("--csv", str(old))
    assert (result.exit_code, result.output) == (1, "There is no list yet: Switched off.\n")
    assert old.read_text() == "old"


def test_not_ready_is_1_as_json_too(page: Page) -> None:
    page.answers["mailboxes"] = lambda _: {"schema_version": 1, "state": "not-ready", "reason": "Switched off."}

    result = listed("--json")

    assert result.exit_code == 1
    assert json.loads(result.output)["reason"] == "Switched off."


def test_a_daemon_of_another_version_is_4(page: Page) -> None:
    page.answers["mailboxes"] = lambda _: {"schema_version": 2}

    assert listed().exit_code == 4


def test_without_a_daemon_it_is_3() -> None:
    assert listed().exit_code == 3


def test_one_form_at_a_time() -> None:
    result = listed("--json", "--csv", "-")

    assert (result.exit_code, "Choose one of --json and --csv." in result.output) == (2, True)
