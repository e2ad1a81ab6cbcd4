import pytest

from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    ResponseError,
    ServerBusy,
    UnencodableText,
)
from rainbow_exchange.ews.renewal import asked_for, lost_code


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ResponseError("ErrorNonExistentMailbox"), "ErrorNonExistentMailbox"),
        (ResponseError("ErrorAccessDenied"), "ErrorAccessDenied"),
        (UnencodableText("x"), "UnencodableText"),
        (EwsAuthenticationError(403), "EwsAuthenticationError"),
        (EwsAuthenticationError(401), None),
        (ResponseError("ErrorMailboxMoveInProgress"), None),
        (ResponseError("ErrorOfTomorrow"), None),
        (ServerBusy("ErrorServerBusy"), None),
        (EwsConnectionError("refused"), None),
    ],
)
def test_only_what_cannot_pass_loses_a_mailbox(error: EwsError, expected: str | None) -> None:
    assert lost_code(error, impersonation=True, refused=None) == expected


def test_refused_credentials_and_a_closed_account_concern_everybody() -> None:
    refusal = EwsAuthenticationError(403)
    assert lost_code(refusal, impersonation=True, refused=refusal) is None
    assert lost_code(refusal, impersonation=False, refused=None) is None


def test_the_servers_patience_is_read_from_either_shape() -> None:
    busy = ServerBusy("ErrorServerBusy")
    assert asked_for(busy) == 0
    busy.back_off = 5.5
    assert asked_for(busy) == 5.5
    assert asked_for(EwsConnectionError("http-503", retry_after=7)) == 7
    assert asked_for(EwsConnectionError("closed")) == 0
    assert asked_for(ResponseError("ErrorAccessDenied")) == 0
