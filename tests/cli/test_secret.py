import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from tests.cli.test_run import SECONDS, ask, running
from tests.keyrings import MemoryKeyring, in_memory

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
