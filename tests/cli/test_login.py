import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.main import commands
from rainbow_exchange.state import made
from rainbow_exchange.state.store import Store
from tests.cli.rainbow_thread import Rainbow, rainbow_in_a_thread
from tests.cli.test_run import SECONDS, read, running
from tests.keyrings import in_memory

CONFIG = '[rainbow]\npassword_file = "kept-password"\napp_secret_file = "kept-secret"\n'


@pytest.fixture
def rainbow(tmp_path: Path) -> Iterator[Rainbow]:
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "config.toml").write_text(f"{CONFIG}[web]\nport = 0\n")
    with rainbow_in_a_thread(folder) as rainbow:
        yield rainbow


def command(rainbow: Rainbow, name: str, *arguments: str, typed: str = "") -> tuple[int, list[str], list[str]]:
    result = CliRunner().invoke(
        commands, [name, "--config", str(rainbow.folder / "config.toml"), *arguments], input=typed
    )
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def login(rainbow: Rainbow, *arguments: str) -> tuple[int, list[str], list[str]]:
    return command(rainbow, "login", *rainbow.options(), "--url", rainbow.url, *arguments)


def test_piped_it_prints_a_plain_line_for_each_step(rainbow: Rainbow) -> None:
    code, out, err = login(rainbow)

    assert (code, err) == (0, [])
    password = (rainbow.folder / "kept-password").read_text()
    assert password.startswith("Gen-")
    assert (rainbow.folder / "kept-secret").read_text() == "appsecret1"
    connector = out[3].removeprefix("Activated the connector ").removesuffix(".")
    assert out[:3] == [
        "connector@acme.test signs in with a password.",
        "Signed in to Rainbow as connector@acme.test.",
        "Company Acme (5f00000000000000000000c1).",
    ]
    assert out[4].startswith("Kept its credentials: rainbow.password in ")
    assert out[5:7] == [
        "Signed in as the connector; it may list the users.",
        f"The connector runs as {connector} (company 5f00000000000000000000c1).",
    ]
    assert "start the service and call this again" in out[7]
    assert password not in "".join(out)

    code, out, _ = login(rainbow)
    assert (code, out[2]) == (0, f"The connector that was made here works: {connector}.")


def test_the_next_login_knows_server_company_and_application(rainbow: Rainbow) -> None:
    assert login(rainbow)[0] == 0
    words = rainbow.options()

    code, out, _ = command(rainbow, "login", *words[:4])  # the login and its password

    assert code == 0
    assert out[-2].startswith("The connector runs as ldap_")


def test_without_a_terminal_everything_missing_is_named_at_once(rainbow: Rainbow) -> None:
    code, out, err = command(rainbow, "login", "--url", rainbow.url)

    assert (code, out) == (2, [])
    assert [line.partition(" is missing: ")[0] for line in err[:4]] == [
        "Error: The application id",
        "Error: The application secret",
        "Error: The login of a company administrator",
        "Error: The password",
    ]
    assert "--app-id (or RAINBOW_EXCHANGE_RAINBOW__APP_ID)" in err[0]
    assert "https://developers.openrainbow.com" in err[4]
    assert len(err) == 5
    assert rainbow.calls("") == []


def test_values_come_from_variables_as_the_settings_do(rainbow: Rainbow, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("APP_ID", "app1"), ("APP_SECRET", "appsecret1"), ("URL", rainbow.url)):
        monkeypatch.setenv(f"RAINBOW_EXCHANGE_RAINBOW__{name}", value)
    words = rainbow.options()

    code, out, _ = command(rainbow, "login", *words[:4])

    assert code == 0
    assert "rainbow.app_secret in the variable RAINBOW_EXCHANGE_RAINBOW__APP_SECRET" in out[4]
    assert not (rainbow.folder / "kept-secret").exists()


def test_as_the_account_that_the_variables_name_nothing_has_to_be_kept(
    rainbow: Rainbow, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"LOGIN": rainbow.login, "PASSWORD": "Secret#1", "APP_ID": "app1", "APP_SECRET": "appsecret1"}
    for name, value in (values | {"URL": rainbow.url}).items():
        monkeypatch.setenv(f"RAINBOW_EXCHANGE_RAINBOW__{name}", value)

    code, _, err = command(rainbow, "login")
    assert code == 2
    assert err[0].startswith("Error: rainbow.login is given by variable RAINBOW_EXCHANGE_RAINBOW__LOGIN")
    assert rainbow.calls("") == []

    code, out, _ = command(rainbow, "login", "--as-account")
    assert (code, out[3]) == (0, "connector@acme.test may list the users.")
    assert rainbow.calls("activate") == []


def test_a_connector_of_somebody_else_is_3_and_taken_over_only_with_yes(rainbow: Rainbow) -> None:
    rainbow.turn(existing_connector=True, second_activation="add")

    code, _, err = login(rainbow)
    assert code == 3
    assert "AD/LDAP connector" in err[0]
    assert err[1].startswith("Next step: ")

    assert login(rainbow, "--take-over")[0] == 3
    code, out, _ = login(rainbow, "--take-over", "--yes")
    assert code == 0
    assert any(line.endswith("Ask for a connector all the same? Yes (--yes).") for line in out)


def test_a_wrong_application_secret_is_1_and_tells_where_to_get_one(rainbow: Rainbow) -> None:
    words = rainbow.options()
    (rainbow.folder / "typed-secret").write_text("wrong")

    code, _, err = command(rainbow, "login", *words, "--url", rainbow.url)

    assert code == 1
    assert "application id or its secret is wrong" in err[0]
    assert "https://developers.openrainbow.com" in err[1]
    assert not (rainbow.folder / "kept-password").exists()


def test_asked_to_come_back_later_is_5_with_the_time(rainbow: Rainbow) -> None:
    rainbow.turn(free_activations=0, activation_delay_seconds=600)

    code, _, err = login(rainbow)

    assert code == 5
    assert "asks to wait 10 min" in err[0]
    assert "Not before 20" in err[1]


def test_a_token_comes_on_standard_input(rainbow: Rainbow) -> None:
    rainbow.turn(login_urls=[{"type": "SAML"}])
    token = rainbow.call("POST", "/lab/tokens", {})["token"]
    application = [*rainbow.options()[4:], "--url", rainbow.url]

    code, _, err = login(rainbow)
    assert code == 1
    assert "--token" in err[1]

    code, out, _ = command(rainbow, "login", "--token", *application, typed=f"{token}\n")
    assert (code, out[0]) == (0, "Signed in to Rainbow as connector@acme.test.")

    code, _, err = command(rainbow, "login", "--token", *application)
    assert (code, err[0].partition(":")[0]) == (2, "Error")


@pytest.mark.parametrize("wrong", [["--token", "--login", "a@acme.test"], ["--token", "--as-account"]])
def test_options_that_exclude_each_other_are_2(rainbow: Rainbow, wrong: list[str]) -> None:
    assert command(rainbow, "login", *wrong)[0] == 2


def test_an_address_that_is_none_is_2_with_its_option(rainbow: Rainbow) -> None:
    code, _, err = command(rainbow, "login", *rainbow.options(), "--url", "http://rainbow.acme.test")

    assert (code, err[0].partition(" would")[0]) == (2, "Error: --url")


def test_for_a_script_there_is_one_line_of_json(rainbow: Rainbow) -> None:
    code, out, err = login(rainbow, "--json")

    assert code == 0
    answer = json.loads(out[0])
    assert answer.pop("schema_version") == 1
    assert list(answer) == ["login", "company_id", "connector_id", "kept", "remark", "in_use"]
    assert (answer["company_id"], answer["in_use"], len(out)) == ("5f00000000000000000000c1", False, 1)
    assert err[0] == "connector@acme.test signs in with a password."


@pytest.mark.skipif(sys.platform == "win32", reason="a file's owner is told by its number")
def test_another_account_s_folder_is_refused_before_anything(rainbow: Rainbow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    code, _, err = login(rainbow)

    assert code == 2
    assert f"{rainbow.folder} belongs to " in err[0]
    assert "Start the service first" in err[0]
    assert rainbow.calls("") == []


def test_logout_takes_it_back_by_an_administrator_where_the_connector_may_not(rainbow: Rainbow) -> None:
    assert command(rainbow, "logout") == (0, ["There is nothing to take back: login made nothing here."], [])
    login(rainbow)

    code, _, err = command(rainbow, "logout")
    assert code == 1
    assert "could not delete itself at Rainbow: HTTP 403" in err[0]
    assert "--local" in err[1]
    assert (rainbow.folder / "kept-password").exists()

    code, out, _ = command(rainbow, "logout", *rainbow.options())
    assert code == 0
    assert out[-1] == "Forgotten on this machine: login, company, application and their secrets."
    assert not (rainbow.folder / "kept-password").exists()
    assert not (rainbow.folder / "kept-secret").exists()
    assert [call for call in rainbow.calls("connectors/ldaps/5f") if call.endswith("200")] == ["DELETE 200"]
    assert command(rainbow, "logout")[1] == ["There is nothing to take back: login made nothing here."]


def test_logout_by_the_connector_itself(rainbow: Rainbow) -> None:
    rainbow.turn(connector_deletes_itself=True)
    login(rainbow)

    assert command(rainbow, "logout")[0] == 0
    assert rainbow.calls("connectors/ldaps/5f") == ["DELETE 200"]


def test_logout_of_this_machine_only_asks_nothing_of_rainbow(rainbow: Rainbow) -> None:
    login(rainbow)
    before = rainbow.calls("")

    code, out, _ = command(rainbow, "logout", "--local")

    assert code == 0
    assert "is still at Rainbow" in out[-1]
    assert rainbow.calls("") == before


def test_what_was_taken_over_stays_at_rainbow(rainbow: Rainbow) -> None:
    rainbow.turn(existing_connector=True, second_activation="renew")
    assert login(rainbow, "--take-over", "--yes")[0] == 0

    code, out, _ = command(rainbow, "logout")

    assert code == 0
    assert "it stays at Rainbow" in out[0]
    assert rainbow.calls("connectors/ldaps/5f") == []


def test_the_running_service_keeps_it_in_its_own_keyring_uses_it_and_lets_it_go(
    rainbow: Rainbow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An administrator's keyring is not the service's: what was kept there the service cannot read, and says so."""
    (rainbow.folder / "config.toml").write_text("[web]\nport = 0\n")
    ring = tmp_path / "keyring-of-the-service"
    monkeypatch.setenv("TEST_KEYRING", str(ring))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with in_memory() as mine:
        assert login(rainbow)[0] == 0
        assert {key for _, key in mine.stored} == {"rainbow.password", "rainbow.app_secret"}
        before = dict(mine.stored)
        arguments = ("--config", str(rainbow.folder / "config.toml"))
        own = "tests.keyrings.FileKeyring"
        with running(*arguments, folder=rainbow.folder, keyring=own, stderr=subprocess.DEVNULL) as process:
            assert missing(rainbow.folder) == ["rainbow.password", "rainbow.app_secret"]

            code, out, _ = login(rainbow)
            assert code == 0
            assert any("its credentials are not kept here any more; it is made anew" in line for line in out)
            assert "The running service uses it from now on; see rainbow-exchange status." in out
            assert out[-1].startswith("This machine's settings lack exchange.username, exchange.password: ")
            reached(rainbow.folder, "connected")
            assert missing(rainbow.folder) == []
            kept = {key: secret for _, key, secret in json.loads(ring.read_text())}
            assert kept["rainbow.password"].startswith("Gen-")
            assert mine.stored == before

            code, out, _ = command(rainbow, "logout", *rainbow.options())
            assert (code, out[-1]) == (0, "The running service does not use it any more.")
            reached(rainbow.folder, "unconfigured")
            assert missing(rainbow.folder) == [
                "rainbow.login",
                "rainbow.password",
                "rainbow.app_id",
                "rainbow.app_secret",
            ]
            assert json.loads(ring.read_text()) == []
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0


def missing(folder: Path) -> list[str]:
    """Name the settings of Rainbow that the running daemon says it waits for."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            problems = local_api.ask(folder, "/api/status")["problems"]
        except local_api.NoAnswerError:
            problems = []
        for problem in problems:
            if problem["id"] == "settings-missing":
                return re.findall(r"rainbow\.\w+", problem["text"])
        assert time.monotonic() < end
        time.sleep(0.05)


def reached(folder: Path, state: str) -> None:
    end = time.monotonic() + SECONDS
    while local_api.ask(folder, "/api/status")["rainbow"]["state"] != state:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal to type at")
def test_at_a_terminal_it_asks_waits_and_is_interrupted(rainbow: Rainbow) -> None:
    pty = pytest.importorskip("pty")
    rainbow.turn(refuse_next=1, refuse_path="activate", refuse_retry_after=90)
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
    config = str(rainbow.folder / "config.toml")
    command = [sys.executable, "-m", "rainbow_exchange", "login", "--config", config, "--url", rainbow.url]
    # whoever ignores Ctrl-C, as what runs in the background of a script does, hands that on
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 (our own command)
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    signal.signal(signal.SIGINT, before)
    os.close(theirs)
    shown = ""
    for question, answer in (
        ("Application id: ", "app1"),
        ("Application secret: ", "appsecret1"),
        ("Login of a company administrator: ", "connector@acme.test"),
        ("Password of connector@acme.test: ", "Secret#1"),
        ("s left (Ctrl-C ends it) ...", ""),
    ):
        while question not in shown:
            more = read(ours).decode()
            assert more, shown
            shown += more
        os.write(ours, answer.encode() + b"\n" * bool(answer))
    process.send_signal(signal.SIGINT)
    while more := read(ours).decode():
        shown += more
    code = process.wait(SECONDS)
    os.close(ours)

    assert code == 130
    assert "Activating the connector at Rainbow ..." in shown
    assert "Interrupted." in shown
    assert "Traceback" not in shown
    assert shown.count("appsecret1") == shown.count("Secret#1") == 0
    assert "https://developers.openrainbow.com" in shown


@pytest.mark.parametrize("who", [None, "me"])
def test_the_proxy_that_was_set_up_is_used(rainbow: Rainbow, who: str | None) -> None:
    store = Store.open(rainbow.folder / "state.db")
    values = {"rainbow.proxy_url": "http://127.0.0.1:1", "rainbow.proxy_username": who}
    made.keep(store, values, by="setup", at=datetime.now(UTC))
    store.close()

    code, _, err = login(rainbow)

    if who is None:
        assert (code, "127.0.0.1:1" in err[0]) == (1, True)
    else:
        assert (code, "The password of me at the proxy to Rainbow is missing" in err[0]) == (2, True)
    assert rainbow.calls("") == []


def test_the_proxy_of_the_settings_is_used(rainbow: Rainbow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_URL", "http://127.0.0.1:1")

    code, _, err = login(rainbow)

    assert code == 1
    assert "proxy" in err[0]
    assert "127.0.0.1:1" in err[0]
    assert "rainbow.proxy_url" in err[1]
    assert rainbow.calls("") == []
