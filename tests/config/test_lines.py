import pytest

from rainbow_exchange.config.lines import line_of

TEXT = """\
# url = "a remark"
web.port = 1

[exchange]
  url = "x"  # more
"username" = "y"

[bridge.privacy_exceptions]
"*@b.test" = "full"
[rainbow]
login="a"
login="b"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("web.port", 2),
        ("exchange.url", 5),
        ("exchange.username", 6),
        ("bridge.privacy_exceptions", 8),
        ("rainbow.login", None),
        ("rainbow.url", None),
        ("bridge.privacy", None),
    ],
)
def test_the_line_of_a_setting_is_found(key: str, line: int | None) -> None:
    assert line_of(TEXT, key) == line
