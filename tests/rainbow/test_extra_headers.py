import time
from typing import Any

import pytest

from rainbow_exchange.rainbow.extra_headers import read_extra_headers


def answer(url: Any, method: Any, *headers: Any) -> dict[str, Any]:
    return {"data": {"additionalHeaders": [{"match": [{"url": url, "method": method}], "headers": list(headers)}]}}


def test_header_goes_with_what_matches() -> None:
    extra = read_extra_headers(answer("/api/rainbow/admin/*", "get", {"key": "X-Region", "value": "eu"}))
    assert extra.matching("GET", "/api/rainbow/admin/v1.0/users") == {"X-Region": "eu"}
    assert extra.matching("POST", "/api/rainbow/admin/v1.0/users") == {}
    assert extra.matching("GET", "/api/rainbow/enduser/v1.0/users") == {}


def test_star_stands_for_every_method() -> None:
    assert read_extra_headers(answer("/api/*", "*", {"key": "x-a", "value": "1"})).matching("DELETE", "/api/y") == {
        "x-a": "1"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer x"),
        ("Host", "evil.test"),
        ("Content-Length", "0"),
        ("Cookie", "a=b"),
        ("x-rainbow-app-auth", "x"),
        ("X-Forwarded-Host", "evil.test"),
        ("x-a b", "x"),
        ("x-a", "two\r\nlines"),
        ("x-a", 7),
        (None, "x"),
    ],
)
def test_header_that_is_not_allowed_is_left_out(name: object, value: object) -> None:
    assert read_extra_headers(answer("*", "*", {"key": name, "value": value})).matching("GET", "/api") == {}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"data": []},
        {"data": {"additionalHeaders": {}}},
        answer(7, "*"),
        answer("*", None),
        answer("*", "*", 7),
    ],
)
def test_what_is_not_understood_adds_nothing(odd: object) -> None:
    assert read_extra_headers(odd).matching("GET", "/api") == {}


def test_of_thousands_of_rules_no_more_are_made_than_are_taken() -> None:
    many = answer("*", "*", *({"key": f"x-{number}", "value": "1"} for number in range(4_000)))
    [entry] = many["data"]["additionalHeaders"]
    entry["match"] = [{"url": f"/api/{number}*", "method": "*"} for number in range(4_000)]
    begin = time.process_time()
    extra = read_extra_headers(many)
    entry["headers"] = [{"key": "Host", "value": "1"}] * 4_000
    assert read_extra_headers(many).rules == ()
    assert time.process_time() - begin < 1
    assert len(extra.rules) == 100
    assert extra.matching("GET", "/api/0") == {f"x-{number}": "1" for number in range(100)}
