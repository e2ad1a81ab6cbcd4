"""Who signs in to Exchange, by what is configured; and what is missing otherwise."""

from typing import Any

import pytest

from rainbow_exchange import config
from rainbow_exchange.config import ExchangeSettings, Settings
from rainbow_exchange.config import accounts as config_accounts
from rainbow_exchange.config.accounts import ExchangeAccount, accounts, missing_credentials, token_parameters
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError

TOKENS = "https://adfs.acme.test/adfs/oauth2/token"


def exchange(**values: Any) -> ExchangeSettings:
    return ExchangeSettings(**values)


def secrets(**values: str) -> Secrets:
    return Secrets(**{f"exchange_{name}": value for name, value in values.items()})


@pytest.fixture
def kerberos(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say whether Kerberos is installed."""

    def installed(found: bool) -> None:
        monkeypatch.setattr("rainbow_exchange.ews.kerberos.find_spec", lambda _: object() if found else None)

    return installed


def test_client_id_and_secret_without_a_user_name_are_user_name_and_password() -> None:
    settings = exchange(client_id="ACME\\admin")
    assert missing_credentials(settings, secrets()) == ["exchange.client_secret"]
    [account] = accounts(settings, secrets(client_secret="s"))
    assert (account.kind, account.username, account.password) == ("password", "ACME\\admin", "s")
    assert account.name == "ACME\\admin (client id, taken as user name)"


def test_client_id_and_secret_with_a_token_address_are_oauths() -> None:
    settings = exchange(client_id="app", token_url=TOKENS)
    assert missing_credentials(settings, secrets()) == ["exchange.client_secret"]
    [account] = accounts(settings, secrets(client_secret="s"))
    assert (account.kind, account.client_id, account.client_secret) == ("token", "app", "s")
    assert (account.username, account.password) == (None, None)
    assert account.name == "client app (token from adfs.acme.test)"


def test_a_user_name_goes_before_the_client_id() -> None:
    [account] = accounts(exchange(client_id="admin", username="svc"), secrets(password="p", client_secret="s"))
    assert account == ExchangeAccount(
        kind="password", name="svc", username="svc", password="p", setting="exchange.password"
    )


def test_the_second_account_comes_second_and_needs_its_password() -> None:
    settings = exchange(username="svc", fallback_username="other")
    assert missing_credentials(settings, secrets(password="p")) == ["exchange.fallback_password"]
    found = accounts(settings, secrets(password="p", fallback_password="q"))
    assert [(account.username, account.password) for account in found] == [("svc", "p"), ("other", "q")]
    assert [account.setting for account in found] == ["exchange.password", "exchange.fallback_password"]


def test_negotiate_without_a_password_is_a_ticket_where_kerberos_is_installed(kerberos: Any) -> None:
    kerberos(found=True)
    [account] = accounts(exchange(auth="negotiate"), secrets())
    assert (account.kind, account.username, account.password) == ("ticket", None, None)
    [account] = accounts(exchange(auth="negotiate", username="svc@ACME.TEST"), secrets())
    assert (account.kind, account.username) == ("ticket", "svc@ACME.TEST")
    kerberos(found=False)
    [missing] = missing_credentials(exchange(auth="negotiate"), secrets())
    assert "exchange.password" in missing
    assert "rainbow-exchange[kerberos]" in missing


def test_on_windows_nothing_at_all_is_the_services_own_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_accounts, "by_system", lambda: True)
    for auth in ("auto", "negotiate", "ntlm"):
        [account] = accounts(exchange(auth=auth), secrets())
        assert (account.kind, account.username) == ("ticket", None)
    assert missing_credentials(exchange(auth="basic"), secrets()) == ["exchange.username", "exchange.password"]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, ["exchange.username", "exchange.password"]),
        ({"username": "svc"}, ["exchange.password"]),
        ({"auth": "ntlm"}, ["exchange.username", "exchange.password"]),
        ({"auth": "bearer"}, ["exchange.token_url", "exchange.client_id", "exchange.client_secret"]),
        ({"token_url": TOKENS}, ["exchange.client_id", "exchange.client_secret"]),
    ],
)
def test_what_is_missing_is_named(values: dict[str, Any], missing: list[str]) -> None:
    assert missing_credentials(exchange(**values), secrets()) == missing
    assert accounts(exchange(**values), secrets()) == []
    asked = config.missing(Settings(exchange=exchange(**values)), secrets())
    assert asked[: len(missing)] == missing


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"auth": "ntlm", "token_url": TOKENS}, "exchange.token_url has no effect with exchange.auth ntlm"),
        ({"auth": "basic", "username": "acme:svc"}, "exchange.username holds a colon"),
        ({"auth": "basic", "fallback_username": "acme:svc"}, "exchange.fallback_username holds a colon"),
        ({"auth": "basic", "client_id": "urn:app"}, "exchange.client_id holds a colon"),
        ({"token_url": "http://adfs.acme.test/token"}, "would send credentials unencrypted"),
    ],
)
def test_what_does_not_go_together_is_a_fault(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        config.load(None, {"exchange": values}, look_in_default_folder=False)


def test_schemes_are_taken_in_any_case() -> None:
    assert config.load(None, {"exchange": {"auth": "NTLM"}}, look_in_default_folder=False).exchange.auth == "ntlm"


@pytest.mark.parametrize(
    ("token_url", "scope", "resource", "expected"),
    [
        (TOKENS, None, None, {"resource": "https://mail.acme.test/"}),
        ("https://login.acme.test/t/oauth2/v2.0/token", None, None, {"scope": "https://mail.acme.test/.default"}),
        (TOKENS, "ews", None, {"scope": "ews"}),
        (TOKENS, None, "urn:ews", {"resource": "urn:ews"}),
        (TOKENS, "ews", "urn:ews", {"scope": "ews", "resource": "urn:ews"}),
    ],
)
def test_a_token_is_asked_for_exchange_unless_told_otherwise(
    token_url: str, scope: str | None, resource: str | None, expected: dict[str, str]
) -> None:
    url = "https://mail.acme.test/EWS/Exchange.asmx"
    assert token_parameters(url, token_url, scope=scope, resource=resource) == expected


def test_no_representation_shows_a_secret() -> None:
    found = accounts(
        exchange(client_id="a", token_url=TOKENS, username="u"), secrets(client_secret="s3", password="p4")
    )
    assert "s3" not in repr(found)
    assert "p4" not in repr(found)
