import json
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result

from rainbow_exchange.cli.main import commands
from tests.cli.conftest import Page

FILE = """\
[exchange]
url = "https://mail.acme.test/EWS/Exchange.asmx"
password_file = "secret.txt"

[bridge]
privacy = "full"
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["config", *arguments])


def entries(*arguments: str) -> dict[str, dict[str, Any]]:
    result = run("show", "--json", *arguments)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1), result.output
    answer = json.loads(result.stdout)
    assert answer["schema_version"] == 1
    return {entry["name"]: entry for entry in answer["settings"]}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file whose secret's file is there; no keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("geheim\n")
    for each in (path, tmp_path / "secret.txt"):
        each.chmod(0o600)
    return path


def test_each_value_is_shown_with_its_origin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PASSWORD", "geheim")
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_URL", "http://me:geheim@proxy.acme.test:8080")
    login = {"value": "c@acme.test", "by": "login", "at": "2026-11-26T10:00:00Z"}
    (file.parent / "made.json").write_text(json.dumps({"made_settings": json.dumps({"rainbow.login": login})}))
    found = entries("--config", str(file))

    assert [found[key] for key in ("exchange.url", "bridge.privacy")] == [
        {
            "name": "exchange.url",
            "value": "https://mail.acme.test/EWS/Exchange.asmx",
            "origin": f"{file}, line 2",
        },
        {"name": "bridge.privacy", "value": "full", "origin": f"{file}, line 6"},
    ]
    assert found["exchange.password"] == {
        "name": "exchange.password",
        "value": "set",
        "origin": str(file.parent / "secret.txt"),
    }
    assert found["rainbow.login"]["origin"] == "login of 2026-11-26"
    assert found["rainbow.password"]["value"] == "set"
    assert found["rainbow.password"]["origin"] == "variable RAINBOW_EXCHANGE_RAINBOW__PASSWORD"
    assert found["rainbow.proxy_url"]["value"] == "http://***@proxy.acme.test:8080"
    assert found["rainbow.app_secret"]["value"] == "not set"
    assert found["rainbow.app_secret"]["origin"].startswith("keyring of ")
    assert found["web.port"] == {"name": "web.port", "value": 3001, "origin": "default"}
    assert found["exchange.proxy_url"] == {"name": "exchange.proxy_url", "value": None, "origin": "default"}


def test_no_secret_is_shown_in_any_form(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE__CLIENT_SECRET", "RAINBOW__APP_SECRET", "RAINBOW__PASSWORD"):
        monkeypatch.setenv(f"RAINBOW_EXCHANGE_{name}", "geheim")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__PROXY_URL", "http://geheim:geheim@proxy.acme.test:8080")
    for arguments in (["show"], ["show", "--origin"], ["show", "--json"], ["check"], ["check", "--json"]):
        result = run(*arguments, "--config", str(file))
        assert result.exit_code == 0
        assert "geheim" not in result.output


def test_the_screen_has_a_line_for_each_value_and_the_origin_only_if_asked(file: Path) -> None:
    without, shown = run("show", "--config", str(file)), run("show", "--origin", "--config", str(file))
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()}

    assert lines["exchange.url"] == ['"https://mail.acme.test/EWS/Exchange.asmx"', f"{file},", "line", "2"]
    assert lines["rainbow.password"][:2] == ["not", "set"]
    assert "exchange.username" not in lines
    assert "bridge.privacy" in without.stdout
    assert "line 2" not in without.stdout
    assert "this account reads them" in shown.stderr
    assert "known to the running service only" in shown.stderr


def test_the_running_service_says_what_counts(page: Page) -> None:
    page.status["settings"] = [
        {"name": "switch", "value": "off", "origin": "Rainbow's administration (exchangeCalendarCustomisation)"},
        {"name": "exchange.url", "value": "https://x.test/", "origin": "Rainbow's administration (exchangeUrl)"},
        {"name": "exchange.password", "value": "set", "origin": "keyring"},
    ]
    found = entries()

    assert [found[key]["value"] for key in ("switch", "exchange.url", "exchange.password")] == [
        "off",
        "https://x.test/",
        "set",
    ]
    assert found["exchange.url"]["origin"] == "Rainbow's administration (exchangeUrl)"
    assert found["rainbow.password"] == {"name": "rainbow.password", "value": "not set", "origin": "nowhere"}
    assert found["web.port"]["value"] == 3001
    assert "As the running service" not in run("show").stdout
    assert "the running service has them" in run("show").stderr


def test_faulty_settings_are_2_unless_the_service_still_runs(page: Page, default_folder: Path, file: Path) -> None:
    file.write_text("[web]\nprot = 1\n")
    refused = run("show", "--config", str(file))
    assert (refused.exit_code, "did you mean web.port?" in refused.stderr) == (2, True)

    page.status["settings"] = []
    (default_folder / "config.toml").write_text("[web]\nprot = 1\n")
    shown = run("show")
    assert (shown.exit_code, "faults since the service read them" in shown.stderr) == (0, True)


def test_a_service_that_cannot_be_asked_is_said(page: Page) -> None:
    page.publish(nonce="x" * 64)
    shown = run("show")

    assert shown.exit_code == 0
    assert "The running service could not be asked (another program answers" in shown.stderr


def test_a_service_of_another_version_is_said(page: Page) -> None:
    page.status["schema_version"] = 2
    page.status["settings"] = []

    assert "could not be asked (the daemon is of another version" in run("show").stderr


def test_what_was_made_here_and_cannot_be_read_is_said(file: Path) -> None:
    (file.parent / "made.json").write_text("{")
    shown = run("show", "--config", str(file))

    assert shown.exit_code == 0
    assert "What login has made on this machine is not known" in shown.stderr


def test_check_names_all_faults_at_once_and_is_2(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_LOG__LEVEL", "loud")
    file.write_text(
        '[exchange]\nurl = "ftp://x"\npassword = "geheim"\nclient_secret_file = "nowhere"\n[weeb]\nport = 1\n'
        "[web]\nprot = 1\n"
    )
    result = run("check", "--json", "--config", str(file))
    found = json.loads(result.stdout)

    assert result.exit_code == 2
    assert sorted(fault.split(" ")[0].rstrip(":") for fault in found["faults"]) == [
        "exchange.client_secret_file",
        "exchange.password",
        "exchange.url",
        "log.level",
        "web.prot",
        "weeb",
    ]
    assert "geheim" not in result.output
    assert "did you mean web?" in result.output
    assert found["missing"] is None
    screen = run("check", "--config", str(file))
    assert (screen.exit_code, screen.stdout.count("\nfault    ")) == (2, 6)
    assert screen.stdout.endswith("6 faults: the service does not start with these settings.\n")


def test_check_says_what_is_missing_and_strictly_that_is_1(file: Path) -> None:
    result = run("check", "--config", str(file))

    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("missing")] == [
        "exchange.username",
        "rainbow.login",
        "rainbow.password",
        "rainbow.app_id",
        "rainbow.app_secret",
    ]
    assert run("check", "--strict", "--config", str(file)).exit_code == 1


def test_settings_that_are_complete_are_0_also_strictly(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__USERNAME", "svc")
    for name in ("LOGIN", "PASSWORD", "APP_ID", "APP_SECRET"):
        monkeypatch.setenv(f"RAINBOW_EXCHANGE_RAINBOW__{name}", "x")
    result = run("check", "--strict", "--config", str(file))

    assert result.exit_code == 0
    assert "No fault, nothing missing" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists in place of modes")
def test_check_warns_of_files_that_others_may_read_or_change(file: Path) -> None:
    (file.parent / "secret.txt").chmod(0o644)
    file.chmod(0o666)
    found = json.loads(run("check", "--json", "--config", str(file)).stdout)

    assert any(f"{file} may be changed by every account" in warning for warning in found["warnings"])
    assert any("secret.txt (mode 0644) may be read by every account" in warning for warning in found["warnings"])
    assert run("check", "--strict", "--config", str(file)).exit_code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists in place of modes")
def test_check_looks_at_the_certificate_of_the_page_and_who_may_read_its_key(file: Path) -> None:
    made = trustme.CA().issue_cert("page.acme.test")
    (file.parent / "page.pem").write_bytes(made.cert_chain_pems[0].bytes())
    (file.parent / "page.key").write_bytes(made.private_key_pem.bytes())
    (file.parent / "page.key").chmod(0o644)
    file.write_text(f'{FILE}[web]\nhost = "0.0.0.0"\ntls_certificate_file = "page.pem"\ntls_key_file = "page.key"\n')
    found = json.loads(run("check", "--json", "--config", str(file)).stdout)
    assert found["faults"] == []
    assert any("page.key (mode 0644) may be read by every account" in warning for warning in found["warnings"])

    (file.parent / "page.key").write_text("no key")
    found = json.loads(run("check", "--json", "--config", str(file)).stdout)
    assert [fault.partition(" ")[0] for fault in found["faults"]] == ["web.tls_certificate_file"]


def test_check_warns_of_a_variable_without_effect(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_WEB_PROT", "1")

    said = "warning  RAINBOW_EXCHANGE_WEB_PROT has no effect; did you mean RAINBOW_EXCHANGE_WEB__PORT?"
    assert said in run("check", "--config", str(file)).stdout.splitlines()


def test_check_warns_of_certificates_that_are_not_looked_at(file: Path) -> None:
    file.write_text("[exchange]\nverify_certificates_insecurely_off = true\n")

    assert "use exchange.ca_file instead" in run("check", "--config", str(file)).stdout


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[exchange\n", None])
def test_check_of_a_file_that_cannot_be_read_is_2(tmp_path: Path, text: bytes | None) -> None:
    file = tmp_path / "config.toml"
    if text is not None:
        file.write_bytes(text)
    result = run("check", "--config", str(file))

    assert result.exit_code == 2
    assert str(file) in result.stdout


def test_init_writes_a_private_file_that_check_lets_through(default_folder: Path) -> None:
    assert run("init").exit_code == 0
    written = default_folder / "config.toml"
    assert sys.platform == "win32" or stat.S_IMODE(written.stat().st_mode) == 0o600
    result = run("check", "--json")
    assert (result.exit_code, json.loads(result.stdout)["faults"]) == (0, [])


def test_init_writes_where_the_other_commands_read(
    default_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_CONFIG", str(tmp_path / "named.toml"))
    assert run("init").exit_code == 0
    assert run("check").exit_code == 0
    assert ((tmp_path / "named.toml").exists(), (default_folder / "config.toml").exists()) == (True, False)


def test_init_leaves_a_file_alone_that_is_there(file: Path) -> None:
    refused = run("init", str(file))
    assert (refused.exit_code, file.read_text()) == (2, FILE)
    assert "--force" in refused.stderr
    assert run("init", "--force", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("# Settings of rainbow-exchange")
    assert {each.name for each in file.parent.iterdir()} - {"default"} == {"config.toml", "secret.txt"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such owners")
def test_init_by_root_gives_the_file_to_whoever_has_the_folder(tmp_path: Path) -> None:
    if is_root := tmp_path.stat().st_uid == 0:
        shutil.chown(tmp_path, 1234, 1235)
    assert run("init", str(tmp_path / "config.toml")).exit_code == 0
    written, folder = (tmp_path / "config.toml").stat(), tmp_path.stat()

    assert (written.st_uid, stat.S_IMODE(written.st_mode)) == (1234 if is_root else folder.st_uid, 0o600)


def test_init_does_not_write_through_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "config.toml"
    link.symlink_to(tmp_path / "nowhere")

    assert run("init", str(link)).exit_code == 2
    assert not (tmp_path / "nowhere").exists()


def test_init_prints_the_same_to_standard_output(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "config.toml")).exit_code == 0
    printed = run("init", "-")

    assert printed.stdout == (tmp_path / "config.toml").read_text(encoding="utf-8")


def test_init_where_nothing_can_be_written_is_2(tmp_path: Path) -> None:
    refused = run("init", str(tmp_path / "no" / "config.toml"))

    assert refused.exit_code == 2
    assert "cannot be written (No such file or directory)" in refused.stderr
