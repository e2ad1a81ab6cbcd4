"""The bundle as it is written: of a running daemon, and without one."""

import json
import os
import re
import socket
import stat
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rainbow_exchange.bridge.member import Member
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli import support_bundle as module
from rainbow_exchange.cli.main import commands
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.state.store import Remembered, Store
from tests.cli.conftest import Page


def make(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["support-bundle", "--no-check", *arguments])


#: kept open as long as the tests run
_LISTENERS: list[socket.socket] = []


def unanswering() -> int:
    """Give a port where somebody listens and never says a word."""
    _LISTENERS.append(socket.create_server(("127.0.0.1", 0)))
    port: int = _LISTENERS[-1].getsockname()[1]
    return port


def files_of(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def no_bridge(_wanted: Any) -> dict[str, Any]:
    return {"schema_version": 1, "state": "not-ready", "reason": "Exchange is looked for (zoe@acme.test)."}


def test_a_remark_about_a_file_of_a_secret_is_none(page: Page) -> None:
    remark = "/etc/pw may be read by every account of this machine; close it: chmod o-rwx /etc/pw."
    page.secrets = Secrets(exchange_password="hunter2", exposed=remark, keyring_problem="this account has no keyring")
    page.status["problems"] = [{"text": f"{remark} hunter2"}]

    shown = local_api.ask(page.folder, "/api/bundle", content={"part": "status"})

    assert shown["content"]["problems"] == [{"text": f"{remark} ***"}]


@pytest.mark.tells
def test_of_a_running_daemon(page: Page, here: Path) -> None:
    page.members = [
        Member(RainbowUser(id="id1", login_email="zoe@acme.test", external_uid="zoelove")),
        Member(RainbowUser(id="id2", login_email="bob@acme.test")),
    ]
    page.secrets = Secrets(exchange_password="Passw0rd-4711")
    page.status["settings"] = [{"name": "exchange.username", "value": "ACME\\svc-cal", "origin": "x"}]
    page.status["not_read"] = [{"user": "zoe@acme.test", "mailbox": "zoelove", "reason": "Passw0rd-4711"}]
    page.answers = {"mailboxes": no_bridge}

    result = make()

    assert result.exit_code == 0, result.output
    (path,) = here.glob("rainbow-exchange-support-20??????T??????Z.zip")
    files = files_of(path)
    assert {"manifest.json", "status.json", "metrics.txt", "daemon.json", "daemon.log", "versions.json"} <= set(files)
    everything = "".join(files.values())
    for hidden in ("zoe@", "bob@", "zoelove", "svc-cal", "Passw0rd-4711", page.token, page.nonce):
        assert hidden not in everything
    assert json.loads(files["status.json"])["not_read"][0]["user"].endswith("@acme.test")
    assert files["metrics.txt"] == "rainbow_exchange_users 3.0\n"
    manifest = json.loads(files["manifest.json"])
    assert manifest["schema_version"] == 1
    assert (manifest["daemon"], manifest["people"]) == ("running", "hashed")
    whys = {each["name"]: each["why"] for each in manifest["missing"]}
    assert set(whys) - {"service.json", "journal.log"} == {"mailboxes.json", "explain.json"}
    assert re.fullmatch(r"Exchange is looked for \(hash-[0-9a-f]{12}@acme\.test\)\.", whys["explain.json"])
    names = path.with_name(f"{path.name}.names.txt")
    who = dict(line.split("\t") for line in names.read_text().splitlines() if "\t" in line)
    assert {"zoe@acme.test", "zoelove (zoe@acme.test)"} <= set(who.values())
    assert json.loads(files["status.json"])["not_read"][0]["user"] in who
    assert "Keep that file, and do not send it.\n" in result.output
    if sys.platform != "win32":
        assert {stat.S_IMODE(each.stat().st_mode) for each in here.iterdir()} == {0o600}


@pytest.mark.tells
def test_addresses_by_choice(page: Page, here: Path) -> None:
    page.members = [Member(RainbowUser(id="id1", login_email="zoe@acme.test"))]
    page.secrets = Secrets(rainbow_password="Passw0rd-4711")
    page.status["not_read"] = [{"user": "zoe@acme.test", "reason": "Passw0rd-4711"}]
    page.answers = {"mailboxes": no_bridge}

    result = make("--include-addresses", "--output", "mine.zip")

    files = files_of(here / "mine.zip")
    assert json.loads(files["status.json"])["not_read"] == [{"user": "zoe@acme.test", "reason": "***"}]
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


def test_without_a_daemon_whoever_the_state_remembers_is_known(here: Path, default_folder: Path) -> None:
    store = Store.open(default_folder / "state.db")
    for number, name in enumerate(("zoelove", "bobby")):
        found = Remembered(
            user_id=f"id{number}", identifier_kind="external-uid", identifier=name, address=f"u{number}@acme.test",
            principal=None, read_mode="own",
        )  # fmt: skip
        store.remember([found])
    store.close()
    before = {each.name: each.read_bytes() for each in default_folder.iterdir()}
    (default_folder / "config.toml").write_text('[log]\nfile = "log.json"\n')
    (default_folder / "log.json").write_text("of zoelove and u0@acme.test\n")

    make("--output", "mine.zip")

    files = files_of(here / "mine.zip")
    assert re.fullmatch(r"of hash-[0-9a-f]{12} and hash-[0-9a-f]{12}@acme\.test\n", files["log-file.log"])
    assert json.loads(files["state.json"])["schema"] == 1
    after = {each.name: each.read_bytes() for each in default_folder.iterdir() if each.name in before}
    assert after == before


def test_a_daemon_that_keeps_one_waiting_is_asked_once(page: Page, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    page.answers = {"mailboxes": no_bridge}
    page.publish(port=unanswering())

    began = time.monotonic()
    result = make("--output", "mine.zip")

    assert time.monotonic() - began < 60
    manifest = json.loads(files_of(here / "mine.zip")["manifest.json"])
    assert manifest["daemon"].startswith("cannot tell: 127.0.0.1 port ")
    assert result.output.count("did not answer within 0.2 s") == 1
    assert "\nNot collected: daemon.json, status.json, metrics.txt, daemon.log, mailboxes.json, " in result.output
    assert "The running service could not say who there is" in result.output


def test_with_faulty_settings(here: Path, default_folder: Path) -> None:
    default_folder.mkdir()
    (default_folder / "config.toml").write_text('[exchange]\nusername = 3\n[rainbow]\nlogin = "zoe@acme.test"\nx = 1\n')

    result = make("--output", "mine.zip")

    assert result.exit_code == 0, result.output
    faults = files_of(here / "mine.zip")["settings-faults.txt"]
    assert "exchange.username" in faults
    assert "rainbow.x" in faults


def test_the_ends_of_the_log_files(here: Path, default_folder: Path) -> None:
    default_folder.mkdir()
    (default_folder / "config.toml").write_text('[log]\nfile = "log.json"\n')
    (default_folder / "log.json").write_text(
        '{"event": "read_failed", "mailbox": "zoe@acme.test"}\nno JSON: zoe@acme.test\n'
    )
    (default_folder / "log.json.1").write_text('{"event": "older"}\n')

    make("--output", "mine.zip")

    files = files_of(here / "mine.zip")
    first, second = files["log-file.log"].splitlines()
    assert json.loads(first)["mailbox"] == second.removeprefix("no JSON: ")
    assert "zoe" not in first
    assert files["log-file-1.log"] == '{"event": "older"}\n'


def test_what_a_service_manager_keeps(here: Path, default_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NSSM's file and the log that it has the service write, by their names; the journal by its command."""
    default_folder.mkdir()
    (default_folder / "service.log").write_text("it could not start: zoe@acme.test\n")
    (default_folder / "rainbow-exchange.log").write_text('{"event": "starting"}\n')
    (default_folder / "rainbow-exchange.log.1").write_text('{"event": "before"}\n')
    journalctl = here / "bin" / "journalctl"
    journalctl.parent.mkdir()
    journalctl.write_text('#!/bin/sh\nprintf "stopped\\nstarted %s for zoe@acme.test\\n" "$7"\n')
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{journalctl.parent}{os.pathsep}{os.environ['PATH']}")

    make("--output", "mine.zip", "--name", "other")

    files = files_of(here / "mine.zip")
    assert re.fullmatch(r"it could not start: hash-\w+@hash-\w+\n", files["service-service.log"])
    assert files["service-rainbow-exchange.log"] == '{"event": "starting"}\n'
    assert files["service-rainbow-exchange-1.log"] == '{"event": "before"}\n'
    if sys.platform != "win32":
        assert re.fullmatch(r"started other\.service for hash-\w+@hash-\w+\nstopped\n", files["journal.log"])


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
