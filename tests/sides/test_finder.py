"""Who may be told the Exchange password, by what this machine's own settings say."""

from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.ews.auth import BasicAuth, BearerAuth
from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.discovery.ask_first import AskFirst
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.sides.finder import hesitant, trusted


def settings(*, bridge: dict[str, Any] | None = None, login: str | None = None, **exchange: Any) -> Settings:
    return Settings.model_validate({"exchange": exchange, "rainbow": {"login": login}, "bridge": bridge or {}})


@pytest.mark.parametrize(
    ("given", "domains"),
    [
        (settings(username="ACME\\svc"), set()),
        (settings(username="svc@acme.com"), {"acme.com"}),
        (settings(username="ACME\\svc", login="connector@Acme.com"), {"acme.com"}),
        (
            settings(bridge={"domains": ["acme.com", "acme.fr"]}, login="x@acme.net"),
            {"acme.com", "acme.fr", "acme.net"},
        ),
    ],
)
def test_domains_are_confirmed_by_the_settings_alone(given: Settings, domains: set[str]) -> None:
    assert trusted(given).domains == domains


def test_hosts_are_those_allowed_and_the_autodiscover_that_is_named() -> None:
    given = settings(
        allowed_hosts=["mail.hoster.net"], autodiscover_url="https://ad.hoster.net/autodiscover/autodiscover.svc"
    )
    assert trusted(given).allowed_hosts == {"mail.hoster.net", "ad.hoster.net"}


def test_what_names_the_credentials_at_once_is_made_to_wait() -> None:
    for scheme in (BasicAuth("ada", "secret"), BearerAuth()):
        assert isinstance(hesitant(Login(auth=scheme)).auth, AskFirst)
    asking = Login(auth=AutoAuth(username="ada", password="secret", host="acme.com"))
    assert hesitant(asking) is asking
