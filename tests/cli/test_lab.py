import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests.ports import free_port
from tests.processes import call

SECONDS = 90


@contextmanager
def lab(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the lab as a process; give it and its first line. It is ended by SIGTERM and has then to end with 0."""
    command = [sys.executable, "-m", "rainbow_exchange", "lab", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  (ours)
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()


def is_open(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60).close()
    except ConnectionRefusedError:
        return False
    return True


def test_json_is_one_line_with_both_sides_when_both_are_ready() -> None:
    with lab("--users", "2", "--json") as (_, line):
        sides = json.loads(line)
        assert sides.pop("schema_version") == 1
        assert sorted(sides) == ["exchange", "page", "rainbow"]
        assert is_open(sides["page"])
        assert sorted(sides["exchange"]) == [
            "ca_file", "client_id", "client_secret", "password", "token_url", "url", "username"
        ]  # fmt: skip
        assert sorted(sides["rainbow"]) == ["app_id", "app_secret", "company_id", "login", "password", "url"]
        assert is_open(sides["exchange"]["url"])
        assert is_open(sides["rainbow"]["url"])
    assert not is_open(sides["exchange"]["url"])


@pytest.mark.parametrize("side", ["exchange", "rainbow"])
def test_one_side_alone(side: str) -> None:
    with lab("--users", "2", "--only", side, "--json") as (_, line):
        assert list(json.loads(line)) == ["schema_version", side, "page"]


def test_ports_and_tls_can_be_chosen() -> None:
    port = free_port()

    with lab("--users", "2", "--only", "exchange", "--exchange-port", str(port), "--tls", "--json") as (_, line):
        exchange = json.loads(line)["exchange"]
        assert urlsplit(exchange["url"]).scheme == "https"
        assert urlsplit(exchange["url"]).port == port
        assert "BEGIN CERTIFICATE" in Path(exchange["ca_file"]).read_text()


def test_everybody_may_have_appointments_from_the_first() -> None:
    options = ("--users", "3", "--plain", "--appointments", "4", "--appointment-days", "2", "--seed", "9")
    with lab(*options, "--only", "exchange", "--json") as (_, line):
        base = json.loads(line)["exchange"]["url"].removesuffix("/EWS/Exchange.asmx")
        listed = call("GET", f"{base}/lab/mailboxes")
        address, now = listed[2]["address"], datetime.now(UTC)
        assert [each["aliases"] for each in listed] == [[], [], []]
        window = f"start={now - timedelta(days=1):%Y-%m-%dT%H:%MZ}&end={now + timedelta(days=3):%Y-%m-%dT%H:%MZ}"
        assert len(call("GET", f"{base}/lab/mailboxes/{address}/calendar?{window}")) == 4


def test_without_json_it_is_for_reading() -> None:
    with lab("--users", "2") as (process, line):
        assert line.startswith("exchange.url = http://127.0.0.1:")
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("2 people"):
            assert line


def test_users_and_a_file_of_users_exclude_each_other(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands, ["lab", "--users", "2", "--users-file", str(tmp_path / "users.json")])

    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_a_users_file_that_is_not_there_is_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands, ["lab", "--users-file", str(tmp_path / "users.json")])

    assert result.exit_code == 2
    assert "users.json" in result.stderr
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(commands, ["lab", "--users", "2", "--exchange-port", str(port)])

    assert result.exit_code == 2
    assert f"--exchange-port {port}" in result.stderr


def test_a_dial_that_is_not_right_is_2_and_says_what_it_takes() -> None:
    result = CliRunner().invoke(commands, ["lab", "--dial", "stream_limit=many"])

    assert result.exit_code == 2
    assert "--dial stream_limit=many: stream_limit takes a whole number" in result.stderr


def test_the_help_shows_how_a_dial_is_turned() -> None:
    assert "--dial stream_limit=3" in CliRunner().invoke(commands, ["lab", "--help"]).output
