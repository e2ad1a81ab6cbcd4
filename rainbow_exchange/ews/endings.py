"""What to call an interruption, a renewal or a loss: a word or two and Exchange's own codes. Pure."""

import re

from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    StreamCut,
)
from rainbow_exchange.ews.treatment import TABLE
from rainbow_exchange.words import _

SILENT = "silent"
#: what this program calls a loss itself
_OUR_WORD = re.compile(r"[a-z]+(-[a-z0-9]+)*")
#: kinds of errors in a word or two; by itself, "refused" might be taken for a denial
_KINDS = {
    "refused": _("no connection"),
    "name": _("name"),
    "timeout": _("timeout"),
    "closed": _("closed"),
}


def label(error: EwsError | str | None) -> str:
    """Name what ended a stream or lost a subscription; codes that nobody has published share a name.

    "silent", "cut" (also in the middle of an envelope), "garbled" (a gateway's page), "http-<status>", "refused" and
    "name" (no connection), a ResponseCode, or "other".
    """
    if isinstance(error, EwsConnectionError):
        return {"timeout": SILENT, "closed": "cut"}.get(error.kind, error.kind)
    if error is None or isinstance(error, StreamCut):
        return "cut"
    if isinstance(error, MalformedResponse):
        return "garbled"
    if isinstance(error, EwsError):
        return kind_of(error)
    return error if error in TABLE or _OUR_WORD.fullmatch(error) else "other"


def kind_of(error: EwsError) -> str:
    """Name any error for whoever counts: a ResponseCode, a kind of connection error or what stands for it.

    Codes that nobody has published share the name "other": what a server makes up is no label of a metric.
    """
    if isinstance(error, ResponseError):
        return error.code if error.code in TABLE else "other"
    return error.kind if isinstance(error, EwsConnectionError) else type(error).__name__


def word(error: EwsError) -> str:
    """Name an error in a word or two, beside each whom it concerns; the reason of the Exchange side says it in full."""
    if isinstance(error, ResponseError):
        return error.code
    if isinstance(error, EwsAuthenticationError):
        return f"HTTP {error.status}"
    if isinstance(error, EwsConnectionError):
        return _KINDS.get(error.kind, error.kind)
    return type(error).__name__
