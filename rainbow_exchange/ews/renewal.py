"""What the failure of a renewal means for its mailbox: lost, or to be tried again and when."""

from http import HTTPStatus

from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.treatment import Treatment, treatment


def lost_code(error: EwsError, *, impersonation: bool, refused: EwsAuthenticationError | None) -> str | None:
    """Give the code by which the mailbox is lost; None for what may pass.

    Credentials of ours that are `refused` concern everybody and lose nobody; a 403 for one impersonated mailbox, while
    they are not, says that this mailbox is closed to EWS.
    """
    if isinstance(error, EwsAuthenticationError):
        about_one = impersonation and error.status == HTTPStatus.FORBIDDEN and refused is None
        return type(error).__name__ if about_one else None
    if treatment(error) in (Treatment.NEXT_IDENTIFIER, Treatment.DENIED):
        return error.code if isinstance(error, ResponseError) else type(error).__name__
    return None


def asked_for(error: EwsError) -> float:
    """Give the seconds for which the server asked to be left alone; 0 where it did not."""
    if isinstance(error, ServerBusy):
        return error.back_off or 0.0
    return (error.retry_after or 0.0) if isinstance(error, EwsConnectionError) else 0.0
