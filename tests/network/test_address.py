import pytest

from rainbow_exchange.network.address import is_loopback, is_name, names_host


@pytest.mark.parametrize(
    "name", ["acme.test", "ACME.test.", "localhost", "127.0.0.1", "mail_1.acme.test", "bücher.test", "a" * 63]
)
def test_a_name_server_can_be_asked_for_a_name(name: str) -> None:
    assert is_name(name)
    assert names_host(f"https://{name}:8443/EWS/Exchange.asmx")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "acme..test",
        ".acme.test",
        "acme.test..",
        "[acme",
        "acme.test]",
        "a b.test",
        "a<>.test",
        "acme%0a.test",
        "mail\u200b.acme.test",
        "mail\u00ad.acme.test",
        "a" * 64 + ".acme.test",
        "ä" * 60 + ".acme.test",
        ".".join(["a" * 60] * 5),
    ],
)
def test_it_cannot_be_asked_for_anything_else(name: str) -> None:
    assert not is_name(name)
    assert not names_host(f"https://{name}/EWS/Exchange.asmx")


@pytest.mark.parametrize("name", ["acme.test:443", "ann@acme.test", "acme.test/x", "acme.test\n", "::1"])
def test_a_name_is_a_name_alone(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://[::1]:443/x", True),
        ("https://[fe80::1%25eth0]/x", True),
        ("https://ann:secret@acme.test/x", True),
        ("https://[::1/", False),
        ("https://[::g]/", False),
        ("https://acme.test:99999/", False),
        ("https://acme.test:port/", False),
        ("https:///x", False),
        ("acme.test", False),
    ],
)
def test_an_address_names_a_host_and_a_port(url: str, *, named: bool) -> None:
    assert names_host(url) is named


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost.evil.test", False),
        ("10.0.0.1", False),
        ("openrainbow.com", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_is_this_machine_only(host: str | None, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback
