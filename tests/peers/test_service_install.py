"""`service install` as root, on a machine whose /etc and /var/lib are the test's own: real accounts and files.

In place of systemd, which does not run here, stands a program that records its calls.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peer

SYSTEMCTL = """#!/bin/sh
echo "$@" >> /var/lib/programs/calls
case $1 in
    show) echo LoadState=loaded; echo ActiveState=active; echo SubState=running;;
    --version) echo 'systemd 254 (254.5-1)';;
    daemon-reload) test ! -e /var/lib/programs/broken;;
esac
"""
# Stands in for a Python with this package, which only the service's account cannot start once it is `closed`.
PYTHON = """#!/bin/sh
echo "$(id -un) $*" >> /var/lib/programs/tries
test "$(id -u)" = 0 || test ! -e /var/lib/programs/closed || { echo 'No module named rainbow_exchange' >&2; exit 1; }
"""
OWN = ("etc", "var/lib")


@dataclass(frozen=True)
class Machine:
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Type `service …` where the folders of this test are those of the machine."""
        mounts = " && ".join(f"mount --bind '{self.folder / own}' '/{own}'" for own in OWN)
        script = f'mount --make-rprivate / && {mounts} && cd / && PATH=/var/lib/programs:$PATH && exec "$@"'
        command = [sys.executable, "-m", "rainbow_exchange", "service", *arguments]
        return subprocess.run(  # noqa: S603  (our own command)
            ["unshare", "--mount", "sh", "-c", script, "sh", *command],  # noqa: S607  (as root, from its PATH)
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def calls(self) -> list[str]:
        said = (
            self.read("var/lib/programs/calls").splitlines()
            if (self.folder / "var/lib/programs/calls").exists()
            else []
        )
        return [line for line in said if line != "--version"]


@pytest.fixture
def machine(installed: Any, tmp_path: Path) -> Machine:
    installed.need("util-linux passwd", "unshare", "useradd")
    if not installed.as_root():
        pytest.skip("only root can have folders of its own in place of the machine's")
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True, ignore_dangling_symlinks=True)
    (tmp_path / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
    programs = tmp_path / "var/lib/programs"
    programs.mkdir(parents=True)
    for folder in (tmp_path, programs, programs.parent, programs.parent.parent):
        folder.chmod(0o755)
    for name, content in (("systemctl", SYSTEMCTL), ("python", PYTHON)):
        (programs / name).write_text(content, encoding="utf-8")
        (programs / name).chmod(0o755)
    for name in ("calls", "tries"):
        (programs / name).touch()
        (programs / name).chmod(0o666)
    return Machine(tmp_path)


INSTALL = ("install", "--python", "/var/lib/programs/python")
UNIT = "etc/systemd/system/rainbow-exchange.service"


def test_it_makes_account_folder_settings_and_unit_and_takes_the_unit_away_again(machine: Machine) -> None:
    ran = machine.run(*INSTALL)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "Make the account that the service runs as ...",
        "Make the folder of settings and state ...",
        "Begin a settings file ...",
        "Let the account read what is in it ...",
        "Write the unit ...",
        "Have systemd read it ...",
        "Start it with the machine from now on ...",
        "The service rainbow-exchange is installed. Start it: rainbow-exchange service start",
    ]
    account = next(line for line in machine.read("etc/passwd").splitlines() if line.startswith("rainbow-exchange:"))
    uid = int(account.split(":")[2])
    assert account.split(":")[5:] == ["/var/lib/rainbow-exchange", "/usr/sbin/nologin"]
    folder = machine.folder / "var/lib/rainbow-exchange"
    assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (uid, 0o700)
    settings = folder / "config.toml"
    assert (settings.stat().st_uid, settings.stat().st_mode & 0o777) == (uid, 0o600)
    unit = machine.read(UNIT)
    assert (
        "ExecStart=/var/lib/programs/python -m rainbow_exchange run --config /var/lib/rainbow-exchange/config.toml\n"
        in unit
    )
    assert "RestartSteps=6\n" in unit
    assert machine.calls() == ["daemon-reload", "enable rainbow-exchange.service"]
    assert machine.read("var/lib/programs/tries") == "nobody -m rainbow_exchange --version\n"

    ran = machine.run("uninstall")
    assert ran.returncode == 0
    assert "Settings, state and log stay, in /var/lib/rainbow-exchange" in ran.stdout
    assert not (machine.folder / UNIT).exists()
    assert settings.exists()
    assert machine.calls()[-2:] == ["disable --now rainbow-exchange.service", "daemon-reload"]


def test_a_second_time_it_sets_the_same_and_keeps_account_and_settings(machine: Machine) -> None:
    assert machine.run(*INSTALL, "--account", "daemon").returncode == 0
    settings = machine.folder / "var/lib/rainbow-exchange/config.toml"
    settings.write_text("[web]\nport = 443\n", encoding="utf-8")
    first = machine.read(UNIT)
    ran = machine.run(*INSTALL)
    assert ran.returncode == 0, ran.stderr
    assert "has what is wanted; it takes effect with its next start" in ran.stdout
    assert "Make the account" not in ran.stdout
    assert settings.read_text(encoding="utf-8") == "[web]\nport = 443\n"
    second = machine.read(UNIT)
    assert "User=daemon\n" in first
    assert "User=daemon\n" in second
    assert "CAP_NET_BIND_SERVICE" not in first
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in second
    assert machine.read("var/lib/programs/tries").splitlines()[-1] == "daemon -m rainbow_exchange --version"


def test_a_python_that_the_account_cannot_start_is_refused_before_anything_is_done(machine: Machine) -> None:
    (machine.folder / "var/lib/programs/closed").touch()
    ran = machine.run(*INSTALL)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "cannot be started as rainbow-exchange (No module named rainbow_exchange)" in ran.stderr
    assert machine.calls() == []
    assert not (machine.folder / "var/lib/rainbow-exchange").exists()


@pytest.mark.parametrize("before", [None, "[Service]\nUser=daemon\nExecStart=/bin/before\n"])
def test_what_fails_is_taken_back(machine: Machine, before: str | None) -> None:
    unit = machine.folder / UNIT
    if before is not None:
        unit.write_text(before, encoding="utf-8")
    (machine.folder / "var/lib/programs/broken").touch()
    ran = machine.run(*INSTALL)
    assert ran.returncode == 1
    assert 'Error: "Have systemd read it" failed: exit code 1' in ran.stderr
    assert "It was: systemctl daemon-reload" in ran.stderr
    assert (unit.read_text(encoding="utf-8") if unit.exists() else None) == before


def test_a_data_folder_that_is_not_the_service_s_is_refused_and_left_alone(machine: Machine) -> None:
    (machine.folder / "etc/rainbow.toml").write_text("", encoding="utf-8")
    ran = machine.run(*INSTALL, "--config", "/etc/rainbow.toml")
    assert ran.returncode == 2
    assert "The data folder is /etc, and a service's lies below /var/lib" in ran.stderr
    assert machine.calls() == []


def test_settings_that_the_account_cannot_read_and_a_log_folder_that_is_not_there_are_refused(machine: Machine) -> None:
    file = machine.folder / "etc/rainbow.toml"
    state = '[state]\npath = "/var/lib/rainbow-exchange"\n'
    file.write_text(state + '[log]\nfile = "/var/lib/logs/x.log"\n', encoding="utf-8")
    ran = machine.run(*INSTALL, "--config", "/etc/rainbow.toml")
    assert ran.returncode == 2
    assert "log.file: there is no folder /var/lib/logs. Make it, and give it to the account" in ran.stderr

    file.write_text(state, encoding="utf-8")
    file.chmod(0o600)
    ran = machine.run(*INSTALL, "--config", "/etc/rainbow.toml")
    assert ran.returncode == 2
    assert "rainbow-exchange cannot read the settings, /etc/rainbow.toml" in ran.stderr

    file.chmod(0o644)
    ran = machine.run(*INSTALL, "--config", "/etc/rainbow.toml")
    assert ran.returncode == 0, ran.stderr
    assert "run --config /etc/rainbow.toml\n" in machine.read(UNIT)

    ran = machine.run(*INSTALL)
    assert ran.returncode == 0, ran.stderr
    assert "run --config /etc/rainbow.toml\n" in machine.read(UNIT)
