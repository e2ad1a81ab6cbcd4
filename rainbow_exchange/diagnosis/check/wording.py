"""The causes that the service tells of, said by somebody who looks once: nothing is tried again by itself. Pure."""

import re

from rainbow_exchange.bridge.causes import Cause

#: sentences of `bridge/*_causes.py` that tell what the service does next
_SERVICE = re.compile(
    r"""\s*(?:
        (?:It|They\ had\ worked\ before:\ they)\ (?:is|are)\ tried\ again[^.]*\.
        |It\ was\ tried\ once\ and\ is\ not\ tried\ again[^.]*\.(?:\ If\ only[^.]*\.)?
        |A\ wrong\ password\ is\ tried\ once\ only[^.]*\.
        |Nothing\ is\ tried\ before\ that\ time[^.]*\.
        |It\ is\ not\ gone\ back\ to\ by\ itself[^.]*\.
        |It\ (?:goes\ on|reconnects)\ by\ itself[^.]*\.(?:\ rainbow-exchange\ retry[^.]*\.)?
        |(?:Otherwise:\ )?\bTried\ again\ (?:daily|hourly)[^.]*\.
    )""",
    re.VERBOSE,
)
NOT_SENT = (
    "That was before: they were not sent again, so that the account is not locked. Once it is mended, --try-again"
    " sends them once more."
)


def once(cause: Cause, *, sent: bool = True) -> Cause:
    """Leave out what only the service does; `sent`: the credentials that are refused went out just now."""
    text, action = (_SERVICE.sub("", each).strip() for each in (cause.text, cause.action))
    action = action.replace(", then restart.", ".")
    if not sent:
        action = f"{action} {NOT_SENT}".strip()
    return Cause(cause.id, text, action or "Run this again later.")
