import pytest

from rainbow_exchange.ews.endings import kind_of, label, word
from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    StreamCut,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "cut"),
        (EwsConnectionError("closed"), "cut"),
        (StreamCut("half an envelope"), "cut"),
        (EwsConnectionError("timeout"), "silent"),
        (MalformedResponse("a page"), "garbled"),
        (EwsConnectionError("http-503"), "http-503"),
        (EwsConnectionError("refused"), "refused"),
        (EwsAuthenticationError(403), "EwsAuthenticationError"),
        (ResponseError("ErrorSubscriptionNotFound"), "ErrorSubscriptionNotFound"),
        (ResponseError("ErrorInventedByThisServer42"), "other"),
        ("ErrorAccessDenied", "ErrorAccessDenied"),
        ("ErrorInventedByThisServer42", "other"),
        (ResponseError("Ada Lovelace <ada@acme.test>"), "other"),
        ("Ada Lovelace <ada@acme.test>", "other"),
        ("not-primary", "not-primary"),
    ],
)
def test_what_is_counted_has_a_bounded_number_of_names(error: EwsError | str | None, expected: str) -> None:
    assert label(error) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EwsConnectionError("timeout", "no answer"), "timeout"),
        (EwsAuthenticationError(401), "EwsAuthenticationError"),
        (MalformedResponse("a page"), "MalformedResponse"),
        (ResponseError("ErrorServerBusy"), "ErrorServerBusy"),
        (ResponseError("Ada Lovelace <ada@acme.test>"), "other"),
    ],
)
def test_errors_are_counted_by_names_that_no_server_can_make_up(error: EwsError, expected: str) -> None:
    assert kind_of(error) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EwsConnectionError("refused", "no connection to 10.0.0.1: Connect call failed"), "no connection"),
        (EwsConnectionError("timeout", "no answer within 30 s"), "timeout"),
        (EwsAuthenticationError(401, ("NTLM",)), "HTTP 401"),
        (ResponseError("ErrorInventedByThisServer42", "a sentence"), "ErrorInventedByThisServer42"),
        (MalformedResponse("a page"), "MalformedResponse"),
    ],
)
def test_what_is_shown_beside_a_name_is_a_word_or_two(error: EwsError, expected: str) -> None:
    assert word(error) == expected
