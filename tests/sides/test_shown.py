"""Which settings count and where each comes from; no secret is shown, wherever it stands."""

import json
from pathlib import Path

import pytest

from rainbow_exchange import config, credentials
from rainbow_exchange.rainbow.entered import Entered, Value
from rainbow_exchange.sides.shown import shown
from rainbow_exchange.sides.wanted import Wanted


def test_each_value_has_its_origin_and_secrets_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    secret = tmp_path / "secret.txt"
    secret.write_text("hush-file", encoding="utf-8")
    file.write_text(
        '[rainbow]\nlogin = "connector@acme.test"\npassword_file = "secret.txt"\n[bridge]\ndomains = ["acme.test"]\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__APP_SECRET", "hush-variable")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__PROXY_URL", "http://me:hush-proxy@proxy.acme.test:8080")
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_URL", "http://proxy.acme.test:8080")
    settings = config.load(file)
    wanted = Wanted(settings, credentials.resolve(settings))
    values = {"username": Value("svc", "settings.company.login"), "password": Value("hush-rainbow", "customData.x")}
    wanted.take(Entered(was_read=True, switch=False, switch_path="sync", values=values))
    found = shown(wanted)
    assert "hush" not in json.dumps(found)
    assert {entry["name"]: (entry["value"], entry["origin"]) for entry in found} == {
        "bridge.domains": (["acme.test"], str(file)),
        "exchange.password": ("set", "Rainbow's administration (customData.x)"),
        "exchange.proxy_url": ("http://***@proxy.acme.test:8080", "variable RAINBOW_EXCHANGE_EXCHANGE__PROXY_URL"),
        "exchange.username": ("svc", "Rainbow's administration (settings.company.login)"),
        "rainbow.app_secret": ("set", "variable RAINBOW_EXCHANGE_RAINBOW__APP_SECRET"),
        "rainbow.login": ("connector@acme.test", str(file)),
        "rainbow.password": ("set", str(secret)),
        "rainbow.password_file": (str(secret), str(file)),
        "rainbow.proxy_url": ("http://proxy.acme.test:8080", "variable RAINBOW_EXCHANGE_RAINBOW__PROXY_URL"),
        "switch": ("off", "Rainbow's administration (sync)"),
    }


def test_a_proxy_whose_address_is_a_secret_is_set(tmp_path: Path) -> None:
    (tmp_path / "proxy.txt").write_text("http://me:hush@proxy.acme.test:8080", encoding="utf-8")
    settings = config.load(None, {"rainbow": {"proxy_url_file": tmp_path / "proxy.txt"}}, look_in_default_folder=False)
    found = shown(Wanted(settings, credentials.resolve(settings)))

    assert {"name": "rainbow.proxy_url", "value": "set", "origin": str(tmp_path / "proxy.txt")} in found
    assert "hush" not in json.dumps(found)


def test_a_switch_that_was_read_by_an_earlier_run(tmp_path: Path) -> None:
    wanted = Wanted(
        config.load(None, {"state": {"path": tmp_path}}, look_in_default_folder=False), credentials.Secrets()
    )
    assert {"name": "switch", "value": "on", "origin": "default"} in shown(wanted)
    wanted.take(Entered(switch=False))
    assert {"name": "switch", "value": "off", "origin": "Rainbow's administration, read earlier"} in shown(wanted)
