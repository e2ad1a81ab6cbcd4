"""The bundle as it is written: of a running daemon, and without one."""

import json
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rainbow_exchange.bridge.member import Member
from rainbow_exchange.cli.main import commands
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.types import RainbowUser
from tests.cli.conftest import Page


def make(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["support-bundle", *arguments])


def files_of(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_of_a_running_daemon(page: Page, here: Path) -> None:
    page.members = [
        Member(RainbowUser(id="id1", login_email="ada@acme.test", external_uid="adalove")),
        Member(RainbowUser(id="id2", login_email="bob@acme.test")),
    ]
    page.secrets = Secrets(exchange_password="Passw0rd-4711")
    page.status["not_read"] = [{"user": "ada@acme.test", "mailbox": "adalove", "reason": "Passw0rd-4711"}]

    result = make()

    assert result.exit_code == 0, result.output
    (path,) = here.glob("rainbow-exchange-support-20??????T??????Z.zip")
    files = files_of(path)
    assert {"manifest.json", "status.json", "metrics.txt", "daemon.json", "daemon.log", "versions.json"} <= set(files)
    everything = "".join(files.values())
    for hidden in ("ada@", "bob@", "adalove", "Passw0rd-4711", page.token, page.nonce):
        assert hidden not in everything
    assert json.loads(files["status.json"])["not_read"][0]["user"].endswith("@acme.test")
    assert files["metrics.txt"] == "rainbow_exchange_users 3.0\n"
    manifest = json.loads(files["manifest.json"])
    assert manifest["schema_version"] == 1
    assert (manifest["daemon"], manifest["people"], manifest["missing"]) == ("running", "hashed", [])
    names = path.with_name(f"{path.name}.names.txt")
    who = dict(line.split("\t") for line in names.read_text().splitlines() if "\t" in line)
    assert {"ada@acme.test", "adalove"} <= set(who.values())
    assert json.loads(files["status.json"])["not_read"][0]["user"] in who
    assert "Keep that file, and do not send it.\n" in result.output
    if sys.platform != "win32":
        assert {stat.S_IMODE(each.stat().st_mode) for each in here.iterdir()} == {0o600}


def test_addresses_by_choice(page: Page, here: Path) -> None:
    page.members = [Member(RainbowUser(id="id1", login_email="ada@acme.test"))]
    page.secrets = Secrets(rainbow_password="Passw0rd-4711")
    page.status["not_read"] = [{"user": "ada@acme.test", "reason": "Passw0rd-4711"}]

    result = make("--include-addresses", "--output", "mine.zip")

    files = files_of(here / "mine.zip")
    assert json.loads(files["status.json"])["not_read"] == [{"user": "ada@acme.test", "reason": "***"}]
    assert json.loads(files["manifest.json"])["people"] == "as they are"
    assert [each.name for each in here.iterdir()] == ["mine.zip"]
    assert "stand in it as they are" in result.output


def test_without_a_daemon_what_is_missing_is_named(here: Path) -> None:
    result = make("--json")

    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["schema_version"] == 1
    assert {"status.json", "metrics.txt", "daemon.log"} <= {each["name"] for each in answer["missing"]}
    whys = {each["name"]: each["why"] for each in answer["missing"]}
    assert whys["status.json"].startswith("not running: there is no ")
    assert whys["state.json"] == "it cannot be read (No such file or directory)"
    assert Path(answer["file"]).parent == here
    files = files_of(Path(answer["file"]))
    assert json.loads(files["manifest.json"])["daemon"].startswith("not running: ")
    assert json.loads(files["versions.json"])["packages"]


def test_with_faulty_settings(here: Path, default_folder: Path) -> None:
    default_folder.mkdir()
    (default_folder / "config.toml").write_text('[exchange]\nusername = 3\n[rainbow]\nlogin = "ada@acme.test"\nx = 1\n')

    result = make("--output", "mine.zip")

    assert result.exit_code == 0, result.output
    faults = files_of(here / "mine.zip")["settings-faults.txt"]
    assert "exchange.username" in faults
    assert "rainbow.x" in faults


def test_the_ends_of_the_log_files(here: Path, default_folder: Path) -> None:
    default_folder.mkdir()
    (default_folder / "config.toml").write_text('[log]\nfile = "log.json"\n')
    (default_folder / "log.json").write_text(
        '{"event": "read_failed", "mailbox": "ada@acme.test"}\nno JSON: ada@acme.test\n'
    )
    (default_folder / "log.json.1").write_text('{"event": "older"}\n')

    make("--output", "mine.zip")

    files = files_of(here / "mine.zip")
    first, second = files["log-file.log"].splitlines()
    assert json.loads(first)["mailbox"] == second.removeprefix("no JSON: ")
    assert "ada" not in first
    assert files["log-file-1.log"] == '{"event": "older"}\n'


@pytest.mark.parametrize("there", ["mine.zip", "mine.zip.names.txt"])
def test_nothing_is_overwritten(here: Path, there: str) -> None:
    (here / there).write_text("precious")

    result = make("--output", "mine.zip")

    assert result.exit_code == 2
    assert f"{there} is there already" in result.output
    assert [(each.name, each.read_text()) for each in here.iterdir()] == [(there, "precious")]


def test_a_folder_that_is_not_there(here: Path) -> None:
    result = make("--output", str(here / "gone" / "mine.zip"))

    assert result.exit_code == 1
    assert "cannot be written (No such file or directory); name another place with --output" in result.output
    assert list(here.iterdir()) == []
