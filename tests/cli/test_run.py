import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from rainbow_exchange.cli import local_api, run_with_lab
from rainbow_exchange.cli import run as module
from rainbow_exchange.cli.main import commands
from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.serve import ExchangeSide, LabAddresses, RainbowSide

SECONDS = 90


@contextmanager
def running(
    *arguments: str, folder: Path, keyring: str = "keyring.backends.fail.Keyring", **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command as a process with its state in `folder`; it is ended at the latest with the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    environment |= {
        "RAINBOW_EXCHANGE_STATE__PATH": str(folder),
        "RAINBOW_EXCHANGE_WEB__PORT": "0",
        "PYTHON_KEYRING_BACKEND": keyring,
    }
    command = [sys.executable, "-m", "rainbow_exchange", "run", *arguments]
    process = subprocess.Popen(command, env=environment, cwd=folder, **options)  # noqa: S603  (ours)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def ask(folder: Path) -> dict[str, Any]:
    """Give the daemon's status as soon as it answers."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            answer: dict[str, Any] = local_api.ask(folder, "/api/status")
        except local_api.NoAnswerError:
            assert time.monotonic() < end, "the daemon does not answer"
            time.sleep(0.05)
        else:
            return answer


def test_without_settings_it_runs_and_says_what_is_missing(tmp_path: Path) -> None:
    with running(folder=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        answer = ask(tmp_path)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)

    assert process.returncode == 0
    assert answer["state"] != "healthy"
    assert [problem["id"] for problem in answer["problems"]] == ["settings-missing"]
    assert out == b""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "keyring_unusable"] == ["this account has no keyring"]
    assert lines[-1]["event"] == "stopped"
    assert not (tmp_path / "runtime.json").exists()
    assert not (tmp_path / "web-token").exists()


INTERRUPTED = """
import signal, sys
from rainbow_exchange import __main__

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "rainbow_exchange.cli.run":
            signal.raise_signal(signal.SIGINT)

sys.argv = ["rainbow-exchange", "run"]
sys.meta_path.insert(0, Interrupting())
__main__.main()
"""


def test_an_interrupt_before_anything_has_begun_is_a_stop_like_any_other() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 (our own command)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


BUG = """
import sys
from rainbow_exchange import __main__, daemon

async def fails(*_, **__):
    raise ValueError("token=hunter2")

daemon.run = fails
sys.argv = ["rainbow-exchange", "run"]
__main__.main()
"""


def test_a_bug_that_ends_it_is_in_the_log_and_masked(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    environment = os.environ | {
        "RAINBOW_EXCHANGE_LOG__FILE": str(file),
        "RAINBOW_EXCHANGE_STATE__PATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    command = [sys.executable, "-c", BUG]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 (ours)

    assert done.returncode == 1
    line = json.loads(file.read_text(encoding="utf-8").splitlines()[-1])
    assert (line["level"], line["event"]) == ("error", "ended_by_a_bug")
    assert line["exception"].endswith("ValueError: token=***")
    assert b"hunter2" not in done.stderr


def test_a_second_daemon_on_the_same_state_is_1_with_the_next_step(tmp_path: Path) -> None:
    with running(folder=tmp_path, stderr=subprocess.DEVNULL) as first:
        ask(tmp_path)
        with running(folder=tmp_path, stderr=subprocess.PIPE) as second:
            _, err = second.communicate(timeout=SECONDS)
        first.send_signal(signal.SIGINT)
        assert first.wait(SECONDS) == 0

    assert second.returncode == 1
    assert err.decode().splitlines()[-1].startswith(f"Error: {tmp_path / 'state.db'} is in use")
    assert b"Traceback" not in err


def test_with_the_lab_a_pipe_gets_json_lines_of_what_is_seen(tmp_path: Path) -> None:
    with running("--lab", "3", folder=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        page, seen = (json.loads(process.stdout.readline()) for _ in range(2))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)

    assert process.returncode == 0
    assert (page["event"], page["page"].rpartition(":")[0]) == ("lab_page", "http://127.0.0.1")
    assert list(seen) == ["event", "user", "status", "subject", "until", "seconds", "sentence"]
    assert seen["event"] == "seen"
    assert {"users_listed", "stopped"} <= {json.loads(line)["event"] for line in err.splitlines()}


def test_with_the_lab_it_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    with running("--lab", "3", folder=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(SECONDS) == 0

    assert json.loads(err.splitlines()[-1])["event"] == "stopped"


def test_with_the_lab_it_works_and_ends_though_nobody_reads(tmp_path: Path) -> None:
    full, nobody = full_pipe()
    with running("--lab", "3", folder=tmp_path, stdout=nobody, stderr=nobody) as process:
        os.close(nobody)
        end = time.monotonic() + SECONDS
        while ask(tmp_path)["state"] != "healthy":
            assert time.monotonic() < end, "it stands still"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    os.close(full)


@pytest.mark.skipif(sys.platform == "win32", reason="whether a pipe is full cannot be asked there")
def test_without_the_lab_it_answers_and_ends_though_nobody_reads_its_log(tmp_path: Path) -> None:
    full, nobody = full_pipe()
    with running(folder=tmp_path, stdout=nobody, stderr=nobody) as process:
        os.close(nobody)
        assert ask(tmp_path)["state"] == "degraded"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    os.close(full)


def full_pipe() -> tuple[int, int]:
    """Give both ends of a pipe that takes nothing more."""
    reading, writing = os.pipe()
    while select.select([], [writing], [], 0)[1]:
        os.write(writing, b"x" * 4096)
    return reading, writing


def test_with_the_lab_a_terminal_gets_progress_and_sentences(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")  # Windows has none
    ours, theirs = pty.openpty()
    shown = b""
    with running("--lab", "3", folder=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        end = time.monotonic() + SECONDS
        while b"told to Rainbow after" not in shown and time.monotonic() < end:
            shown += read(ours)
        process.send_signal(signal.SIGINT)
        while more := read(ours):
            shown += more
        assert process.wait(SECONDS) == 0
    os.close(ours)

    text = shown.decode()
    for part in (
        "A simulated company of 3, on this machine only. Ctrl-C ends it.",
        "Local page at http://127.0.0.1:",
        "Rainbow lists 3 users.",
        "\rSubscribed 1/",
        ": calendar told to Rainbow after ",
        "Stopping ...",
    ):
        assert part in text
    assert text.rstrip().endswith("Stopped.")
    assert '"event"' not in text


def read(terminal: int) -> bytes:
    """Give what comes next from the terminal; nothing when the other side has closed it."""
    try:
        readable, _, _ = select.select([terminal], [], [], SECONDS)
        return os.read(terminal, 65536) if readable else b""
    except OSError:
        return b""


def test_faulty_settings_are_2_and_all_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[web]\nport = 'x'\nhost = '0.0.0.0'\n")

    result = CliRunner().invoke(commands, ["run", "--config", str(file)])

    assert result.exit_code == 2
    assert [line.split(" ")[1] for line in result.stderr.splitlines()] == ["web.port", "web.host"]


def test_a_log_file_that_cannot_be_written_is_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = tmp_path / "config.toml"
    config.write_text("[log]\nfile = 'file/log.json'\n")

    result = CliRunner().invoke(commands, ["run", "--config", str(config)])

    assert result.exit_code == 2
    assert f"log.file {tmp_path / 'file' / 'log.json'} cannot be written" in result.stderr


def test_ctrl_c_before_the_daemon_runs_is_0(monkeypatch: pytest.MonkeyPatch, default_folder: Path) -> None:
    async def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_run", interrupted)

    try:
        assert CliRunner().invoke(commands, ["run"]).exit_code == 0
    finally:
        structlog.reset_defaults()  # it has logging for as long as its process lives
    assert not default_folder.exists()


LAB = LabAddresses(
    exchange=ExchangeSide(
        url="http://127.0.0.1:1/EWS/Exchange.asmx",
        username="svc",
        password="e",
        ca_file=None,
        token_url="http://127.0.0.1:1/adfs/oauth2/token",
        client_id="c",
        client_secret="s",
    ),
    rainbow=RainbowSide(
        url="http://127.0.0.1:2", login="admin@acme.test", password="r", app_id="app", app_secret="s", company_id="c"
    ),
    users=(),
    made=Made(),
)


def test_the_lab_is_reached_past_proxies_and_keeps_other_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[exchange]\nurl = 'https://mail.acme.test/EWS'\nproxy_url = 'http://proxy:1'\n"
        "[rainbow]\nproxy_url = 'http://proxy:1'\nproxy_username = 'me'\nproxy_password_file = 'secret'\n"
        "[bridge]\nprivacy = 'full'\n"
    )

    settings, secrets = run_with_lab._for_lab(file, LAB, tmp_path / "state")

    assert settings.exchange.url == "http://127.0.0.1:1/EWS/Exchange.asmx"
    assert (settings.exchange.proxy_url, settings.rainbow.proxy_url, settings.rainbow.proxy_username) == (None,) * 3
    assert settings.bridge.privacy == "full"
    assert settings.state.path == tmp_path / "state"
    assert (secrets.exchange_password, secrets.rainbow_password, secrets.rainbow_app_secret) == ("e", "r", "s")
    assert settings.origin("rainbow.password") == "command line"


def test_the_lab_leaves_settings_and_state_of_the_service_alone(default_folder: Path, tmp_path: Path) -> None:
    default_folder.mkdir()
    (default_folder / "config.toml").write_text("[bridge]\nprivacy = 'full'\n")

    settings, _ = run_with_lab._for_lab(None, LAB, tmp_path / "state")

    assert settings.bridge.privacy == "private-masked"
    assert settings.state.path == tmp_path / "state"


def test_a_state_folder_that_was_asked_for_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_STATE__PATH", str(tmp_path / "mine"))

    settings, _ = run_with_lab._for_lab(None, LAB, tmp_path / "state")

    assert settings.state.path == tmp_path / "mine"


def test_half_a_lab_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        run_with_lab._for_lab(None, LabAddresses(exchange=None, rainbow=LAB.rainbow, users=(), made=Made()), tmp_path)
