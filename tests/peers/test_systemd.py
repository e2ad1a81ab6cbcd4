"""The unit as systemd judges it, and the connector under what the unit forbids."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests.processes import Connector, World

pytestmark = pytest.mark.peer

CAGE = Path(__file__).with_name("cage.py")
PROBE = """
import mmap, os, socket, sys
def tried(what, attempt):
    try:
        attempt()
    except OSError as error:
        print(what, error.strerror)
    else:
        print(what, "done")
folder = sys.argv[1]
tried("inet", lambda: socket.socket(socket.AF_INET))
tried("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
tried("give away", lambda: os.chown(folder, 0, 0))
tried("written code", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC))
tried("inside", lambda: open(os.path.join(folder, "x"), "w").close())
tried("outside", lambda: open(folder + ".x", "w").close())
tried("host name", lambda: socket.sethostname("x"))
"""


def unit(*arguments: str) -> str:
    ran = CliRunner().invoke(commands, ["service", "print", "--for", "linux", "--json", *arguments])
    assert ran.exit_code == 0, ran.output
    written = [step["content"] for step in json.loads(ran.stdout)["steps"] if step.get("file", "").endswith(".service")]
    assert len(written) == 1
    return str(written[0])


@pytest.fixture
def systemd(installed: Any) -> Any:
    installed.need("systemd", "systemd-analyze")
    return installed


def verified(systemd: Any, file: Path) -> subprocess.CompletedProcess[str]:
    command = [systemd.program("systemd-analyze"), "--man=no", "verify", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  (as found)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("rainbow-exchange", ""),
        ("two 100%", ""),
        ("low-port", "[web]\nport = 443\n"),
        ("log", '[log]\nfile = "/var/log/rainbow exchange/100%.log"\n'),
    ],
)
def test_systemd_understands_every_line(systemd: Any, tmp_path: Path, name: str, settings: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    python = folder / "python"
    python.symlink_to(sys.executable)
    for state in (str(folder), "/var/lib/rainbow exchange/100%"):
        (folder / "config.toml").write_text(settings + f'[state]\npath = "{state}"\n', encoding="utf-8")
        file = tmp_path / "rainbow-exchange.service"
        file.write_text(unit("--config", str(folder / "config.toml"), "--python", str(python)), encoding="utf-8")
        ran = verified(systemd, file)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_systemd_would_say_so_if_it_did_not(systemd: Any, tmp_path: Path) -> None:
    file = tmp_path / "rainbow-exchange.service"
    misspelt = unit("--python", sys.executable).replace("ProtectHome", "ProtectHouse")
    file.write_text(misspelt, encoding="utf-8")
    assert "ProtectHouse" in verified(systemd, file).stderr


def test_systemd_finds_it_well_protected(systemd: Any, tmp_path: Path) -> None:
    """Its scale goes from 0 to 10; up to 2 is what it calls OK. The threshold counts tenths."""
    file = tmp_path / "rainbow-exchange.service"
    file.write_text(unit("--python", "/usr/bin/python3"), encoding="utf-8")
    systemd.run("systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=15", str(file))


@pytest.fixture
def caged(systemd: Any, tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    """Give the folder that a program in the cage may write, and what starts one in it."""
    if not systemd.as_root():
        pytest.skip("only root can close the file system")
    folder = tmp_path / "state"
    folder.mkdir()
    file = tmp_path / "rainbow-exchange.service"
    file.write_text(unit("--python", "/usr/bin/python3"), encoding="utf-8")
    # A measurement of coverage would be written where nothing can be written.
    unmeasured = ("env", "--unset=COVERAGE_PROCESS_CONFIG", "--unset=COVERAGE_PROCESS_START")
    return folder, (*unmeasured, sys.executable, str(CAGE), str(file), str(folder))


def test_the_cage_holds(systemd: Any, caged: tuple[Path, tuple[str, ...]]) -> None:
    folder, cage = caged
    assert systemd.run(*cage, sys.executable, "-c", PROBE, str(folder)).splitlines() == [
        "inet done",
        "netlink Operation not permitted",
        "give away Operation not permitted",
        "written code Permission denied",
        "inside done",
        "outside Read-only file system",
        "host name Operation not permitted",
    ]
    assert not folder.with_name("state.x").exists()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def test_the_connector_needs_nothing_that_the_unit_forbids(world: World, caged: tuple[Path, tuple[str, ...]]) -> None:
    folder, cage = caged
    lab = world.lab(None, "--users", "3", "--tls")
    environment = lab.settings() | {
        "RAINBOW_EXCHANGE_STATE__PATH": str(folder),
        "RAINBOW_EXCHANGE_WEB__PORT": "0",
    }
    connector = Connector(
        [sys.executable, "-m", "rainbow_exchange", "run"], world.folder / "caged", environment, command=cage
    )
    world.stack.callback(connector.kill)
    connector.start()
    connector.healthy(streamed=3)
    runtime = json.loads((folder / "runtime.json").read_text(encoding="utf-8"))
    with urlopen(f"http://127.0.0.1:{runtime['port']}/metrics", timeout=60) as answer:
        assert b"process_resident_memory_bytes" in answer.read()
    assert {each.stat().st_mode & 0o077 for each in folder.iterdir()} == {0}
    assert connector.stop() == 0, connector.output()
    assert "not permitted" not in connector.output()
    assert (folder / "state.db").is_file()
