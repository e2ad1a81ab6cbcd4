import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

KEYS = [
    "schema_version",
    "state",
    "since",
    "started",
    "event_loop",
    "exchange",
    "rainbow",
    "users",
    "mailboxes",
    "throttling",
    "latency",
    "last_hour",
    "changes",
    "notify",
    "link",
    "reports",
    "not_streamed_total",
    "not_streamed",
    "not_read_total",
    "not_read",
    "settings",
    "problems",
]


def status(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["status", *arguments])
    return result.exit_code, result.output


def process(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "rainbow_exchange", *arguments]
    return subprocess.run(command, env=env, capture_output=True, timeout=90, check=False)  # noqa: S603  (ours)


@pytest.mark.usefixtures("page")
def test_healthy_is_0_and_one_screen() -> None:
    code, screen = status()

    assert code == 0
    lines = screen.splitlines()
    assert lines[0].startswith("Healthy since 2026-01-")
    assert lines[1:] == [
        "  Exchange   connected",
        "  Rainbow    connected",
        "  Mailboxes  3: 2 streamed, 1 polled, 0 not covered",
        "  Told after 0.25 s (median), - (99 %)",
    ]


@pytest.mark.parametrize("state", ["degraded", "starting", "stopping"])
def test_whatever_is_not_healthy_is_1_with_reason_and_next_step(page: Page, state: str) -> None:
    page.status |= {
        "state": state,
        "exchange": {"state": "disconnected", "reason": "The password is wrong."},
        "problems": [
            {
                "id": "exchange-authentication",
                "severity": "error",
                "since": "yesterday",
                "text": "Exchange refuses the password.",
                "action": "Correct it.",
            }
        ],
    }

    code, screen = status()

    assert code == 1
    assert screen.startswith(state.capitalize())
    assert "  Exchange   disconnected (The password is wrong.)\n" in screen
    assert (
        "\nError exchange-authentication since yesterday\n  Exchange refuses the password.\n  Next step: Correct it.\n"
    ) in screen


def test_json_is_the_daemons_own(page: Page) -> None:
    code, text = status("--json")

    assert code == 0
    assert json.loads(text) == page.status
    assert text.count("\n") == 1


def test_not_running_is_3_with_the_next_step(default_folder: Path) -> None:
    code, screen = status()

    assert code == 3
    assert screen.startswith("Not running\n")
    assert str(default_folder) in screen
    assert "Next step: start it" in screen


def test_not_running_as_json_has_the_same_keys() -> None:
    code, text = status("--json")

    assert code == 3
    answer = json.loads(text)
    assert list(answer) == KEYS
    assert answer["state"] == "not running"
    assert [problem["id"] for problem in answer["problems"]] == ["not-running"]


def test_cannot_tell_is_4(page: Page) -> None:
    page.publish(nonce="another")

    code, screen = status()

    assert code == 4
    assert screen.startswith("Cannot tell\n")
    assert "another program answers" in screen


@pytest.mark.parametrize("answer", [{"schema_version": 2}, []])
def test_a_daemon_of_another_version_is_4(page: Page, answer: Any) -> None:
    page.status = answer

    code, screen = status()

    assert code == 4
    assert "another version" in screen


def test_the_settings_say_where_to_look(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[state]\npath = '{page.folder}'\n")

    assert status("--config", str(file))[0] == 0
    assert status("--config", str(tmp_path / "none.toml"))[0] == 2


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_as_a_process_in_any_code_page(page: Page, encoding: str) -> None:
    page.status |= {
        "state": "degraded",
        "problems": [
            {
                "id": "x",
                "severity": "notice",
                "since": None,
                "text": "Rémi 😀 日本",
                "action": "…",
            }
        ],
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONUTF8")}
    environment |= {"PYTHONIOENCODING": encoding, "RAINBOW_EXCHANGE_STATE__PATH": str(page.folder)}

    screen = process("status", env=environment)
    as_json = process("status", "--json", env=environment)

    assert (screen.returncode, screen.stderr) == (1, b"")
    assert screen.stdout.startswith(b"Degraded")
    assert (as_json.returncode, as_json.stderr) == (1, b"")
    assert json.loads(as_json.stdout.decode("ascii")) == page.status


def test_as_a_process_with_faulty_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[exchange]\nurl = 3\npassword = 'hunter2'\n")

    done = process("status", "--config", str(file), env=dict(os.environ))

    assert done.returncode == 2
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("Error: exchange.") for line in lines)


def test_nothing_reaches_the_terminal_that_it_would_obey(page: Page) -> None:
    page.status["state"] = "degraded"
    page.status["exchange"] = {"state": "disconnected", "reason": "\x1b]0;title\x07gone"}
    page.status["problems"] = [
        {"id": "x", "severity": "error", "since": None, "text": "It \x1b[31mfails\r\nhere", "action": "Mend\x9b it"}
    ]
    code, screen = status()
    assert code == 1
    assert "  Exchange   disconnected (?]0;title?gone)" in screen.splitlines()
    assert screen.splitlines()[-2:] == ["  It ?[31mfails??here", "  Next step: Mend? it"]
