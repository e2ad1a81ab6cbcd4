"""Every command as a process: piped, in a terminal, on a full disk, with bad files, as somebody else, interrupted."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.web import runtime
from tests.e2e.every_command import ADDRESS, CALLS, LASTING, OF_THE_SYSTEM, WITHOUT_SETTINGS, Call, leaves
from tests.leaks.kept import Kind
from tests.leaks.plugin import EARS
from tests.processes import COMMAND, Connector, World, begins, command_for_all

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    """A connector at work for one person."""
    with ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("every"), stack)
        ada = {"loginEmail": ADDRESS, "firstName": "Ada", "emails": [{"email": ADDRESS, "type": "work"}]}
        lab = world.lab([ada])
        start = datetime.now(UTC)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=6)).isoformat()}
        away = {"state": "Enabled", "audience": "All", "internal": "Away for 4711 days", "external": "Gone for 4711"}
        lab.exchange(
            "POST", f"/lab/mailboxes/{ADDRESS}/items", {"subject": "Board 4711", "location": "Room 4711"} | times
        )
        lab.exchange("PUT", f"/lab/mailboxes/{ADDRESS}/out-of-office", away | times)
        connector = world.connector(lab)
        connector.healthy(1)
        yield connector


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a command has around it whose daemon's folder is this."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    return (
        own
        | {
            "RAINBOW_EXCHANGE_STATE__PATH": str(folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "RAINBOW_EXCHANGE_EXCHANGE__USERNAME": "svc-rainbow",
        }
        | more
    )


def typed(
    call: Call, around: dict[str, str], *, command: Path = COMMAND, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, without a terminal and with nothing to read; what it says may not show what nobody may see."""
    done = subprocess.run(  # noqa: S603 (our own command)
        [command, *call.words],
        env=around,
        text=True,
        timeout=90,
        check=False,
        **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
    )
    where = "preview" if call.command == "preview" else "terminal"
    EARS.say(where, f"{done.stdout}{done.stderr}", str(call))
    return done


def test_no_command_is_left_out() -> None:
    assert {call.command for call in CALLS} == leaves() - LASTING - OF_THE_SYSTEM


@pytest.mark.processes
@each_call
def test_beside_the_daemon_without_a_terminal(connector: Connector, call: Call) -> None:
    done = typed(call, connector.environment | environment(Path(connector.environment["RAINBOW_EXCHANGE_STATE__PATH"])))

    assert done.returncode == call.works, done.stderr
    assert not {"\r", "\x1b"} & set(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.processes
def test_of_all_commands_preview_alone_shows_what_somebody_wrote(connector: Connector) -> None:
    EARS.seen.clear()
    for call in CALLS:
        typed(Call((*call.words, "--json"), 0, 0, 0), connector.environment)
    assert EARS.seen.keys() == {("preview", Kind.SUBJECT), ("preview", Kind.TEXT)}


@pytest.mark.processes
@each_call
def test_without_a_daemon(tmp_path: Path, call: Call) -> None:
    done = typed(call, environment(tmp_path / "nothing here"))

    assert done.returncode == call.alone, done.stderr
    assert "Traceback" not in done.stderr
    if call.alone == 3:
        assert "rainbow-exchange run" in done.stdout + done.stderr


@pytest.mark.processes
@each_call
def test_into_a_closed_pipe(connector: Connector, call: Call) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = typed(call, connector.environment, stdout=writer)
    os.close(writer)

    assert done.returncode in {1, call.works}, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@each_call
def test_onto_a_full_disk(connector: Connector, call: Call) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = typed(call, connector.environment, stdout=full)

    if call.works == 0:
        assert (done.returncode, done.stderr.splitlines()[-1:]) == (
            1,
            ["Error: the output cannot be written (No space left on device)."],
        )
    assert "Traceback" not in done.stderr


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
@each_call
def test_in_a_terminal(connector: Connector, call: Call) -> None:
    code, shown = _in_a_terminal([str(COMMAND), *call.words], connector.environment)

    assert code == (130 if shown.rstrip("\r\n").endswith("Interrupted.") else call.works), shown
    assert "Traceback" not in shown


def _in_a_terminal(command: list[str], around: dict[str, str]) -> tuple[int, str]:
    """Run it; where it asks for something, press Ctrl-C."""
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals of this kind")
    else:
        keyboard, screen = os.openpty()
        with subprocess.Popen(command, env=around, stdin=screen, stdout=screen, stderr=screen) as process:  # noqa: S603 (our own command)
            os.close(screen)
            shown = ""
            while piece := _read(keyboard):
                shown += piece
                if shown.endswith(": "):
                    process.send_signal(signal.SIGINT)
            code = process.wait(60)
        os.close(keyboard)
        return code, shown


def _read(terminal: int) -> str:
    """Read what comes next, "" at the end."""
    if not select.select([terminal], [], [], 60)[0]:
        return ""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # nobody writes any more
        return ""


FAULTY = {
    "nothing there": (None, "cannot be read"),
    "a folder": ("folder", "cannot be read"),
    "no TOML": (b"[exchange\n", "is not valid TOML"),
    "no UTF-8": (b"\xff\xfe\x00", "is not UTF-8"),
    "a secret in it": (b"[exchange]\npassword = 'Zw4nzig!'\n", "a secret may not stand in"),
    "a word for a number": (b"[web]\nport = 'seven'\n", "web.port"),
}


@pytest.mark.processes
@pytest.mark.parametrize("call", [call for call in CALLS if call.command not in WITHOUT_SETTINGS], ids=str)
def test_a_faulty_settings_file_is_named_with_what_is_wrong(tmp_path: Path, call: Call) -> None:
    for name, (content, wrong) in FAULTY.items():
        file = tmp_path / f"{name}.toml"
        if content == "folder":
            file.mkdir()
        elif isinstance(content, bytes):
            file.write_bytes(content)
        done = typed(Call((*call.words, "--config", str(file)), 0, 0, 0), environment(tmp_path))
        said = done.stdout + done.stderr
        assert done.returncode == 2, (name, said)
        assert wrong in said, (name, said)
        assert "Traceback" not in said
        assert "Zw4nzig!" not in said


class Foreign(ThreadingHTTPServer):
    """Another program on the port of the daemon that has ended: it answers all with yes, and keeps what it gets."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.came: list[str] = []
        super().__init__(("127.0.0.1", 0), _Yes)
        self.token, self.nonce = runtime.new_secret(), runtime.new_secret()
        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.server_port}
        runtime.publish(folder, token=self.token, nonce=self.nonce, now=datetime.now(UTC), **where)


class _Yes(BaseHTTPRequestHandler):
    server: Foreign

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.came.append(f"{self.command} {self.path} {self.headers} {body!r}")
        answer = json.dumps({"proof": "0" * 64, "schema_version": 1, "state": "healthy"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _answer  # noqa: N815 (their names in the library)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    with Foreign(tmp_path / "état") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.processes
@each_call
def test_another_program_on_the_port_gets_no_token(tmp_path: Path, foreign: Foreign, call: Call) -> None:
    done = typed(call, environment(tmp_path / "état"))

    assert done.returncode == call.cannot_tell, done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode == 4:
        assert "another program answers" in done.stdout + done.stderr
        assert foreign.came
    for request in foreign.came:
        assert request.startswith("GET /api/nonce?challenge=")
        assert foreign.token not in request
        assert foreign.nonce not in request


@pytest.mark.processes
@each_call
def test_as_another_user_than_the_daemon(connector: Connector, call: Call) -> None:
    around = environment(Path(connector.environment["RAINBOW_EXCHANGE_STATE__PATH"]), HOME="/nonexistent")
    done = typed(call, around, command=command_for_all(), user="nobody", group="nogroup", extra_groups=[], cwd="/")

    assert done.returncode == call.cannot_tell, done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode == 4:
        assert "cannot be read (Permission denied)" in done.stdout + done.stderr


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows is not sent SIGINT")
@each_call
def test_ctrl_c_at_any_moment(tmp_path: Path, call: Call) -> None:
    """The daemon is one that never answers, so that there is a time to wait."""
    with Foreign(tmp_path / "état"):  # takes connections, and does nothing with them
        for wait in (0.05, 0.2, 0.4, 0.8, 1.3):
            with _begun(call, tmp_path / "état") as process:
                time.sleep(wait)
                err = _pressed(process)
            assert process.returncode in {130, -signal.SIGINT, call.cannot_tell, call.alone} or begins(err), (
                wait,
                err,
            )
            assert "Traceback" not in err or begins(err), (wait, err)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows is not sent SIGINT")
@pytest.mark.parametrize("call", [call for call in CALLS if call.cannot_tell == 4], ids=str)
def test_one_ctrl_c_ends_what_waits_for_the_daemon(tmp_path: Path, call: Call) -> None:
    with Foreign(tmp_path / "état") as server, _begun(call, tmp_path / "état") as process:
        server.socket.settimeout(60)
        connection, _ = server.socket.accept()
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
        connection.close()
    assert process.returncode == 130, err
    assert "Interrupted." in err.splitlines()


def _begun(call: Call, folder: Path) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([COMMAND, *call.words], env=environment(folder), text=True, **pipes)  # noqa: S603 (our own command)


def _pressed(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and again where it is lost: Python forgets one that comes while it reads its `.pth` files."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=10)[1]
    process.kill()
    pytest.fail("it did not end")
