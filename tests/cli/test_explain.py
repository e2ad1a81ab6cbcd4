import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

UNKNOWN = {
    "schema_version": 1,
    "address": "ada@acme.test",
    "at": "2026-03-02T08:00:00Z",
    "state": "unknown",
    "user": None,
    "verdict": {"right": False, "broken": "user", "because": "Nobody \u202e.", "action": "Look.", "also": []},
}


def explain(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["explain", *arguments])
    return result.exit_code, result.output


def test_what_is_broken_stands_on_top_and_is_1(page: Page) -> None:
    page.answers["explain"] = lambda wanted: UNKNOWN | {"wanted": wanted}

    assert explain("ada@acme.test") == (1, "ada@acme.test: Nobody ?.\nNext step: Look.\n")


def test_json_is_what_the_daemon_says(page: Page) -> None:
    page.answers["explain"] = lambda wanted: UNKNOWN | {"wanted": wanted}

    code, text = explain("--json", "ada@acme.test")

    assert (code, json.loads(text)) == (1, UNKNOWN | {"wanted": {"address": "ada@acme.test"}})


def test_what_is_right_or_about_to_be_is_0(page: Page) -> None:
    for right in (True, None):
        verdict: dict[str, Any] = {
            "right": right,
            "broken": "",
            "because": "it is so.",
            "action": "Nothing.",
            "also": [],
        }
        answer = UNKNOWN | {"verdict": verdict}
        page.answers["explain"] = lambda _, answer=answer: answer  # type: ignore[misc]  # of this turn
        assert explain("ada@acme.test")[0] == 0


def test_no_address_is_2_and_no_daemon_is_3() -> None:
    assert explain(" ")[0] == 2
    assert explain("ada@acme.test")[0] == 3


def test_the_time_goes_along_and_a_wrong_one_is_2(page: Page) -> None:
    page.answers["explain"] = lambda wanted: UNKNOWN | {"wanted": wanted}

    code, text = explain("--json", "--at", (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "ada@acme.test")

    assert code == 1
    passed = datetime.now(UTC) - datetime.fromisoformat(json.loads(text)["wanted"]["at"])
    assert timedelta(hours=1) <= passed < timedelta(hours=1, minutes=5)
    for wrong, why in (("noon", "write 08:00"), ("2026-01-02T08:00", "too long ago"), ("25:00", "no time of day")):
        code, text = explain("--at", wrong, "ada@acme.test")
        assert (code, why in " ".join(text.split())) == (2, True)
