"""The bundle as a process: of a running service, interrupted at bad moments, and made by somebody else."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.processes import COMMAND, Connector, Process, World, begins, command_for_all

ADDRESS = "ada.lovelace@acme.test"


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    """A connector at work for one person; its log goes to standard error only."""
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("bundle"), stack)
        ada = {"loginEmail": ADDRESS, "firstName": "Ada", "emails": [{"email": ADDRESS, "type": "work"}]}
        connector = world.connector(world.lab([ada]), LOG__LEVEL="debug")
        connector.healthy(1)
        yield connector


def members(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


@pytest.mark.processes
def test_of_a_service_at_work_whose_log_goes_nowhere(connector: Connector, tmp_path: Path) -> None:
    arguments = ["support-bundle", "--json", "--output", str(tmp_path)]
    done = subprocess.run(  # noqa: S603 (our own command)
        [COMMAND, *arguments],
        env=os.environ | connector.environment,
        capture_output=True,
        timeout=90,
        check=False,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert {each["name"] for each in answer["missing"]} <= {"service.json", "journal.log"}, "which are the system's"
    files = members(Path(answer["file"]))
    assert re.search(r'"event": "subscribed|"event": "users_listed"', files["daemon.log"])
    assert json.loads(files["check.json"])["verdict"] in {"pass", "warn"}
    assert json.loads(files["settings.json"])["by_daemon"] is True
    assert json.loads(files["explain.json"])["people"][0]["now"]["state"] == "explained"
    manifest = json.loads(files["manifest.json"])
    assert [each["name"] for each in manifest["files"]] == answer["files"] == [*files][1:]
    secrets = [value for name, value in connector.environment.items() if name.endswith(("PASSWORD", "SECRET"))]
    assert len(secrets) == 3
    for name, text in files.items():
        for hidden in ("ada", "lovelace", "svc-rainbow", *secrets):
            assert not re.search(rf"\b{re.escape(hidden)}\b", text, re.IGNORECASE), f"{hidden} in {name}"


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
def test_interrupted_at_any_moment_it_leaves_nothing_or_all(connector: Connector, tmp_path: Path) -> None:
    codes = []
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = Process(
            ["support-bundle", "--output", str(folder)], tmp_path / f"run {number}", connector.environment
        )
        process.start()
        time.sleep(0.2 * (number + 1))
        if process.process.poll() is None:
            process.process.send_signal(signal.SIGINT)
        codes.append(process.process.wait(60))
        left, said = sorted(path.name for path in folder.iterdir()), process.output()
        assert len(left) in ({2} if codes[-1] == 0 else {0, 2}), (codes, left, said)
        # -2: Python itself was about to end, when it leaves signals to the system, or it has just begun
        begun = "Fatal Python error" not in said and (codes[-1], said) != (-2, "")
        assert codes[-1] in {0, 130} or not begun or (codes[-1], "Written: " in said) == (-2, True), said
        # Python reports and forgets a Ctrl-C that comes while it puts an object away, or begins
        assert "Traceback" not in said or "Exception ignored in" in said or begins(said), said
    assert 130 in codes


@pytest.mark.processes
def test_somebody_else_gets_what_can_be_had_and_is_told_what_not(connector: Connector) -> None:
    command = command_for_all()
    state = connector.environment["RAINBOW_EXCHANGE_STATE__PATH"]
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        done = subprocess.run(  # noqa: S603 (our own command)
            [command, "support-bundle", "--no-check", "--output", f"{name}/mine.zip"],
            env={"PATH": os.defpath, "RAINBOW_EXCHANGE_STATE__PATH": state},
            user="nobody",
            group="nogroup",
            extra_groups=[],
            cwd="/",
            capture_output=True,
            timeout=90,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        files = members(Path(name) / "mine.zip")
    whys = {each["name"]: each["why"] for each in json.loads(files["manifest.json"])["missing"]}
    assert re.match(r"cannot tell: .* cannot be read \(Permission denied\)", whys["status.json"])
    assert whys["state.json"] == "it cannot be read (Permission denied)"
    assert json.loads(files["versions.json"])["program"]
