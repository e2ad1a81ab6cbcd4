import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.rainbow.answers import Reply, refusal
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowConnectionError,
    RateLimited,
    SaslRefused,
    StreamEnded,
    UnexpectedAnswer,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def refused(status: int, body: Any = None, **headers: str) -> Exception | None:
    return refusal(
        Reply(status, {key.replace("_", "-"): v for key, v in headers.items()}, json.dumps(body).encode()), NOW
    )


def test_what_rainbow_says_is_left_out_where_it_may_repeat_what_was_sent() -> None:
    body = {"errorCode": 400, "errorMsg": "no such subject: Planning", "errorDetailsCode": 400000}
    error = refusal(Reply(400, {}, json.dumps(body).encode()), NOW, words=False)
    assert str(error) == "HTTP 400, 400000"


def test_whom_a_refusal_names_is_left_out() -> None:
    body = {"errorCode": 403, "errorMsg": "Denied to ada@acme.test", "errorDetails": "jid e0f1@x.test/node_1"}
    assert str(refused(403, body)) == "HTTP 403: Denied to …@acme.test: jid …@x.test/node_1"
    assert str(SaslRefused("not-authorized", "no ada@acme.test")) == "not-authorized: no …@acme.test"
    assert str(StreamEnded("conflict", "by ada@acme.test/desk")) == "conflict: by …@acme.test/desk"


def test_success_is_no_refusal() -> None:
    assert refused(200) is None
    assert refused(204) is None


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "7", 7),
        (429, None, 10),
        (429, "soon", 10),
        (429, "-5", 10),
        (429, "999999999999", 86400),
        (429, "Mon, 05 Jan 99999999999999999999 08:01:30 GMT", 10),
        (429, "Mon, 05 Jan 2026 08:01:30 GMT", 90),
        (429, "Mon, 05 Jan 2026 07:00:00 -0000", 0),
        (503, "3", 3),
    ],
)
def test_rainbow_says_how_long_to_wait(status: int, retry_after: str | None, seconds: float) -> None:
    error = refused(status, **({"Retry_After": retry_after} if retry_after else {}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
def test_fault_of_a_server_on_the_way_is_worth_a_retry(status: int) -> None:
    error = refused(status)
    assert isinstance(error, RainbowConnectionError)
    assert error.kind == f"http-{status}"


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (
            {"errorCode": 404, "errorMsg": "Not found", "errorDetails": "company 5f", "errorDetailsCode": 404000},
            404000,
            "Not found: company 5f",
        ),
        (
            {
                "errorCode": 400,
                "errorMsg": "Bad",
                "errorDetails": [{"param": "limit", "msg": "too big", "value": "s3"}, 7],
            },
            400,
            "Bad: limit too big",
        ),
        (
            {"errorMsg": "Hold", "errorDetails": {"msg": "expired", "x": 1}, "errorDetailsCode": True},
            404,
            "Hold: expired",
        ),
        ({"errorMsg": "Same", "errorDetails": "Same"}, 404, "Same"),
        ({"errorMsg": 7, "errorDetails": 7}, 404, ""),
        ({"errorMsg": "two\nlines"}, 404, "two lines"),
        (["x"], 404, ""),
    ],
)
def test_refusal_tells_rainbows_code_and_words(body: Any, code: int, detail: str) -> None:
    error = refused(404, body)
    assert isinstance(error, RainbowApiError)
    assert (error.status, error.code, error.detail, error.token_expired) == (404, code, detail, False)


def test_expired_token_is_told_apart() -> None:
    error = refused(401, {"errorCode": 401, "errorMsg": "Unauthorized", "errorDetails": "jwt expired"})
    assert isinstance(error, RainbowApiError)
    assert error.token_expired


def test_refusal_without_json_is_its_status() -> None:
    error = refusal(Reply(403, {}, b"<html>"), NOW)
    assert isinstance(error, RainbowApiError)
    assert (error.code, error.detail) == (403, "")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"1" * 10_000])
def test_body_that_is_no_json_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        Reply(200, {}, body).json()


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"a": 7}'])
def test_member_that_is_missing_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"a\.b"):
        Reply(200, {}, body).member("a", "b")


def test_member_is_found() -> None:
    assert Reply(200, {}, b'{"a": {"b": 7}}').member("a", "b") == 7


@given(st.integers(100, 599), st.binary(), st.text())
def test_whatever_comes_is_success_or_of_the_family(status: int, body: bytes, retry_after: str) -> None:
    error = refusal(Reply(status, {"Retry-After": retry_after}, body), NOW)
    assert (error is None) is (200 <= status < 300)
