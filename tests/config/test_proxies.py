"""Which proxy leads to which side: settings, variables, and who goes past."""

from collections.abc import Mapping

import pytest
import structlog
from structlog.testing import capture_logs

from rainbow_exchange.config import ExchangeSettings, RainbowSettings, Settings
from rainbow_exchange.config.proxies import exchange_proxy, rainbow_proxy
from rainbow_exchange.credentials import Secrets

MAIL = "https://mail.acme.test/EWS/Exchange.asmx"
OWN = "http://proxy.acme.test:8080"


@pytest.mark.parametrize(
    ("environ", "url", "origin"),
    [
        ({}, None, ""),
        ({"HTTPS_PROXY": "http://other:3128"}, "http://other:3128", "HTTPS_PROXY"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://high:1"}, "http://low:1", "https_proxy"),
        ({"HTTPS_PROXY": "other:3128"}, "http://other:3128", "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://joe:pw@other:3128/"}, "http://joe:pw@other:3128", "HTTPS_PROXY"),
        ({"HTTPS_PROXY": " "}, None, ""),
        ({"HTTP_PROXY": "http://other:3128", "ALL_PROXY": "http://other:3128"}, None, ""),
        ({"HTTPS_PROXY": "http://other:3128", "NO_PROXY": ".openrainbow.com,openrainbow.com"}, None, ""),
        ({"HTTPS_PROXY": "http://other:3128", "no_proxy": "*"}, None, ""),
    ],
)
def test_rainbow_takes_the_variable_that_other_programs_take(
    environ: Mapping[str, str], url: str | None, origin: str
) -> None:
    chosen = rainbow_proxy(Settings(), Secrets(), environ)
    assert (chosen.url, chosen.origin) == (url, origin)


@pytest.mark.parametrize("value", ["socks5://other:1080", "http://", "http://other:port"])
def test_a_variable_that_is_no_http_proxy_is_said_and_not_used(value: str) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        chosen = rainbow_proxy(Settings(), Secrets(), {"HTTPS_PROXY": value})
    assert chosen.url is None
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("environment_proxy_unusable", "warning")]


def test_the_setting_comes_before_the_variable_and_keeps_its_account() -> None:
    settings = Settings(rainbow=RainbowSettings(proxy_url=OWN, proxy_username="joe"))
    chosen = rainbow_proxy(settings, Secrets(rainbow_proxy_password="pw"), {"HTTPS_PROXY": "http://other:3128"})
    assert (chosen.url, chosen.username, chosen.password) == (OWN, "joe", "pw")
    assert "pw" not in repr(chosen)


def test_this_machine_itself_is_not_behind_the_variables_proxy() -> None:
    settings = Settings(rainbow=RainbowSettings(url="http://127.0.0.1:8080"))
    assert rainbow_proxy(settings, Secrets(), {"HTTPS_PROXY": "http://other:3128"}).url is None


def test_exchange_is_reached_directly_unless_the_setting_says_otherwise() -> None:
    environ = {"HTTPS_PROXY": "http://other:3128", "https_proxy": "http://other:3128"}
    assert exchange_proxy(Settings(), Secrets(), MAIL, environ).url is None
    told = Settings(exchange=ExchangeSettings(proxy_url=OWN))
    assert exchange_proxy(told, Secrets(), MAIL, environ).url == OWN
    secret = Secrets(exchange_proxy_url="http://joe:pw@proxy.acme.test:8080")
    assert exchange_proxy(told, secret, MAIL, {}).url == "http://joe:pw@proxy.acme.test:8080"


def test_no_proxy_goes_past_the_settings_proxies_too_and_no_password_is_logged() -> None:
    told = Settings(exchange=ExchangeSettings(proxy_url=OWN), rainbow=RainbowSettings(proxy_url=OWN))
    environ = {"NO_PROXY": "openrainbow.com,10.0.0.0/8"}
    structlog.reset_defaults()
    with capture_logs() as logs:
        assert rainbow_proxy(told, Secrets(), environ).url is None
        assert exchange_proxy(told, Secrets(), "https://10.1.1.1/EWS/Exchange.asmx", environ).url is None
        secret = Secrets(exchange_proxy_url="http://joe:hunter2@proxy.acme.test:8080")
        assert exchange_proxy(told, secret, MAIL, environ).url == "http://joe:hunter2@proxy.acme.test:8080"
    assert [(entry["event"], entry["host"]) for entry in logs] == [
        ("proxy_not_used", "openrainbow.com"),
        ("proxy_not_used", "10.1.1.1"),
        ("proxy_used", "mail.acme.test"),
    ]
    assert "hunter2" not in str(logs)
