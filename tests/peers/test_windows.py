"""The archive for Windows, installed offline by a Windows Python under Wine, and the program run there.

Wine 8 lacks a library that Rust's programs take random numbers from; one that leads to what Wine has stands in for it.
The service is made by NSSM's own commands: what `service install` sets besides, tests/peers/test_nssm.py looks at.
"""

import json
import os
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.test_nssm import WINE, WINE_SERVER, Wine

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.timeout(900)]

#: read by the linker: a library without code, each of whose names leads to another library
RANDOM_NUMBERS = "LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng = advapi32.SystemFunction036\n"
LINKER = "x86_64-w64-mingw32-ld"
PYTHON = "C:\\Program Files\\Python311\\python.exe"
ARCHIVE = "C:\\archive\\rainbow-exchange"
ROOT = "C:\\Program Files\\rainbow-exchange"
NAME = "rainbow-exchange"
SECONDS = 300.0
KEY = "HKLM\\SOFTWARE\\Python\\PythonCore\\3.11\\InstallPath"


class Windows(Wine):
    """A Windows with a Python for all users, and the archive unpacked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._started: list[Running] = []

    def start(self, *command: str, **variables: str) -> "Running":
        running = Running([str(WINE), *command], self._environment | {"PYTHONUTF8": "1"} | variables)
        self._started.append(running)
        return running

    def end(self) -> None:
        """End all that still runs, so that the pipes come to their ends, too."""
        self.run("-k", program=WINE_SERVER)
        for running in self._started:
            running.close()

    def python(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a Python, or with it a program, to its end."""
        running = self.start(PYTHON, *arguments, **variables)
        return running.ended(), running.text()

    def install(self, *arguments: str) -> tuple[int, str]:
        """Do what the script does once it has found a Python."""
        (wheel,) = (self.drive / "archive" / "rainbow-exchange" / "wheels").glob("rainbow_exchange-*.whl")
        code = f"{ARCHIVE}\\wheels\\{wheel.name}"
        return self.python("-m", "rainbow_exchange.installation", *arguments, PYTHONPATH=code, PYTHONSAFEPATH="1")

    def program(self, *arguments: str) -> tuple[int, str]:
        running = self.start("cmd", "/c", f"{ROOT}\\rainbow-exchange.cmd", *arguments)
        return running.ended(), running.text()


class Running:
    """A program under Wine, its lines gathered: what it leaves running would hold the pipe open for ever."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(  # noqa: S603  (Wine, and what we give it)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.replace(b"\0", b"").decode(errors="replace").rstrip())

    def text(self) -> str:
        return "\n".join(self.lines)

    def ended(self) -> int:
        code = self.process.wait(SECONDS)
        self._reader.join(2.0)
        return code

    def until(self, words: str) -> None:
        deadline = time.monotonic() + SECONDS
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.2)

    def close(self) -> None:
        self.kill()
        self._reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10.0)


@pytest.fixture(scope="module")
def windows(installed: Any) -> Iterator[Windows]:
    installed.need("wine64 binutils-mingw-w64-x86-64", str(WINE), LINKER)
    named = [os.environ.get(f"RAINBOW_EXCHANGE_TEST_WINDOWS_{what}") for what in ("PYTHON", "ARCHIVE")]
    if not all(named):
        pytest.skip(
            "RAINBOW_EXCHANGE_TEST_WINDOWS_PYTHON and …_ARCHIVE do not say where a Windows Python and an archive are"
        )
    python, archive = (Path(str(name)) for name in named)
    with installed.folder() as folder:
        made = Windows(folder)
        try:
            made.run("wineboot", "-i")
            made.run("-w", program=WINE_SERVER)
            (folder / "random.def").write_text(RANDOM_NUMBERS)
            library = made.drive / "windows" / "system32" / "bcryptprimitives.dll"
            linker = [installed.program(LINKER), "-shared", "--entry=0", "-o", str(library), str(folder / "random.def")]
            subprocess.run(linker, check=True, timeout=60)  # noqa: S603  (the linker we found)
            shutil.copytree(python, made.drive / "Program Files" / "Python311")
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(made.drive / "archive")
            yield made
        finally:
            made.end()


def test_the_archive_is_installed_offline_and_works(windows: Windows) -> None:
    code, said = windows.install("install", "--wheels", f"{ARCHIVE}\\wheels", "--no-service")
    assert code == 2
    assert "no Python here will do.\n    None was found." in said

    windows.run("reg", "add", KEY, "/ve", "/d", "C:\\Program Files\\Python311\\", "/f")
    code, said = windows.install("install", "--wheels", f"{ARCHIVE}\\wheels", "--no-service")
    assert code == 0, said
    assert f"Using Python 3.11 (64 bits, {PYTHON})." in said
    assert said.splitlines()[-1] == "Version 0.1.0 is in use."
    root = windows.drive / "Program Files" / "rainbow-exchange"
    assert {path.name for path in root.iterdir()} >= {
        "0.1.0",
        "Install-RainbowExchange.ps1",
        "installed.json",
        "rainbow-exchange.cmd",
    }
    assert json.loads((root / "installed.json").read_text())["current"] == "0.1.0"

    code, said = windows.program("--version")
    assert (code, said.split(" (")[0]) == (0, "rainbow-exchange 0.1.0")
    code, said = windows.program("status")
    assert (code, said.splitlines()[0]) == (3, "Not running")

    running = windows.start(f"{ROOT}\\0.1.0\\Scripts\\rainbow-exchange.exe", "run", "--lab", "20")
    try:
        running.until('"state": "healthy"')
        running.until('"event": "change_told"')
    finally:
        running.kill()

    stopped_in_order(windows)

    code, said = windows.install("uninstall")
    assert code == 0, said
    assert not (root / "0.1.0").exists()


def stopped_in_order(windows: Windows) -> None:
    """NSSM starts Python itself, for the virtual environment, and its Ctrl-C reaches the connector."""
    data = windows.drive / "data"
    data.mkdir()
    (data / "config.toml").write_text("[web]\nport = 0\n")
    shutil.copy(windows.drive / "archive" / "rainbow-exchange" / "nssm.exe", windows.drive)
    windows.nssm("install", NAME, PYTHON, "-m rainbow_exchange run --config C:\\data\\config.toml")
    launcher = f"__PYVENV_LAUNCHER__={ROOT}\\0.1.0\\Scripts\\python.exe"
    for setting in (
        ("AppEnvironmentExtra", "PYTHONUTF8=1", launcher),
        ("AppStdout", "C:\\data\\service.log"),
        ("AppStderr", "C:\\data\\service.log"),
        ("AppStopMethodConsole", "20000"),
        ("AppStopMethodSkip", "6"),
    ):
        windows.nssm("set", NAME, *setting)
    windows.run("C:\\nssm.exe", "start", NAME)  # on a slow machine it gives up, and the service starts all the same
    deadline = time.monotonic() + SECONDS
    while not (data / "runtime.json").exists():
        assert time.monotonic() < deadline, (data / "service.log").read_text()
        time.sleep(0.2)
    windows.nssm("stop", NAME)
    windows.state("SERVICE_STOPPED")
    events = [json.loads(line)["event"] for line in (data / "service.log").read_text().splitlines()]
    assert (events[0], events[-1]) == ("starting", "stopped")
    windows.nssm("remove", NAME, "confirm")
