"""Each origin of settings by itself: what it gives, how it names itself, what is wrong with it."""

from pathlib import Path

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import Environment, Overrides, SettingsFile, variable, without_effect

KNOWN = ("exchange.url", "rainbow.app_id")


def test_a_variable_has_two_underscores_between_the_levels() -> None:
    assert variable("rainbow.app_id") == "RAINBOW_EXCHANGE_RAINBOW__APP_ID"


def test_the_environment_gives_what_is_ours_and_not_empty() -> None:
    environ = {
        "RAINBOW_EXCHANGE_EXCHANGE__URL": "https://mail.acme.test/EWS/Exchange.asmx",
        "rainbow_exchange_rainbow__app_id": "app",  # as on Windows, where case means nothing
        "RAINBOW_EXCHANGE_RAINBOW__LOGIN": "  ",
        "PATH": "/bin",
    }
    source = Environment(Settings, environ, KNOWN)
    assert source() == {
        "exchange": {"url": "https://mail.acme.test/EWS/Exchange.asmx"},
        "rainbow": {"app_id": "app"},
    }
    assert source.named("exchange.url") == "variable RAINBOW_EXCHANGE_EXCHANGE__URL"
    assert source.faults == []


def test_one_underscore_too_few_is_a_fault_that_names_the_right_variable() -> None:
    source = Environment(Settings, {"RAINBOW_EXCHANGE_EXCHANGE_URL": "x"}, KNOWN)
    assert source() == {}
    assert source.faults == [
        "RAINBOW_EXCHANGE_EXCHANGE_URL: write two underscores between the levels: RAINBOW_EXCHANGE_EXCHANGE__URL."
    ]


def test_what_is_dropped_is_gone_and_the_rest_stays() -> None:
    source = Overrides(Settings, {"exchange": {"url": "u", "username": "n"}, "web": {"port": 0}})
    source.drop("exchange", "url")
    source.drop("web")
    source.drop("log", "level")
    assert sorted(source.keys()) == ["exchange.username"]
    assert source.named("exchange.username") == "command line"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"exchange = ", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"#" * (1 << 20) + b"#", "larger than 1 MiB"),
        (b'[rainbow]\npassword = "p"\n', "a secret may not stand in"),
        (b'[exchange]\nproxy_url = "http://u:p@proxy.acme.test:8080"\n', "a secret may not stand in"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_gives_no_secret(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    source = SettingsFile(Settings, file)
    assert len(source.faults) == 1
    assert fault in source.faults[0]
    assert not list(source.keys())


def test_paths_in_a_file_begin_at_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[log]\nfile = "logs/x.log"\n[state]\npath = "/var/lib/x"\n', encoding="utf-8")
    source = SettingsFile(Settings, file)
    assert source()["log"]["file"] == tmp_path / "logs" / "x.log"
    assert source()["state"]["path"] == Path("/var/lib/x")


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    source = SettingsFile(Settings, tmp_path / "nowhere.toml")
    assert source.faults[0].startswith(f"{tmp_path / 'nowhere.toml'} cannot be read (")


def test_variables_that_set_nothing_are_named_with_what_they_may_be_meant_to_be() -> None:
    environ = {
        "RAINBOW_EXCHANGE_EXCHANGE_URLL": "x",
        "Rainbow_Exchange_Confg": "x",
        "RAINBOW_EXCHANGE_WHATEVER": "x",
        "RAINBOW_EXCHANGE_CONFIG": "x",
        "RAINBOW_EXCHANGE_EXCHANGE__URL": "x",
        "RAINBOW_EXCHANGE_EXCHANGE_URL": "a fault already",
        "RAINBOW_EXCHANGE_EMPTY": " ",
        "PATH": "x",
    }

    assert without_effect(environ, ["exchange.url", "exchange.username"]) == [
        "RAINBOW_EXCHANGE_EXCHANGE_URLL has no effect; did you mean RAINBOW_EXCHANGE_EXCHANGE__URL?",
        "Rainbow_Exchange_Confg has no effect; did you mean RAINBOW_EXCHANGE_CONFIG?",
        "RAINBOW_EXCHANGE_WHATEVER has no effect; it is no setting.",
    ]
