import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.rainbow.endpoints import carries_secrets, checked, may_follow, websocket_url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://openrainbow.com/", "https://openrainbow.com"),
        ("https://openrainbow.com:443", "https://openrainbow.com:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_protected_address_is_taken(url: str, kept: str) -> None:
    assert checked(url, schemes=("https", "http"), name="rainbow.url") == kept


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://openrainbow.com", "would send the password in clear to openrainbow.com"),
        ("openrainbow.com", "is no address"),
        ("ftp://openrainbow.com", "is no address"),
        ("https://", "is no address"),
        ("https://host:port", "is no address"),
        ("https://[", "is no address"),
        ("https://me:secret@openrainbow.com", "leave the user name and password out"),
    ],
)
def test_address_that_would_betray_the_password_is_refused_and_named(url: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        checked(url, schemes=("https", "http"), name="rainbow.url")
    assert caught.value.problems[0].startswith("rainbow.url: ")
    assert "me:secret" not in caught.value.problems[0]


@pytest.mark.parametrize(
    ("rest", "websocket"),
    [
        ("https://openrainbow.com", "wss://openrainbow.com/websocket"),
        ("http://127.0.0.1:80", "ws://127.0.0.1:80/websocket"),
    ],
)
def test_websocket_address_belongs_to_the_rest_address(rest: str, websocket: str) -> None:
    assert websocket_url(rest) == websocket


@pytest.mark.parametrize(
    ("current", "offered", "follow"),
    [
        ("wss://rainbow.test/websocket", "wss://rainbow.test:5281/websocket", True),
        ("wss://rainbow.test/websocket", "wss://n7.rainbow.test/websocket", True),
        ("wss://rainbow.test/websocket", "wss://evilrainbow.test/websocket", False),
        ("wss://rainbow.test/websocket", "wss://rainbow.test.evil/websocket", False),
        ("wss://rainbow.test/websocket", "ws://rainbow.test/websocket", False),
        ("wss://rainbow.test/websocket", "wss://x@rainbow.test/websocket", False),
        ("wss://rainbow.test/websocket", "wss://rainbow.test:x/websocket", False),
        ("wss://rainbow.test/websocket", "https://rainbow.test/", False),
        ("wss://rainbow.test/websocket", "wss://n7..rainbow.test/websocket", False),
        ("wss://rainbow.test/websocket", "", False),
        ("ws://127.0.0.1:1/websocket", "ws://127.0.0.1:2/websocket", True),
        ("ws://127.0.0.1:1/websocket", "ws://127.0.0.2:2/websocket", False),
    ],
)
def test_another_address_is_followed_on_the_same_host_or_below_it(current: str, offered: str, *, follow: bool) -> None:
    assert may_follow(current, offered) is follow


def test_a_password_goes_in_clear_only_inside_tls_or_on_loopback() -> None:
    assert carries_secrets("wss://rainbow.test/websocket")
    assert carries_secrets("ws://[::1]/websocket")
    assert not carries_secrets("ws://rainbow.test/websocket")
