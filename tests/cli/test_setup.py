import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.main import commands
from tests.cli.test_run import SECONDS, ask, read, running
from tests.keyrings import MemoryKeyring, in_memory
from tests.processes import Lab, World

WAY = ["exchange-place", "exchange-proxy", "exchange-name", "exchange-tcp", "exchange-tls", "exchange-clock"]


@pytest.fixture(autouse=True)
def mine() -> Iterator[MemoryKeyring]:
    """The administrator's keyring."""
    with in_memory() as backend:
        yield backend


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("lab"), stack).lab(None, "--only", "exchange", "--users", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "config.toml").write_text("[web]\nport = 0\n")
    return folder


def setup(folder: Path, *words: str, typed: str = "") -> tuple[int, list[str], list[str]]:
    arguments = ["setup", words[0], "--config", str(folder / "config.toml"), *words[1:]]
    result = CliRunner().invoke(commands, arguments, input=typed)
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def made(folder: Path) -> dict[str, Any]:
    """Give the settings that were kept."""
    file = folder / "made.json"
    kept = json.loads(json.loads(file.read_text())["made_settings"]) if file.exists() else {}
    return {key: each["value"] for key, each in kept.items()}


def test_the_running_service_tries_it_keeps_what_works_and_uses_it(
    folder: Path, lab: Lab, mine: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ring, side = tmp_path / "keyring-of-the-service", lab.addresses["exchange"]
    monkeypatch.setenv("TEST_KEYRING", str(ring))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    where = ["--url", side["url"], "--username", side["username"], "--password-file", "-"]
    arguments = ("--config", str(folder / "config.toml"))
    with running(*arguments, folder=folder, keyring="tests.keyrings.FileKeyring", stderr=subprocess.PIPE) as process:
        ask(folder)
        code, out, _ = setup(folder, "exchange", *where, typed="Wrong#1")
        assert code == 1
        assert [line.split()[1] for line in out if line[:4] in {"pass", "skip", "FAIL"}] == [
            *WAY,
            "exchange-authentication",
            "exchange-version",
        ]
        assert any(line.startswith("FAIL  exchange-authentication ") for line in out)
        assert out[-1] == "Nothing was kept."
        assert (made(folder), ring.exists()) == ({}, False)

        code, out, err = setup(folder, "exchange", *where, "--json", "--mailbox", address(lab), typed=side["password"])
        assert code == 0
        said = json.loads(out[0])
        assert (said["schema_version"], said["kept"], said["verdict"], said["in_use"]) == (1, True, "pass", True)
        verdicts = {step["step"]: step["verdict"] for step in said["steps"]}
        assert [verdicts[step] for step in ("mailbox", "impersonation", "stream", "out-of-office")] == ["pass"] * 4
        assert any(line.startswith("pass  stream ") for line in err)
        assert json.loads(ring.read_text()) == [["rainbow-exchange", "exchange.password", side["password"]]]
        assert made(folder) == {"exchange.url": side["url"], "exchange.username": side["username"]}
        assert mine.stored == {}
        status = local_api.ask(folder, "/api/status")
        origins = {each["name"]: each["origin"].partition(" of ")[0] for each in status["settings"]}
        assert [origins[name] for name in ("exchange.url", "exchange.username", "exchange.password")] == [
            "setup",
            "setup",
            "keyring",
        ]
        assert "exchange." not in status["problems"][0]["text"]

        # what counts now is the proposal, and the password that is kept is tried where none is given
        code, out, _ = setup(folder, "exchange", "--no-impersonation")
        assert (code, out[-2:]) == (
            0,
            ["Kept, as " + said["account"] + ".", "The running service uses it from now on."],
        )
        assert made(folder)["exchange.impersonation"] is False
        code, out, _ = setup(folder, "proxy", "--to", "exchange", "--url", "http://127.0.0.1:1")
        assert (code, out[-1]) == (1, "Nothing was kept.")
        assert any(line.startswith("FAIL  exchange-proxy  No connection to the proxy 127.0.0.1:1") for line in out)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=SECONDS)
    assert side["password"].encode() not in log
    assert b"Wrong#1" not in log


def address(lab: Lab) -> str:
    """Give the mailbox of somebody there."""
    found: str = lab.exchange("GET", "/lab/mailboxes")[0]["address"]
    return found


def test_without_a_service_this_account_tries_and_keeps_it(folder: Path, lab: Lab, mine: MemoryKeyring) -> None:
    side = lab.addresses["exchange"]
    (folder / "pw").write_text(side["password"])
    where = ["--url", side["url"], "--username", side["username"], "--password-file", str(folder / "pw")]

    code, out, err = setup(folder, "exchange", *where)

    assert code == 0
    assert err == ["No mailbox is named (--mailbox), so no calendar is looked at."]
    assert out[-2].endswith("(exchange.password in the keyring).")
    assert out[-1] == "It counts when the service starts."
    assert mine.stored == {("rainbow-exchange", "exchange.password"): side["password"]}
    assert made(folder) == {"exchange.url": side["url"], "exchange.username": side["username"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exchange"], "EWS address of Exchange is missing: give --url (or --find)."),
        (["exchange", "--find"], "Service account is missing: give --username."),
        (["exchange", "--find", "--username", "a@acme.test"], "is missing: give --password-file."),
        (["exchange", "--url", "u", "--username", "a", "--password-file", "-"], "Standard input holds nothing"),
        (["exchange", "--find", "--url", "https://u"], "--find takes the place of --url"),
        (["proxy"], "Address of the proxy is missing: give --url."),
        (["proxy", "--none", "--url", "http://p:1"], "--none takes a proxy back"),
        (["proxy", "--url", "http://p:1", "--username", "me"], "The password of the proxy is missing"),
        (["proxy", "--url", "ftp://p"], "rainbow.proxy_url (what was entered) "),
    ],
)
def test_what_is_missing_or_faulty_is_2_and_nothing_is_kept(folder: Path, words: list[str], said: str) -> None:
    code, out, err = setup(folder, *words)

    assert (code, out) == (2, [])
    assert said in " ".join(err)
    assert made(folder) == {}


def test_what_stands_above_is_said_before_anything_is_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mine: MemoryKeyring
) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__URL", "https://mail.acme.test/EWS/Exchange.asmx")
    where = ["--username", "a@acme.test", "--password-file", "-"]

    code, _, err = setup(folder, "exchange", "--url", "http://127.0.0.1:1/EWS/Exchange.asmx", *where, typed="p")

    assert code == 2
    assert err[-1] == (
        "Error: exchange.url is given by variable RAINBOW_EXCHANGE_EXCHANGE__URL, which stands above what is kept from"
        " here; change it there."
    )
    assert mine.stored == {}


def test_a_proxy_is_taken_back_without_a_trial(folder: Path, mine: MemoryKeyring) -> None:
    mine.set_password("rainbow-exchange", "rainbow.proxy_password", "p")

    code, out, _ = setup(folder, "proxy", "--none")

    assert (code, out[-1]) == (0, "It counts when the service starts.")
    assert mine.stored == {}


@pytest.mark.processes
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal to type at")
def test_at_a_terminal_it_asks_with_what_counts_and_is_interrupted(folder: Path, lab: Lab, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    side, ring = lab.addresses["exchange"], tmp_path / "ring"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    environment |= {
        "PYTHON_KEYRING_BACKEND": "tests.keyrings.FileKeyring",
        "TEST_KEYRING": str(ring),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def at_terminal(*answers: tuple[str, str]) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        command = [
            sys.executable,
            "-m",
            "rainbow_exchange",
            "setup",
            "exchange",
            "--config",
            str(folder / "config.toml"),
        ]
        process = subprocess.Popen(  # noqa: S603 (our own command)
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        shown = ""
        for question, answer in answers:
            while question not in shown.rpartition("\n")[2]:
                more = read(ours).decode()
                assert more, shown
                shown += more
            if answer == "^C":
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer.encode() + b"\n")
        while more := read(ours).decode():
            shown += more
        os.close(ours)
        return process.wait(SECONDS), shown

    where = ("EWS address of Exchange: ", side["url"])
    account = ("Service account: ", side["username"])
    code, shown = at_terminal(where, account, ("Password of the service account: ", "^C"))
    assert (code, made(folder), ring.exists()) == (130, {}, False)
    assert "Interrupted." in shown
    assert "Traceback" not in shown

    typed = ("Password of the service account: ", side["password"])
    code, shown = at_terminal(where, account, typed, ("(Enter: none): ", address(lab)))
    assert code == 0, shown
    assert side["password"] not in shown
    assert "pass  stream " in shown
    kept = made(folder)
    code, shown = at_terminal(
        (f"EWS address of Exchange [{side['url']}]: ", ""),
        (f"Service account [{side['username']}]: ", ""),
        ("(Enter: the one that is kept): ", ""),
        ("(Enter: none): ", ""),
    )
    assert (code, made(folder)) == (0, kept)
    assert "pass  exchange-authentication" in shown
