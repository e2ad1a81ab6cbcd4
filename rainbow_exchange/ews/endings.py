"""What to call an interruption, a renewal or a loss: a word or two and Exchange's own codes. Pure."""

from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    StreamCut,
)
from rainbow_exchange.ews.treatment import TABLE


def label(error: EwsError | str | None) -> str:
    """Name what ended a stream or lost a subscription; codes that nobody has published share a name.

    "silent", "cut" (also in the middle of an envelope), "garbled" (a gateway's page), "http-<status>", "refused" and
    "name" (no connection), a ResponseCode, or "other".
    """
    if isinstance(error, EwsConnectionError):
        return {"timeout": "silent", "closed": "cut"}.get(error.kind, error.kind)
    if error is None or isinstance(error, StreamCut):
        return "cut"
    if isinstance(error, MalformedResponse):
        return "garbled"
    if isinstance(error, EwsError):
        error = error.code if isinstance(error, ResponseError) else type(error).__name__
    return str(error) if error in TABLE or not error.startswith("Error") else "other"


def word(error: EwsError) -> str:
    """Name an error in a word or two, beside each whom it concerns; the reason of the Exchange side says it in full."""
    if isinstance(error, ResponseError):
        return error.code
    if isinstance(error, EwsAuthenticationError):
        return f"HTTP {error.status}"
    if isinstance(error, EwsConnectionError):
        return "no connection" if error.kind == "refused" else error.kind  # by itself it might be taken for a denial
    return type(error).__name__
