import pytest

from rainbow_exchange.ews.endings import label
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
    ],
)
def test_what_is_counted_has_a_bounded_number_of_names(error: EwsError | str | None, expected: str) -> None:
    assert label(error) == expected
