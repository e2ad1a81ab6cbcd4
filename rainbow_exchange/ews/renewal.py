"""What the failure of a renewal means for its mailbox: lost, or to be tried again and when."""

from datetime import datetime, timedelta
from http import HTTPStatus

from rainbow_exchange.ews.calendar import read_availability
from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.types import Caller, ResponseCode
from rainbow_exchange.model import Window


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


def is_beyond(error: EwsError) -> bool:
    """Tell whether the server allows no more subscriptions."""
    return isinstance(error, ResponseError) and error.code == ResponseCode.EXCEEDED_SUBSCRIPTION_COUNT


async def check_readable(client: Caller, address: str, *, now: datetime) -> None:
    """Raise the error of a mailbox that availability does not know or show; it takes no subscription to ask."""
    window = Window(start=now, end=now + timedelta(days=1))
    result = (await read_availability(client, [address], window, read_at=now, subjects=False))[address]
    if isinstance(result, EwsError):
        raise result


def asked_for(error: EwsError) -> float:
    """Give the seconds for which the server asked to be left alone; 0 where it did not."""
    if isinstance(error, ServerBusy):
        return error.back_off or 0.0
    return (error.retry_after or 0.0) if isinstance(error, EwsConnectionError) else 0.0
