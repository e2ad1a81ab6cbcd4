import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.main import commands
from rainbow_exchange.web import runtime
from tests.cli.test_run import SECONDS, ask, read, running
from tests.keyrings import MemoryKeyring, in_memory
from tests.processes import until

PASSWORD = "Pässwörd#1 mit Raum"


@pytest.fixture(autouse=True)
def mine() -> Iterator[MemoryKeyring]:
    """The administrator's keyring."""
    with in_memory() as backend:
        yield backend


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "config.toml").write_text("[web]\nport = 0\n")
    return folder


def secret(folder: Path, *words: str, typed: str | bytes = b"") -> tuple[int, list[str], list[str]]:
    arguments = ["secret", words[0], "--config", str(folder / "config.toml"), *words[1:]]
    result = CliRunner().invoke(commands, arguments, input=typed)
    shown = result.stdout + result.stderr
    assert PASSWORD not in shown
    assert "Traceback" not in shown
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def problem(folder: Path, name: str) -> dict[str, Any]:
    """Give a problem of the running service, {} where it has none."""
    return next((each for each in ask(folder)["problems"] if each["id"] == name), {})


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Give what the service's view says, by name."""
    code, out, _ = secret(folder, "list", "--json")
    assert code == 0
    view = json.loads(out[0])
    return {one["name"]: one for one in (view["service"] or view["this_account"])["secrets"]}


def test_the_running_service_keeps_it_in_its_own_keyring_and_uses_it(
    folder: Path, mine: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ring = tmp_path / "keyring-of-the-service"
    monkeypatch.setenv("TEST_KEYRING", str(ring))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PASSWORD_FILE", str(folder / "rainbow-password"))
    arguments = ("--config", str(folder / "config.toml"))
    with running(*arguments, folder=folder, keyring="tests.keyrings.FileKeyring", stderr=subprocess.PIPE) as process:
        assert "rainbow.password" in ask(folder)["problems"][0]["text"]
        code, out, _ = secret(folder, "set", "rainbow.password", typed=f"{PASSWORD}\r\n".encode())
        assert code == 0
        assert out[0].startswith("Kept rainbow.password in the keyring of ")
        assert out[1] == "The running service uses it from now on."
        assert json.loads(ring.read_text()) == [["rainbow-exchange", "rainbow.password", PASSWORD]]
        assert mine.stored == {}
        [missing] = ask(folder)["problems"]
        assert "rainbow.login, rainbow.app_id, rainbow.app_secret" in missing["text"]

        one = listed(folder)["rainbow.password"]
        assert (one["set"], one["from"]) == (True, "keyring")
        code, out, _ = secret(folder, "where", "rainbow.password")
        assert code == 0
        assert out[0].endswith("): set, " + one["where"])
        assert [line.split(".")[0].strip() for line in out[1:5]] == ["1", "2", "3", "4"]
        assert out[4].endswith(": has it, and counts")
        # what the administrator's own account would see beside it
        assert out[5].startswith("rainbow.password, this account (")

        code, out, _ = secret(folder, "set", "exchange.proxy_url", typed="http://me:pw@proxy.acme.test:8080")
        assert code == 0
        code, out, _ = secret(folder, "unset", "rainbow.password", "--json")
        assert (code, json.loads(out[0])["removed"], json.loads(out[0])["left"]) == (0, [one["where"]], [])
        assert [key for _, key, _ in json.loads(ring.read_text())] == ["exchange.proxy_url"]
        code, out, _ = secret(folder, "unset", "rainbow.password")
        assert (code, out[0]) == (0, f"There was nothing to take out of the {one['where']}.")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
    assert PASSWORD.encode() not in err
    assert b"me:pw" not in err
    assert b'"secret_set"' in err


def test_the_file_that_the_settings_name_is_written_by_the_service(folder: Path, mine: MemoryKeyring) -> None:
    """Where it has no keyring, and where the administrator's would be of no use."""
    file = folder / "pw"
    with running("--config", str(folder / "config.toml"), folder=folder, stderr=subprocess.DEVNULL) as process:
        ask(folder)
        code, out, err = secret(folder, "set", "exchange.password", typed=PASSWORD)
        assert (code, out) == (2, [])
        assert err[0] == "Error: exchange.password cannot be kept: this account has no keyring."
        for way in (
            "exchange.password_file",
            "secret set exchange.password --to-file PATH",
            "LoadCredential=exchange.password",
            "RAINBOW_EXCHANGE_EXCHANGE__PASSWORD",
            "keyrings.alt brings is none: it writes plain text",
        ):
            assert way in err[1]
        assert [each.name for each in folder.iterdir() if each.name.startswith("pw")] == []

        # one that is there, so that settings that name it can be read; what is in it is changed by the service
        assert secret(folder, "set", "exchange.password", "--to-file", str(file), typed="first")[0] == 0
        (folder / "config.toml").write_text(f'[web]\nport = 0\n[exchange]\npassword_file = "{file}"\n')
        code, out, _ = secret(folder, "set", "exchange.password", typed=PASSWORD)
        assert (code, out) == (
            0,
            [
                f"Kept exchange.password in {file}, and read it back.",
                "The running service uses it from now on.",
            ],
        )
        assert file.read_text() == PASSWORD
        assert file.stat().st_mode & 0o777 == 0o600
        assert listed(folder)["exchange.password"]["where"] == str(file)

        file.chmod(0o644)
        local_api.ask(folder, "/api/secrets", content={"do": "use"})
        exposed = until(lambda: problem(folder, "settings-secret-exposed"), "the problem")
        assert exposed["severity"] == "notice"
        assert f"{file} (mode 0644) may be read by every account of this machine" in exposed["text"]
        file.chmod(0o600)
        until(lambda: not problem(folder, "settings-secret-exposed"), "the end of the problem")

        code, _, err = secret(folder, "unset", "exchange.password")
        assert code == 2
        assert "--yes agrees to it" in err[0]
        code, out, _ = secret(folder, "unset", "exchange.password", "--yes")
        assert (code, out[0]) == (0, f"Taken out of {file}.")
        assert "exchange.password_file" in out[1]
        assert not file.exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert mine.stored == {}


def test_without_a_service_it_says_whose_keyring_it_would_be(folder: Path, mine: MemoryKeyring) -> None:
    code, out, err = secret(folder, "set", "exchange.password", typed=PASSWORD)
    assert (code, out, mine.stored) == (2, [], {})
    assert "The service is not running, so this goes into the keyring of " in err[0]
    assert "--to-file PATH" in err[0]
    assert "--yes agrees to it" in err[0]

    code, out, _ = secret(folder, "set", "exchange.password", "--yes", "--json", typed=PASSWORD)
    assert code == 0
    said = json.loads(out[0])
    assert (said["schema_version"], said["kept"], said["in_use"]) == (1, "keyring", False)
    assert mine.stored == {("rainbow-exchange", "exchange.password"): PASSWORD}
    code, out, err = secret(folder, "list")
    assert code == 0
    assert "Not running: " in err[0]
    assert sorted(line.partition(":")[0] for line in out) == [
        "exchange.client_secret",
        "exchange.fallback_password",
        "exchange.password",
        "exchange.proxy_url",
        "rainbow.app_secret",
        "rainbow.password",
        "rainbow.proxy_password",
        "rainbow.proxy_url",
    ]
    assert sum(line.endswith(": not set") for line in out) == 7
    assert secret(folder, "where", "exchange.password")[0] == 0
    assert secret(folder, "unset", "exchange.password")[0] == 0
    assert mine.stored == {}
    assert secret(folder, "where", "exchange.password")[0] == 1


def test_what_stands_above_is_said_and_nothing_is_kept(
    folder: Path, mine: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__PASSWORD", PASSWORD)
    mine.set_password("rainbow-exchange", "exchange.password", "below")
    handed = tmp_path / "credentials"
    handed.mkdir()
    (handed / "rainbow.app_secret").write_text("handed")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))

    code, _, err = secret(folder, "set", "exchange.password", "--yes", typed="other")
    assert code == 2
    assert "is given by the variable RAINBOW_EXCHANGE_EXCHANGE__PASSWORD, which stands above" in err[0]
    code, _, err = secret(folder, "set", "rainbow.app_secret", "--yes", typed="other")
    assert code == 2
    assert f"is given by systemd's credential {handed / 'rainbow.app_secret'}, which stands above" in err[0]
    code, out, _ = secret(folder, "where", "rainbow.app_secret")
    assert (code, out[3]) == (
        0,
        f"  3. systemd credential ({handed / 'rainbow.app_secret'}): has it, and counts",
    )

    code, out, _ = secret(folder, "unset", "exchange.password")
    assert code == 1
    assert out[0].startswith("Taken out of the keyring of ")
    assert out[1] == ("It is still given by the variable RAINBOW_EXCHANGE_EXCHANGE__PASSWORD; take it away there.")
    assert mine.stored == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Standard input holds nothing"),
        (b"\r\n", "Standard input is empty"),
        (b"\xfc\r\n", "Standard input is not UTF-8"),
        ("pw".encode("utf-16"), "Standard input is not UTF-8"),
        ("pw".encode("utf-16-le"), "exchange.password holds a NUL character"),
        (b"one\ntwo\n", "holds a line end or another control character"),
        (b"x" * 8193, "is longer than 8 KiB"),
        (b"x" * 70_000, "Standard input is larger than 64 KiB"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_not_repeated(
    folder: Path, mine: MemoryKeyring, content: bytes, said: str
) -> None:
    code, out, err = secret(folder, "set", "exchange.password", "--yes", typed=content)

    assert (code, out) == (2, [])
    assert said in err[0]
    assert mine.stored == {}


@pytest.mark.parametrize("content", [f"\ufeff{PASSWORD}\r\n", PASSWORD, f"{PASSWORD}\n\n"])
def test_a_mark_of_utf_8_and_line_ends_behind_do_not_count(folder: Path, mine: MemoryKeyring, content: str) -> None:
    (folder / "typed").write_bytes(content.encode())

    assert secret(folder, "set", "exchange.password", "--yes", "--file", str(folder / "typed"))[0] == 0
    assert list(mine.stored.values()) == [PASSWORD]


def test_what_windows_cannot_keep_is_told_with_the_way_by_a_file(
    folder: Path, mine: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainbow_exchange.own_keyring.sys.platform", "win32")

    code, _, err = secret(folder, "set", "exchange.client_secret", "--yes", typed="x" * 1281)
    assert code == 2
    assert "keeps 2560 bytes at most, which is 1280 characters." in err[0]
    assert "secret set exchange.client_secret --to-file PATH" in err[1]
    assert mine.stored == {}
    assert secret(folder, "set", "exchange.client_secret", "--yes", typed="x" * 1280)[0] == 0


def test_a_proxy_s_address_is_read_as_the_setting_is(folder: Path, mine: MemoryKeyring) -> None:
    code, _, err = secret(folder, "set", "rainbow.proxy_url", "--yes", typed="me:hunter2@proxy")
    assert code == 2
    assert "is not an address like http://user:password@proxy.company.com:8080" in err[0]
    assert "hunter2" not in err[0]
    assert secret(folder, "set", "rainbow.proxy_url", "--yes", typed="http://me:hunter2@proxy.acme.test:3128")[0] == 0
    assert mine.stored


def test_a_wrong_name_is_2_with_the_nearest(folder: Path) -> None:
    code, _, err = secret(folder, "set", "exchange.pasword", typed="x")
    assert code == 2
    assert err[-1].endswith("exchange.pasword is not the name of a secret; did you mean exchange.password?")
    assert "exchange.password, exchange.client_secret" in secret(folder, "where", "x")[2][-1]


def test_into_a_file_it_prints_the_setting_and_leaves_the_settings_alone(folder: Path) -> None:
    file, before = folder / "a b" / "pw", (folder / "config.toml").read_text()
    assert secret(folder, "set", "exchange.password", "--to-file", str(file), typed=PASSWORD)[0] == 2
    file.parent.mkdir()

    code, out, _ = secret(folder, "set", "exchange.password", "--to-file", str(file), typed=PASSWORD)

    assert code == 0
    assert out == [
        f"Written: {file}.",
        "Name it in the settings file, then start the service anew:",
        "    [exchange]",
        f'    password_file = "{file}"',
        f"or as a variable: RAINBOW_EXCHANGE_EXCHANGE__PASSWORD_FILE={file}",
    ]
    assert file.read_text() == PASSWORD
    assert (folder / "config.toml").read_text() == before
    (folder / "config.toml").write_text(before + "\n".join(out[2:4]))
    assert listed(folder)["exchange.password"]["set"] is True
    file.chmod(0o644)
    _, out, _ = secret(folder, "list")
    assert out[-1].startswith(f"Warning: {file} (mode 0644) may be read by every account of this machine")
    code, _, _ = secret(folder, "set", "exchange.password", "--to-file", str(file), "--for", "nobody-at-all")
    assert code == 2


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root hands files to others")
def test_an_administrator_s_file_is_the_service_s(folder: Path) -> None:
    if sys.platform != "win32":
        os.chown(folder, 65534, 65534)
        file = folder.parent / "pw"

        assert secret(folder, "set", "exchange.password", "--to-file", str(file), typed="first")[0] == 0
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (65534, 0o600)
        os.chown(file, 0, 65534)
        file.chmod(0o644)
        (folder / "config.toml").write_text(f'[web]\nport = 0\n[exchange]\npassword_file = "{file}"\n')
        code, out, _ = secret(folder, "set", "exchange.password", "--yes", typed="second")
        assert (code, out[1]) == (0, "It counts when the service starts.")
        # whose it was, and what its group could; what everybody could is taken away
        assert (file.stat().st_uid, file.stat().st_gid, file.stat().st_mode & 0o777) == (0, 65534, 0o640)
        assert secret(folder, "set", "exchange.password", "--to-file", str(file), "--for", "root", typed="x")[0] == 0
        assert file.stat().st_gid == 0


def test_a_foreign_server_gets_neither_token_nor_value(folder: Path, mine: MemoryKeyring) -> None:
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"proof": "00"}')
                while more := connection.recv(65536):
                    received.append(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        nonce, token = "n" * 64, "t" * 64
        runtime.publish(folder, host="127.0.0.1", port=port, nonce=nonce, token=token, now=datetime.now(UTC))
        code, out, err = secret(folder, "set", "exchange.password", "--yes", typed=PASSWORD)
        assert (code, out) == (4, [])
        assert "another program answers" in err[0]
        code, _, err = secret(folder, "list")
        assert code == 4
        thread.join(10)
    sent = b"".join(received)
    assert sent.count(b"GET /api/nonce") == 2
    for never in (PASSWORD.encode(), json.dumps(PASSWORD).encode(), nonce.encode(), token.encode(), b"Authorization"):
        assert never not in sent
    assert mine.stored == {}


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal to type at")
def test_at_a_terminal_it_is_typed_twice_unseen_and_interrupted(folder: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    ring = tmp_path / "ring"
    arguments = ["secret", "set", "exchange.password", "--yes", "--config", str(folder / "config.toml")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    environment |= {
        "PYTHON_KEYRING_BACKEND": "tests.keyrings.FileKeyring",
        "TEST_KEYRING": str(ring),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def at_terminal(*answers: tuple[str, str], interrupt: bool) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "rainbow_exchange", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        shown = ""
        for question, answer in answers:
            while question not in shown.rpartition("\n")[2]:
                more = read(ours).decode()
                assert more, shown
                shown += more
            os.write(ours, answer.encode() + b"\n" * bool(answer))
        if interrupt:
            process.send_signal(signal.SIGINT)
        while more := read(ours).decode():
            shown += more
        os.close(ours)
        return process.wait(SECONDS), shown

    code, shown = at_terminal(("New exchange.password:", ""), interrupt=True)
    assert code == 130
    assert "Interrupted." in shown
    assert "Traceback" not in shown
    assert not ring.exists()
    code, shown = at_terminal(("New exchange.password:", PASSWORD), ("The same again:", PASSWORD), interrupt=False)
    assert code == 0
    assert PASSWORD not in shown
    assert json.loads(ring.read_text()) == [["rainbow-exchange", "exchange.password", PASSWORD]]


@pytest.mark.processes
def test_a_closed_standard_input_is_said(folder: Path) -> None:
    arguments = ["secret", "set", "exchange.password", "--yes", "--config", str(folder / "config.toml")]
    begin = "import os, sys; os.close(0); from rainbow_exchange.__main__ import main"
    script = f"{begin}; sys.argv = ['x', *{arguments}]; main()"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 (our own command)

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.startswith(b"Error: Standard input holds nothing")
