"""Which value counts, and that nothing of this machine goes to a host that only Rainbow names."""

from typing import Any

import pytest

from rainbow_exchange.config import ExchangeSettings, Settings
from rainbow_exchange.config import accounts as config_accounts
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.entered import Entered, Value
from rainbow_exchange.sides.combined import Combined, combine

THERE = "https://mail.acme.test/EWS/Exchange.asmx"
HERE = "https://here.acme.test/EWS/Exchange.asmx"
ACCOUNT = {"username": "theirs", "password": "their-secret"}
CLIENT = {"client_id": "their-id", "client_secret": "their-client-secret"}


def combined(here: dict[str, Any], secrets: dict[str, str], /, **entered: str) -> Combined:
    values = {name: Value(value, f"settings.company.{name}") for name, value in entered.items()}
    return combine(
        Settings(exchange=ExchangeSettings(**here)),
        Secrets(**{f"exchange_{name}": value for name, value in secrets.items()}),
        Entered(was_read=True, values=values),
    )


def counts(found: Combined) -> dict[str, str]:
    exchange, secrets = found.settings.exchange, found.secrets
    values = {
        "url": exchange.url,
        "username": exchange.username,
        "password": secrets.exchange_password,
        "client_id": exchange.client_id,
        "client_secret": secrets.exchange_client_secret,
        "fallback_username": exchange.fallback_username,
        "fallback_password": secrets.exchange_fallback_password,
    }
    return {name: value for name, value in values.items() if value is not None}


def test_rainbow_gives_all_where_this_machine_gives_nothing() -> None:
    found = combined({}, {}, url=THERE, **ACCOUNT, **CLIENT)
    assert counts(found) == {"url": THERE, **ACCOUNT, **CLIENT}
    assert (found.unconfirmed, found.left_out) == ("", ())
    assert found.origins["exchange.password"] == "Rainbow's administration (settings.company.password)"
    assert found.settings.origin("exchange.url") == "Rainbow's administration (settings.company.url)"
    assert "their" not in repr(found.secrets)


def test_this_machine_wins_and_it_is_said() -> None:
    found = combined({"url": HERE, "username": "ours"}, {"password": "our-secret"}, url=THERE, **ACCOUNT)
    assert counts(found) == {"url": HERE, "username": "ours", "password": "our-secret"}
    assert found.origins == {}
    assert len(found.left_out) == 2


def test_an_account_of_rainbow_signs_in_at_the_endpoint_of_this_machine() -> None:
    found = combined({"url": HERE}, {}, url=THERE, **ACCOUNT)
    assert counts(found) == {"url": HERE, **ACCOUNT}
    assert found.unconfirmed == ""


@pytest.mark.parametrize(
    ("here", "secrets"),
    [
        ({"username": "ours"}, {"password": "our-secret"}),
        ({"client_id": "ours"}, {"client_secret": "our-secret"}),
        (
            {"client_id": "ours", "token_url": "https://adfs.acme.test/adfs/oauth2/token"},
            {"client_secret": "our-secret"},
        ),
        (
            {"username": "ours", "fallback_username": "second"},
            {"password": "our-secret", "fallback_password": "second-secret"},
        ),
    ],
)
def test_an_account_of_this_machine_is_not_told_to_a_host_that_only_rainbow_names(
    here: dict[str, Any], secrets: dict[str, str]
) -> None:
    assert combined(here, secrets, url=THERE, **ACCOUNT).unconfirmed == "mail.acme.test"
    assert combined(here, secrets, url=THERE).unconfirmed == "mail.acme.test"
    elsewhere = here | {"allowed_hosts": ["other.acme.test"]}
    assert combined(elsewhere, secrets, url=THERE).unconfirmed == "mail.acme.test"

    confirmed = combined(here | {"allowed_hosts": ["mail.acme.test"]}, secrets, url=THERE)
    assert confirmed.unconfirmed == ""
    assert counts(confirmed)["url"] == THERE
    assert "our-secret" in counts(confirmed).values()


@pytest.mark.parametrize("scheme", ["auto", "negotiate", "ntlm"])
def test_nor_is_the_identity_that_the_service_runs_as(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(config_accounts, "by_system", lambda: True)
    assert combined({"auth": scheme}, {}, url=THERE).unconfirmed == "mail.acme.test"
    assert combined({"auth": scheme, "allowed_hosts": ["mail.acme.test"]}, {}, url=THERE).unconfirmed == ""
    theirs = combined({"auth": scheme}, {}, url=THERE, **ACCOUNT)
    assert (theirs.unconfirmed, counts(theirs)) == ("", {"url": THERE, **ACCOUNT})


@pytest.mark.parametrize("entered", [{"url": THERE}, {}])
def test_the_second_account_stays_here_where_rainbow_says_who_or_where(entered: dict[str, str]) -> None:
    second: tuple[dict[str, Any], dict[str, str]] = (
        {"fallback_username": "second"},
        {"fallback_password": "second-secret"},
    )
    found = combined(*second, **entered, **ACCOUNT)
    assert counts(found) == {**entered, **ACCOUNT}
    assert "exchange.fallback_username is not used" in found.left_out[0]

    at_home = combined({"url": HERE} | second[0], second[1], **entered, **ACCOUNT)
    assert counts(at_home) == {
        "url": HERE,
        "fallback_username": "second",
        "fallback_password": "second-secret",
        **ACCOUNT,
    }


@pytest.mark.parametrize(("half", "absent"), [("username", "password"), ("client_secret", "client_id")])
def test_half_an_account_is_not_used(half: str, absent: str) -> None:
    found = combined({"url": HERE}, {}, **{half: "theirs"})
    assert counts(found) == {"url": HERE}
    assert found.left_out == (
        f"Rainbow's administration gives exchange.{half} without exchange.{absent}; it is not used.",
    )


def test_half_an_account_of_this_machine_is_not_made_whole() -> None:
    assert counts(combined({"url": HERE, "username": "ours"}, {}, **ACCOUNT)) == {"url": HERE, "username": "ours"}


def test_an_autodiscover_of_this_machine_says_where_exchange_is() -> None:
    found = combined({"autodiscover_url": "https://ad.acme.test/autodiscover.svc"}, {}, url=THERE, **ACCOUNT)
    assert "url" not in counts(found)
