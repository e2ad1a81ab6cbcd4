"""`service` as a person types it; in place of systemctl stands a program that says what a test wants it to."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests.cli.conftest import Page

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is for Linux")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root starts services")

RUNNING = "LoadState=loaded ActiveState=active SubState=running ExecMainCode=0 ExecMainStatus=0 NRestarts=0"
STARTING = "LoadState=loaded ActiveState=activating SubState=start ExecMainCode=0 ExecMainStatus=0 NRestarts=0"
STOPPED = "LoadState=loaded ActiveState=inactive SubState=dead ExecMainCode=0 ExecMainStatus=0 NRestarts=0"
BAD_SETTINGS = "LoadState=loaded ActiveState=failed SubState=failed ExecMainCode=1 ExecMainStatus=2 NRestarts=0"
AGAIN = "LoadState=loaded ActiveState=activating SubState=auto-restart ExecMainCode=1 ExecMainStatus=1 NRestarts=3"
ABSENT = "LoadState=not-found ActiveState=inactive SubState=dead ExecMainCode=0 ExecMainStatus=0 NRestarts=0"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, ["service", *arguments])
    return result.exit_code, result.stdout, result.stderr


class Systemctl:
    """Records its calls; `show` answers with `properties`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.answers(RUNNING)

    def answers(self, properties: str, *, code: int = 0) -> None:
        program = self._folder / "systemctl"
        shown = "\n".join(properties.split(" "))
        program.write_text(
            f"#!/bin/sh\necho \"$@\" >> '{self._folder}/calls'\n"
            f"case $1 in show) cat <<'END'\n{shown}\nEND\n;; *) exit {code};; esac\n",
            encoding="utf-8",
        )
        program.chmod(0o755)

    def calls(self) -> list[str]:
        file = self._folder / "calls"
        said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [line for line in said if not line.startswith("show ")]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Systemctl(folder)


@pytest.fixture
def settings(tmp_path: Path, default_folder: Path) -> str:
    """Give a settings file that leads to the folder of `page`."""
    file = tmp_path / "config.toml"
    file.write_text(f'[state]\npath = "{default_folder}"\n[web]\nport = 0\n', encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("properties", "state", "detail"),
    [
        (RUNNING, "running", ""),
        (STOPPED, "stopped", ""),
        (BAD_SETTINGS, "failed", "exit code 2: faulty settings"),
        (AGAIN, "waiting to be started again", "exit code 1"),
        (ABSENT, "not installed", ""),
    ],
)
def test_status_tells_the_manager_s_state_in_one_line(
    systemctl: Systemctl, settings: str, properties: str, state: str, detail: str
) -> None:
    systemctl.answers(properties)
    code, out, _ = run("status", "--json", "--config", settings)
    shown = json.loads(out)
    assert code == 3
    assert shown["schema_version"] == 1
    assert shown["service"] == {"name": "rainbow-exchange", "manager": "systemd", "state": state, "detail": detail}
    assert shown["connector"]["state"] == "not running"


def test_a_running_service_is_as_well_as_its_connector(systemctl: Systemctl, settings: str, page: Page) -> None:
    systemctl.answers(RUNNING)
    assert run("status", "--config", settings) == (
        0,
        "Service    rainbow-exchange: running; service manager: systemd\nConnector  healthy\n",
        "",
    )
    page.status = page.status | {"state": "degraded"}
    assert run("status", "--config", settings)[0] == 1


def test_a_connector_that_somebody_else_started_is_told_apart(systemctl: Systemctl, settings: str, page: Page) -> None:
    systemctl.answers(STOPPED)
    code, out, _ = run("status", "--config", settings)
    assert (code, page.port > 0) == (3, True)
    assert "was not started by this service" in out


def test_a_manager_that_cannot_be_asked_is_said(systemctl: Systemctl, settings: str) -> None:
    systemctl.answers("Failed to connect to bus")
    code, out, _ = run("status", "--config", settings)
    assert code == 4
    assert "cannot tell (the service manager cannot be asked (systemctl show: exit code 0: Failed" in out


@as_root
def test_start_waits_for_the_connector(systemctl: Systemctl, settings: str, page: Page) -> None:
    code, out, _ = run("start", "--config", settings)
    assert (code, out) == (0, "The connector answers: healthy. More: rainbow-exchange status\n")
    assert (systemctl.calls(), page.port > 0) == (["start rainbow-exchange.service"], True)


@as_root
def test_a_manager_that_gives_up_while_the_service_is_starting_is_not_believed(
    systemctl: Systemctl, settings: str, page: Page
) -> None:
    systemctl.answers(STARTING, code=1)
    code, out, _ = run("start", "--config", settings)
    assert (code, out) == (0, "The connector answers: healthy. More: rainbow-exchange status\n")
    systemctl.answers(STOPPED, code=1)
    assert (run("start", "--config", settings)[0], page.port > 0) == (1, True)


@as_root
def test_start_says_that_the_settings_are_faulty_and_where_to_look(systemctl: Systemctl, settings: str) -> None:
    systemctl.answers(BAD_SETTINGS)
    code, out, error = run("start", "--config", settings)
    assert (code, out) == (1, "")
    assert error.startswith("The service is failed (exit code 2: faulty settings); the connector does not answer: ")
    assert "rainbow-exchange config check" in error
    assert "journalctl --unit rainbow-exchange.service" in error


@as_root
def test_stop_and_uninstall_of_what_is_not_there(systemctl: Systemctl) -> None:
    systemctl.answers(ABSENT)
    code, _, error = run("stop")
    assert (code, error) == (
        2,
        "Error: There is no service rainbow-exchange. Make it: rainbow-exchange service install\n",
    )
    assert run("uninstall") == (0, "There is no service rainbow-exchange.\n", "")
    assert systemctl.calls() == []


@as_root
def test_a_stop_that_fails_is_said_with_its_command(systemctl: Systemctl) -> None:
    systemctl.answers(RUNNING, code=5)
    code, out, error = run("stop", "--name", "other")
    assert (code, out) == (1, "Stop other ...\n")
    assert 'Error: "Stop other" failed: exit code 5' in error
    assert "It was: systemctl stop other.service" in error
    assert "Nothing was changed." in error


@pytest.fixture
def no_rights() -> Iterator[None]:
    """Be somebody else than root."""
    run("install", "--help")  # its modules may be readable by root only
    if sys.platform != "win32" and os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.mark.usefixtures("no_rights")
@pytest.mark.parametrize("command", ["install", "uninstall", "start", "stop"])
def test_without_rights_it_says_how_to_get_them(command: str) -> None:
    assert run(command) == (2, "", "Error: This needs root's rights: repeat it with sudo.\n")


def test_print_says_what_would_be_refused_and_which_variables_a_service_does_not_get(
    settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__PASSWORD", "s3cret-of-the-lab")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__URL", "https://mail.acme.test/EWS/Exchange.asmx")
    code, out, error = run("print", "--for", "linux", "--config", settings)
    assert code == 0
    assert "s3cret" not in out + error
    assert "mail.acme.test" not in out
    assert "RAINBOW_EXCHANGE_EXCHANGE__URL: set here, and the service does not get it" in error
    assert "RAINBOW_EXCHANGE_EXCHANGE__PASSWORD: a secret that is set here, and the service does not get it" in error
    assert "install would refuse this: The data folder is" in error
    assert os.environ["RAINBOW_EXCHANGE_EXCHANGE__PASSWORD"] == "s3cret-of-the-lab"


def test_print_refuses_faulty_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[exchange]\nurl = 5\n", encoding="utf-8")
    code, out, error = run("print", "--for", "linux", "--config", str(file))
    assert (code, out) == (2, "")
    assert "exchange.url" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--python", "python.exe"], "Python: python.exe is no absolute path"),
        (["--config", "C:\\100%\\c.toml"], "The settings file: C:\\100%\\c.toml has a percent sign"),
        (
            ["--python", "C:\\Users\\ada\\AppData\\Local\\Microsoft\\WindowsApps\\python.exe"],
            "is the Microsoft Store's alias",
        ),
        (
            ["--python", "C:\\Users\\ada\\AppData\\Local\\Programs\\Python\\Python313\\python.exe"],
            "lies in a person's profile, which NT SERVICE\\rainbow-exchange cannot see. Install Python for all users",
        ),
        (["--account", "svc@acme.test"], "write the account as DOMAIN\\name"),
        (["--account", "ACME\\x\ncalc"], "ACME\\x?calc has a character that no name of an account of Windows has"),
        (["--config", "C:\\x\ncalc\\c.toml"], "has a character that no path of Windows has"),
        (["--python", 'C:\\x" & calc & "\\python.exe'], "has a character that no path of Windows has"),
        (["--name", "../x"], "letters, digits"),
    ],
)
def test_what_a_service_of_windows_could_not_run_with_is_named(arguments: list[str], said: str) -> None:
    code, out, error = run("print", "--for", "windows", *arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(error.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "x\nExecStartPre=/bin/evil"], "is no name of an account"),
        (["--account=--help"], "is no name of an account"),
        (["--account", "%h"], "is no name of an account"),
        (["--python", "/opt/x\nUser=root"], "cannot be written on one line"),
    ],
)
def test_nothing_that_is_named_adds_a_line_to_a_unit_or_to_its_script(arguments: list[str], said: str) -> None:
    code, out, error = run("print", "--for", "linux", *arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(error.replace("│", " ").split())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such paths")
def test_nor_does_the_path_of_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "x\nEND\ntouch evil\n"
    folder.mkdir()
    (folder / "config.toml").touch()
    code, out, error = run("print", "--for", "linux", "--config", str(folder / "config.toml"))
    assert (code, out) == (2, "")
    assert "The settings file: " in error
    assert "cannot be written on one line" in error


def test_a_profile_is_fine_for_its_own_account() -> None:
    own = ["--account", "ACME\\svc", "--python", "C:\\Users\\svc\\Python313\\python.exe"]
    assert run("print", "--for", "windows", *own)[0] == 0


def test_a_script_for_the_shell_and_the_steps_in_json_are_the_same() -> None:
    arguments = ["print", "--for", "linux", "--python", "/usr/bin/python3", "--name", "x"]
    _, script, _ = run(*arguments)
    _, line, _ = run(*arguments, "--json")
    shown = json.loads(line)
    assert (shown["schema_version"], shown["for"], line.count("\n")) == (1, "linux", 1)
    for step in shown["steps"]:
        assert f"# {step['what']}\n" in script
        if "content" in step:
            assert (
                f"cat > {step['file']} <<'END'\n{step['content']}END\nchmod {step['mode']} {step['file']}\n" in script
            )


def test_what_uninstall_would_do_is_printed_for_either_system() -> None:
    _, out, _ = run("print", "--for", "linux", "--uninstall")
    assert out.splitlines() == [
        "set -eu",
        "# Stop it, now and for good",
        "systemctl disable --now rainbow-exchange.service",
        "# Remove the unit",
        "rm -f /etc/systemd/system/rainbow-exchange.service",
        "# Have systemd forget it",
        "systemctl daemon-reload",
    ]
    _, out, _ = run("print", "--for", "windows", "--uninstall", "--nssm", "C:\\nssm.exe")
    assert out.splitlines()[2:] == [
        "rem Stop it",
        "C:\\nssm.exe stop rainbow-exchange",
        "if errorlevel 1 exit /b 1",
        "rem Take it away",
        "C:\\nssm.exe remove rainbow-exchange confirm",
        "if errorlevel 1 exit /b 1",
    ]
