"""Proxies: their credentials, who goes past them, and what their refusals mean."""

import pytest

from rainbow_exchange.network.proxy import Proxy, is_exempt, proxy


def test_proxy_without_a_name_has_no_credentials() -> None:
    assert proxy("http://p:3128", None, None) == Proxy(url="http://p:3128")
    assert proxy(None, "joe", "pw") == proxy("", None, None) == Proxy()


def test_credentials_inside_the_address_of_a_proxy_do_not_stay_there() -> None:
    described = proxy("http://joe:pw@p:3128", None, None)
    assert described == Proxy(url="http://p:3128", headers={"Proxy-Authorization": "Basic am9lOnB3"})
    assert proxy("http://joe:pw@p:3128", "ann", None).headers == {"Proxy-Authorization": "Basic YW5uOg=="}


def test_credentials_of_a_proxy_are_not_shown() -> None:
    assert "am9l" not in repr(proxy("http://p:3128", "joe", "pw"))


def test_only_a_request_without_tls_carries_the_credentials_itself() -> None:
    described = proxy("http://joe:pw@p:3128")
    assert described.beside("https://mail.acme.test") == described.beside("wss://rainbow.test") == {}
    assert described.beside("http://127.0.0.1/") == {"Proxy-Authorization": "Basic am9lOnB3"}
    assert proxy("http://p:3128").beside("http://127.0.0.1/") == {}


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("", "https://mail.acme.test", False),
        ("*", "https://mail.acme.test", True),
        ("mail.acme.test", "https://mail.acme.test", True),
        ("MAIL.Acme.Test", "https://mail.acme.test", True),
        ("acme.test", "https://mail.acme.test", True),
        (".acme.test", "https://mail.acme.test", True),
        (".acme.test", "https://acme.test", False),
        ("*.acme.test", "https://mail.acme.test", True),
        ("cme.test", "https://mail.acme.test", False),
        ("mail", "https://mail.acme.test", False),
        ("localhost, 127.0.0.1 .acme.test", "https://mail.acme.test", True),
        ("mail.acme.test:443", "https://mail.acme.test", True),
        ("mail.acme.test:8443", "https://mail.acme.test", False),
        ("mail.acme.test:8443", "https://mail.acme.test:8443", True),
        ("mail.acme.test:" + "9" * 5000, "https://mail.acme.test", False),
        ("mail.acme.test:\N{SUPERSCRIPT TWO}", "https://mail.acme.test", False),
        ("acme.test.", "https://mail.acme.test", True),
        ("10.0.0.0/8", "https://10.1.2.3/EWS", True),
        ("10.0.0.0/8", "https://11.1.2.3/EWS", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3:443", "https://10.1.2.3", True),
        ("10.1.2.3/8", "https://10.9.9.9", True),
        ("10.0.0.0/8", "https://mail.acme.test", False),
        ("fd00::/8", "https://[fd00::1]", True),
        ("[fd00::1]:443", "https://[fd00::1]", True),
        ("::1", "https://[::1]", True),
        ("::1", "https://mail.acme.test", False),
    ],
)
def test_no_proxy_names_hosts_domains_networks_and_ports(no_proxy: str, url: str, exempt: bool) -> None:
    assert is_exempt(url, no_proxy) is exempt
