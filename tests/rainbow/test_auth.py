from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.rainbow.auth import Token, app_auth, basic, read_token, renewal_delay
from rainbow_exchange.rainbow.errors import UnexpectedAnswer

RECEIVED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
# {"alg":"RS256"} . {"iat":1767600000,"exp":1767603600,"countRenewed":2,"maxTokenRenew":5} . "signature"
LITERAL = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3Njc2MDAwMDAsImV4cCI6MTc2NzYwMzYwMCwiY291bnRSZW5ld2VkIjoyLCJtYXhUb2tlblJlbmV3Ijo1fQ"
    ".c2lnbmF0dXJl"
)


def test_application_header_equals_the_vector_seen_on_the_wire_of_the_sdk() -> None:
    assert app_auth("app1", "appsecret1", "Secret#1") == (
        "Basic YXBwMTpiZDJkMTlhZmQ1ZDU4MjNlZGZhNDdkMzRkNzQ4MmYzZDQ3NmVhMzFlNjM3M2MwMDljYzQzMDhjYjE4MzQxOTAx"
    )


def test_basic_is_utf_8() -> None:
    assert basic("é@acme.test", "pass:wörd") == "Basic w6lAYWNtZS50ZXN0OnBhc3M6d8O2cmQ="


def test_token_tells_its_life_and_how_often_it_may_be_renewed() -> None:
    assert read_token(LITERAL) == Token(
        text=LITERAL,
        issued_at=datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
        expires_at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        renewed=2,
        max_renew=5,
    )


def test_lifetime_does_not_depend_on_our_clock() -> None:
    assert read_token(LITERAL).lifetime(datetime(1999, 1, 1, tzinfo=UTC)) == 3600


def test_lifetime_without_an_instant_of_issue_is_reckoned_from_the_receipt() -> None:
    token = Token(text="t", expires_at=datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
    assert token.lifetime(RECEIVED) == 1800


def test_a_life_of_nothing_is_a_wrong_clock_and_as_good_as_unknown() -> None:
    token = Token(text="t", expires_at=datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
    assert token.lifetime(datetime(2026, 1, 6, tzinfo=UTC)) is None
    assert read_token("a.eyJpYXQiOjEwMCwiZXhwIjoxMDB9.c").lifetime(RECEIVED) is None


def test_a_token_of_oauth_is_not_renewed() -> None:
    assert read_token("a.eyJvYXV0aCI6eyJ0eXBlIjoiYXV0aG9yaXphdGlvbl9jb2RlIn19.c").may_renew is False


@pytest.mark.parametrize(("renewed", "most", "may"), [(0, None, True), (4, 5, True), (5, 5, False), (0, 0, False)])
def test_token_is_renewed_no_more_often_than_rainbow_says(renewed: int, most: int | None, *, may: bool) -> None:
    assert Token(text="t", renewed=renewed, max_renew=most).may_renew is may


@pytest.mark.parametrize(
    "text",
    [
        "opaque",
        "a.b.c",
        "a.W10.c",
        "a.eyJleHAiOnRydWV9.c",
        "a.eyJleHAiOjFlOTk5fQ.c",
        "a.é".encode("ascii", "ignore").decode(),
    ],
)
def test_token_whose_payload_cannot_be_read_is_taken_with_nothing_known(text: str) -> None:
    token = read_token(text)
    assert (token.lifetime(RECEIVED), token.may_renew) == (None, True)


@pytest.mark.parametrize("value", [None, 7, "", "two words", "line\nbreak", {"token": "x"}])
def test_what_no_header_can_carry_is_no_token(value: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        read_token(value)


@given(st.text())
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with suppress(UnexpectedAnswer):
        assert read_token(text).text == text


def test_token_is_not_shown() -> None:
    assert LITERAL not in repr(read_token(LITERAL))


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 1800.0), (0.5, 1912.5), (1.0, 2025.0)])
def test_renewal_is_at_half_life_and_up_to_an_eighth_of_it_later(random: float, seconds: float) -> None:
    assert renewal_delay(3600, lambda: random) == seconds
