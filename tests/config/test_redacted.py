from pathlib import Path

import pytest
from pydantic import SecretStr

from rainbow_exchange.config.redacted import redacted


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("exchange.password", SecretStr("geheim"), "set"),
        ("exchange.password", None, None),
        ("rainbow.app_secret", "geheim", "set"),
        ("rainbow.proxy_url", "http://me:geheim@proxy.acme.test:8080", "http://***@proxy.acme.test:8080"),
        ("rainbow.proxy_url", "http://me:ge@heim@proxy:1", "http://***@proxy:1"),
        ("rainbow.proxy_url", "http://[::1]:8080", "http://[::1]:8080"),
        ("rainbow.proxy_url", "http://me:geheim@[::1", "set"),
        ("rainbow.proxy_url", "me:geheim@proxy", "set"),
        ("exchange.username", "me@acme.test", "me@acme.test"),
        ("bridge.domains", ("a.test", "b.test"), ["a.test", "b.test"]),
        ("log.file", Path("x"), "x"),
        ("web.port", 3001, 3001),
        ("bridge.privacy_exceptions", {"*@b.test": "full"}, {"*@b.test": "full"}),
    ],
)
def test_a_secret_is_only_said_to_be_set(key: str, value: object, shown: object) -> None:
    assert redacted(key, value) == shown
