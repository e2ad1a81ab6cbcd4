"""A secret that is kept goes to no other server than the one it was given for, unless somebody says so."""

from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.withheld import withheld

MAIL = "https://mail.acme.test/EWS/Exchange.asmx"


def settings(url: str | None = MAIL, **more: Any) -> Settings:
    groups = {"exchange": {"url": url} | more.pop("exchange", {})} | more
    return Settings.model_validate(groups)


@pytest.mark.parametrize(
    ("counts", "tried"),
    [
        (settings(), settings()),
        (settings(), settings("https://MAIL.acme.test:443/ews/exchange.asmx")),
        (settings(None), settings()),
        (settings(), settings(None)),
        (settings(), settings("https://new.acme.test/EWS", exchange={"allowed_hosts": ["new.acme.test"]})),
    ],
)
def test_where_it_goes_already_or_is_allowed_to_it_goes(counts: Settings, tried: Settings) -> None:
    assert [*withheld(counts, tried, ["exchange.password"], find_by="")] == []


@pytest.mark.parametrize(
    "url", ["https://evil.test/EWS", "https://mail.acme.test:8443/EWS", "https://x.mail.acme.test/"]
)
def test_another_server_is_not_told_it_unless_it_is_typed(url: str) -> None:
    (said,) = withheld(settings(), settings(url), ["exchange.password"])
    assert said.startswith("exchange.password is kept for mail.acme.test:443, and would be sent to ")
    assert [*withheld(settings(), settings(url), [])] == []


def test_the_secret_of_a_client_goes_to_no_other_token_endpoint() -> None:
    tokens = [{"token_url": f"https://{host}/adfs/oauth2/token"} for host in ("adfs.acme.test", "evil.test")]
    counts, tried = (settings(exchange=each) for each in tokens)

    (said,) = withheld(counts, tried, ["exchange.client_secret", "exchange.password"])
    assert said.startswith("exchange.client_secret is kept for adfs.acme.test:443, and would be sent to evil.test:443")


def test_the_password_of_a_proxy_goes_to_no_other_proxy() -> None:
    counts, tried = (
        settings(rainbow={"proxy_url": f"http://{host}:8080", "proxy_username": "svc"}) for host in ("proxy", "evil")
    )
    (said,) = withheld(counts, tried, ["rainbow.proxy_password"])
    assert said.startswith("rainbow.proxy_password is kept for proxy:8080, and would be sent to evil:8080")


@pytest.mark.parametrize(
    ("address", "number"), [("ada@acme.test", 0), ("ada@evil.test", 1), ("ada@acme.fr", 0), ("ada", 0), ("", 0)]
)
def test_autodiscover_of_another_company_is_not_told_it(address: str, number: int) -> None:
    both = settings(bridge={"domains": ["acme.fr"]})
    assert len([*withheld(both, both, ["exchange.password"], find_by=address)]) == number
    assert [*withheld(settings(None), settings(None), ["exchange.password"], find_by=address)] == []


@pytest.mark.parametrize("place", ["autodiscover_url", "token_url"])
def test_a_server_of_another_kind_than_those_named_is_not_told_it_either(place: str) -> None:
    tried = settings(exchange={place: "https://evil.test/x"})
    (said,) = withheld(settings(), tried, ["exchange.client_secret"])
    assert said.startswith("exchange.client_secret is kept for mail.acme.test:443, and would be sent to evil.test:443")
    first = settings(None, exchange={place: "https://adfs.acme.test/"})
    assert [*withheld(settings(None), first, ["exchange.client_secret"])] == []


@pytest.mark.parametrize(
    ("host", "domain", "is_told"),
    [
        ("mail.acme.com", "acme.com", True),
        ("mail.acme.com", "com", False),
        ("mail.acme.co.uk", "co.uk", False),
        ("mail.eu.acme.com", "acme.com", False),
        ("mail.eu.acme.com", "corp.acme.com", True),
        ("acme.com", "acme.com", True),
        ("acme.com", "com", False),
    ],
)
def test_a_domain_that_others_are_in_too_is_not_the_companys(host: str, domain: str, is_told: bool) -> None:
    both = settings(f"https://{host}/EWS/Exchange.asmx", exchange={"username": "svc@corp.acme.com"})
    assert len([*withheld(both, both, ["exchange.password"], find_by=f"ada@{domain}")]) == (0 if is_told else 1)


def test_what_was_found_or_taken_back_counts_where_nothing_is_named() -> None:
    tried, kept = settings("https://evil.test/EWS"), ["exchange.password"]
    (said,) = withheld(settings(None), tried, kept, found=MAIL)
    assert said.startswith("exchange.password is kept for mail.acme.test:443, and would be sent to evil.test:443")
    assert [*withheld(settings(None), settings(), kept, found=MAIL)] == []
    (said,) = withheld(settings(None), settings(None), kept, find_by="ada@evil.test", found=MAIL)
    assert "evil.test" in said
    assert [*withheld(settings("https://evil.test/EWS"), tried, kept, found=MAIL)] == []
