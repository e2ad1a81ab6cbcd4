"""Proxies: their credentials, who goes past them, and what their refusals mean."""

from rainbow_exchange.network.proxy import Proxy, proxy


def test_proxy_without_a_name_has_no_credentials() -> None:
    assert proxy("http://p:3128", None, None) == Proxy(url="http://p:3128")
    assert proxy(None, "joe", "pw") == proxy("", None, None) == Proxy()


def test_credentials_inside_the_address_of_a_proxy_do_not_stay_there() -> None:
    described = proxy("http://joe:pw@p:3128", None, None)
    assert described == Proxy(url="http://p:3128", headers={"Proxy-Authorization": "Basic am9lOnB3"})
    assert proxy("http://joe:pw@p:3128", "ann", None).headers == {"Proxy-Authorization": "Basic YW5uOg=="}


def test_credentials_of_a_proxy_are_not_shown() -> None:
    assert "am9l" not in repr(proxy("http://p:3128", "joe", "pw"))
