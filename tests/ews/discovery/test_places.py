import pytest

from rainbow_exchange.ews.discovery.places import (
    Place,
    Ports,
    domain_of,
    host_of,
    place_at,
    place_by_record,
    redirecting,
    standard_places,
    trust,
)


def test_the_places_of_a_domain_in_their_order() -> None:
    assert standard_places("acme.com", Ports()) == (
        Place(
            soap="https://acme.com/autodiscover/autodiscover.svc", pox="https://acme.com/autodiscover/autodiscover.xml"
        ),
        Place(
            soap="https://autodiscover.acme.com/autodiscover/autodiscover.svc",
            pox="https://autodiscover.acme.com/autodiscover/autodiscover.xml",
        ),
    )
    assert redirecting("acme.com", Ports()) == "http://autodiscover.acme.com/autodiscover/autodiscover.xml"
    assert place_by_record("Mail.acme.com.", 443).pox == "https://mail.acme.com/autodiscover/autodiscover.xml"
    assert place_by_record("mail.acme.com", 8443).pox == "https://mail.acme.com:8443/autodiscover/autodiscover.xml"


@pytest.mark.parametrize(
    ("url", "soap"),
    [
        ("https://a.test/Autodiscover/Autodiscover.xml?x=1", "https://a.test/Autodiscover/autodiscover.svc"),
        ("https://a.test:444/deep/er/autodiscover.svc", "https://a.test:444/deep/er/autodiscover.svc"),
        ("https://a.test", "https://a.test/autodiscover/autodiscover.svc"),
        ("https://a.test/elsewhere.aspx", "https://a.test/autodiscover/autodiscover.svc"),
    ],
)
def test_either_form_has_its_address_beside_the_other(url: str, soap: str) -> None:
    place = place_at(url)
    assert place == Place(soap=soap, pox=soap.removesuffix("svc") + "xml")


def test_hosts_and_domains() -> None:
    assert host_of("https://MAIL.acme.com./x") == "mail.acme.com"
    assert host_of("https://[bad/") == ""
    assert host_of("/relative") == ""
    assert domain_of("Ada@ACME.com") == "acme.com"
    assert (domain_of("ACME\\ada"), domain_of("@acme.com"), domain_of("ada@")) == ("", "", "")


def test_autodiscover_is_asked_at_the_standard_hosts_and_those_allowed() -> None:
    rule = trust({"acme.com"}, ("Autodiscover.Hoster.net",))
    asked = ("acme.com", "autodiscover.acme.com", "autodiscover.hoster.net")
    assert all(rule.asks(host) for host in asked)
    others = ("mail.acme.com", "hoster.net", "evil-acme.com", "autodiscover.acme.com.evil.net", "")
    assert not any(rule.asks(host) for host in others)


def test_ews_may_be_on_any_host_of_the_company() -> None:
    rule = trust({"acme.com"}, ("ews.hoster.net",))
    assert all(rule.serves(host) for host in ("mail.acme.com", "a.b.acme.com", "acme.com", "ews.hoster.net"))
    assert not any(rule.serves(host) for host in ("evil-acme.com", "hoster.net", "mail.hoster.net", "com"))
