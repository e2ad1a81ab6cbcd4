import pytest

from rainbow_exchange.config_values import is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST.", True), ("10.0.0.1", False), (None, False)],
)
def test_loopback_is_this_machine_by_its_own_address(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected
