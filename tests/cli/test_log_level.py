import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.log_level import sentence
from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

AS_SET = {"schema_version": 1, "level": "info", "settings_level": "info", "changed": False, "until": None}


def log_level(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["log-level", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), {}),
        (("debug",), {"level": "debug", "seconds": None}),
        (("debug", "--for", "90s"), {"level": "debug", "seconds": 90}),
        (("debug", "--for", "30m"), {"level": "debug", "seconds": 1800}),
        (("warning", "--for", "2h"), {"level": "warning", "seconds": 7200}),
        (("error", "--for", "7d"), {"level": "error", "seconds": 604_800}),
        (("debug", "--for", "5"), {"level": "debug", "seconds": 300}),
        (("reset",), {"level": "reset", "seconds": None}),
    ],
)
def test_the_daemon_is_asked(page: Page, arguments: tuple[str, ...], asked: dict[str, Any]) -> None:
    came: list[Any] = []

    def answer(wanted: Any) -> dict[str, Any]:
        came.append(wanted)
        return AS_SET

    page.answers["log-level"] = answer

    assert log_level(*arguments) == (0, "info, as the settings say\n")
    assert came == [asked]


@pytest.mark.parametrize(
    "arguments",
    [("loud",), ("debug", "--for", "0m"), ("debug", "--for", "8d"), ("debug", "--for", "soon"), ("--for", "5m")],
)
def test_what_is_no_level_or_no_time_is_refused(arguments: tuple[str, ...]) -> None:
    code, text = log_level(*arguments)

    assert code == 2
    assert "Error" in text


def test_as_json(page: Page) -> None:
    page.answers["log-level"] = lambda _: AS_SET

    code, text = log_level("--json")
    assert (code, json.loads(text)) == (0, AS_SET)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"level": "debug", "until": "2026-03-02T09:14:07Z"}, "debug until 10:14:07, then info as the settings say"),
        (
            {"level": "warning", "until": None},
            "warning until the service stops; the settings say info (rainbow-exchange log-level reset)",
        ),
    ],
)
def test_what_is_changed_is_said_with_its_end(changed: dict[str, Any], said: str) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=1)))

    assert sentence(AS_SET | {"changed": True} | changed, now=now) == said


def test_status_says_it_while_it_is_changed(page: Page) -> None:
    page.status["log"] = AS_SET
    assert "Log level" not in CliRunner().invoke(commands, ["status"]).output

    page.status["log"] = AS_SET | {"level": "warning", "changed": True}
    assert "  Log level  warning until the service stops" in CliRunner().invoke(commands, ["status"]).output
