"""The command: exit codes, what goes to which stream, and settings that cannot be read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from rainbow_exchange.cli import check as command
from rainbow_exchange.cli.main import commands
from rainbow_exchange.diagnosis import check as diagnosis
from rainbow_exchange.diagnosis.check import Verdict

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

SETTINGS = """
[exchange]
url = "http://127.0.0.1:1/EWS/Exchange.asmx"
username = "svc"
password_file = "{0}"

[rainbow]
url = "http://127.0.0.1:1"
login = "connector@acme.test"
app_id = "app"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give settings whose servers refuse connections, and whose secret lies in a file that is not there."""
    file = tmp_path / "config.toml"
    file.write_text(SETTINGS.format(tmp_path / "password"), encoding="utf-8")
    return file


def check(*arguments: str) -> Result:
    return CliRunner().invoke(
        commands, ["check", *arguments], env={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    )


def steps(result: Result) -> dict[str, dict[str, Any]]:
    return {each["step"]: each for each in json.loads(result.stdout)["steps"]}


def test_both_sides_are_looked_at_and_the_first_failure_is_named(file: Path) -> None:
    result = check("--config", str(file))

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert any(line.startswith("FAIL  secrets ") and "exchange.password_file" in line for line in lines)
    assert any(line.startswith("FAIL  exchange-tcp ") for line in lines)
    assert any(line.startswith("FAIL  rainbow-tcp ") for line in lines)
    assert lines[-1].endswith("Begin with secrets.")
    assert not (file.parent / "state.db").exists()


def test_json_goes_to_standard_output_alone_and_the_steps_to_standard_error(file: Path) -> None:
    result = check("--config", str(file), "--json")

    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    found = steps(result)
    assert found["exchange-tls"]["because"] == "exchange-tcp"
    assert found["exchange-tcp"]["title"] == "Connection to Exchange"
    assert found["rainbow-sign-in"]["because"] in {"secrets", "rainbow-tcp"}
    assert "FAIL  exchange-tcp" in result.stderr


def test_settings_that_cannot_be_read_are_a_failed_step(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[exchange]\nurl = 5\n", encoding="utf-8")

    result = check("--config", str(file), "--json")

    assert result.exit_code == 2
    assert list(steps(result)) == ["settings"]
    assert steps(result)["settings"]["cause"] == "settings-faulty"


@pytest.mark.parametrize(
    ("verdicts", "strict", "code"),
    [
        ([Verdict.PASS, Verdict.SKIP], False, 0),
        ([Verdict.PASS, Verdict.WARN], False, 1),
        ([Verdict.PASS, Verdict.WARN], True, 2),
        ([Verdict.WARN, Verdict.FAIL], False, 2),
        ([], True, 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst(verdicts: Sequence[Verdict], strict: bool, code: int) -> None:
    assert command.EXIT_CODES[diagnosis.overall(verdicts, strict=strict)] == code


def test_another_program_on_the_services_port_is_told_nothing_and_said(page: Page, file: Path) -> None:
    settings = file.read_text(encoding="utf-8") + f'\n[state]\npath = "{page.folder}"\n'
    file.write_text(settings.replace('login = "connector@acme.test"', 'login = "c@acme.test"'), encoding="utf-8")
    page.publish(nonce="f" * 64)

    found = steps(check("--config", str(file), "--json"))

    assert found["settings"]["cause"] == "cannot-tell"
    assert "another program answers on 127.0.0.1 port" in found["settings"]["text"]
