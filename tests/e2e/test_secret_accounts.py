"""Three accounts of one machine: the service's, the administrator's, and somebody's."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests import keyrings
from tests.cli.test_run import ask
from tests.keyrings import in_memory
from tests.processes import Process, command_for_all

PASSWORD = "Pässwörd#1"
SERVICE, SOMEBODY = 65534, 65533


def run_by(account: int) -> list[str]:
    """Give what begins a command line of this account."""
    command = command_for_all()
    return ["setpriv", "--clear-groups", f"--regid={account}", f"--reuid={account}", str(command)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every account may enter, unlike pytest's own, with a keyring for all in it."""
    command_for_all()
    folder = Path(tempfile.mkdtemp(prefix="rainbow-exchange-"))
    try:
        folder.chmod(0o755)
        (folder / "config.toml").write_text("[web]\nport = 0\n")
        shutil.copyfile(Path(keyrings.__file__), folder / "keyring_of_test.py")
        shutil.chown(folder, SERVICE, SERVICE)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.processes
def test_the_service_keeps_what_an_administrator_sets_and_answers_nobody_else(folder: Path, tmp_path: Path) -> None:
    config, ring = str(folder / "config.toml"), folder / "ring"
    environment = {
        "PYTHON_KEYRING_BACKEND": "keyring_of_test.FileKeyring",
        "TEST_KEYRING": str(ring),
        "PYTHONPATH": str(folder),
    }
    process = Process(["run", "--config", config], tmp_path / "run", environment, tuple(run_by(SERVICE))).start()
    try:
        ask(folder)
        with in_memory() as mine:
            typed = f"{PASSWORD}\n".encode()
            done = CliRunner().invoke(commands, ["secret", "set", "exchange.password", "--config", config], input=typed)
            assert done.exit_code == 0, done.output
            assert done.stdout.startswith("Kept exchange.password in the keyring of nobody, and read it back.")
            assert json.loads(ring.read_text()) == [["rainbow-exchange", "exchange.password", PASSWORD]]
            assert ring.stat().st_uid == SERVICE
            assert mine.stored == {}

            listed = CliRunner().invoke(commands, ["secret", "list", "--json", "--config", config])
            shown = json.loads(listed.stdout)
            assert (shown["service"]["account"], shown["this_account"]["account"]) == ("nobody", "root")
            sets = {
                view: [one["name"] for one in shown[view]["secrets"] if one["set"]]
                for view in ("service", "this_account")
            }
            assert sets == {"service": ["exchange.password"], "this_account": []}

        somebody = [*run_by(SOMEBODY), "secret"]
        for words in (["set", "exchange.password", "--yes"], ["list"]):
            refused = subprocess.run(  # noqa: S603 (ours)
                [*somebody, *words, "--config", config],
                input=b"other",
                capture_output=True,
                env=os.environ | environment | {"TEST_KEYRING": os.devnull},
                check=False,
            )
            assert refused.returncode == 4
            assert f"{folder / 'runtime.json'} cannot be read (Permission denied)".encode() in refused.stderr
            assert b"Traceback" not in refused.stderr
        assert json.loads(ring.read_text())[0][2] == PASSWORD
        assert PASSWORD not in process.output()
        assert process.stop(signal.SIGTERM) == 0
    finally:
        process.kill()
