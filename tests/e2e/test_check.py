"""`check` as a process: beside the running service, without a terminal, and interrupted."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.processes import COMMAND, Process, World, until

pytestmark = [pytest.mark.e2e, pytest.mark.processes]


def checked(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own command)
        [COMMAND, "check", *arguments], env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def test_beside_the_service_it_disturbs_nobody(world: World, person: Callable[..., dict[str, Any]]) -> None:
    lab = world.lab([person("ada"), person("bob")], "--tls")
    connector = world.connector(lab)
    before = connector.healthy(2)
    environment = {"PATH": "/usr/bin:/bin"} | connector.environment

    plain = checked(environment)
    told = checked(environment, "--json", "ada@acme.test")

    assert (plain.returncode, plain.stderr) == (0, ""), plain.stdout
    assert "\r" not in plain.stdout
    assert "finds them, too." in plain.stdout
    assert "The service, which runs, has it since" in plain.stdout
    assert told.returncode == 0
    [line] = told.stdout.splitlines()
    written = json.loads(line)
    assert (written["schema_version"], written["verdict"], written["address"]) == (1, "pass", "ada@acme.test")
    assert "pass  mailbox" in told.stderr

    after = connector.asked()
    assert after["state"] == "healthy"
    assert (after["link"]["connections"], after["link"]["other_connectors"]) == (1, 0)
    assert after["link"]["connected_since"] == before["link"]["connected_since"]
    assert after["mailboxes"]["streamed"] == 2
    assert connector.stop() == 0


def test_ctrl_c_in_the_midst_of_a_step_gives_everything_back(
    world: World, person: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    lab = world.lab([person("ada")])
    lab.exchange("POST", "/lab/dials", {"delay_seconds": 60.0, "delay_operations": ["GetUserAvailability"]})
    environment = lab.settings() | {
        "RAINBOW_EXCHANGE_STATE__PATH": str(tmp_path / "state"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    check = Process(["check"], tmp_path / "check", environment)
    world.stack.callback(check.kill)
    check.start()
    until(lambda: "pass  stream" in check.output(), "the stream has answered")
    assert len(lab.exchange("GET", "/lab/subscriptions")["subscriptions"]) == 1

    assert check.stop(signal.SIGINT) == 130

    assert check.output().endswith("Interrupted.\n")
    assert "Traceback" not in check.output()
    left = lab.exchange("GET", "/lab/subscriptions")
    assert (left["subscriptions"], left["streams"]) == ([], [])
    assert not (tmp_path / "state").exists()


def test_faulty_settings_are_a_step_that_failed(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[exchange]\nurl = "mail"\n', encoding="utf-8")

    ended = checked({"PATH": "/usr/bin:/bin"}, "--config", str(file), "--json")

    assert ended.returncode == 2
    [step] = json.loads(ended.stdout)["steps"]
    assert (step["step"], step["verdict"], step["cause"]) == ("settings", "fail", "settings-faulty")
    assert "exchange.url" in step["text"]


def test_in_a_terminal_a_line_stands_while_its_step_goes_on(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")  # Windows has none
    mine, theirs = pty.openpty()
    environment = {
        "PATH": "/usr/bin:/bin",
        "RAINBOW_EXCHANGE_EXCHANGE__URL": "http://127.0.0.1:1/EWS/Exchange.asmx",
        "RAINBOW_EXCHANGE_EXCHANGE__USERNAME": "svc",
        "RAINBOW_EXCHANGE_EXCHANGE__PASSWORD": "pw",
        "RAINBOW_EXCHANGE_RAINBOW__URL": "http://127.0.0.1:1",
        "RAINBOW_EXCHANGE_STATE__PATH": str(tmp_path / "state"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    process = subprocess.Popen([COMMAND, "check"], env=environment, stdout=theirs, stderr=theirs)  # noqa: S603 (ours)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the terminal ends with whoever used it
        while part := os.read(mine, 65536):
            shown += part
    os.close(mine)

    assert process.wait(90) == 2
    [tcp] = [line for line in shown.decode().split("\r\n") if "exchange-tcp " in line and "FAIL" in line]
    assert tcp.startswith("....  exchange-tcp             Connection to Exchange\rFAIL  exchange-tcp ")
