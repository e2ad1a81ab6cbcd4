"""Why something was not done, in words for whoever sits before the page. Pure."""

import aiohttp

from rainbow_exchange.lab.owner import Refused
from rainbow_exchange.words import Said, _

#: what may go wrong on a wire
WRONG = (Refused, aiohttp.ClientError, TimeoutError)

_CODES = {
    "http-401": _("The password is refused (HTTP 401)."),
    "http-503": _("It is overloaded (HTTP 503)."),
    "ErrorServerBusy": _("It is overloaded (ErrorServerBusy)."),
    "ErrorItemNotFound": _("There is no such appointment any more."),
    "ErrorNonExistentMailbox": _("There is no such mailbox any more."),
    "ErrorCalendarEndDateIsEarlierThanStartDate": _("It ends before it begins."),
    "text-not-possible": _("It has a character that Exchange does not take."),
}


def why(side: str, error: BaseException) -> Said:
    """Say what a side (Exchange, Rainbow) did or did not do."""
    if isinstance(error, Refused):
        known = _CODES.get(error.code)
        said = known if known is not None else _("It says {code}.", code=error.code)
        return _("{side} does not do it: {reason}", side=side, reason=said)
    if isinstance(error, TimeoutError):
        return _("{side} does not answer in time.", side=side)
    return _("{side} cannot be reached.", side=side)
