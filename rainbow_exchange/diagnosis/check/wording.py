"""The causes that the service tells of, said by somebody who looks once: nothing is tried again by itself. Pure."""

import re

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.words import Said, _, parts, sentences, unfilled

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
_WITHOUT_RESTART = {
    "Check {account}, then restart.": unfilled("Check {account}."),
}
NOT_SENT = _(
    "That was before: they were not sent again, so that the account is not locked. Once it is mended, --try-again"
    " sends them once more."
)


def once(cause: Cause, *, sent: bool = True) -> Cause:
    """Leave out what only the service does; `sent`: the credentials that are refused went out just now."""
    text, action = _left(cause.text), _left(cause.action)
    if not sent:
        action = sentences(action, NOT_SENT)
    return Cause(cause.id, text, action or _("Run this again later."))


def _left(text: str) -> str:
    """Leave it out of a text, sentence by sentence; one that is made of nothing else is ""."""
    return sentences(*filter(None, map(_of_sentence, parts(text))))


def _of_sentence(text: str) -> str:
    if isinstance(text, Said) and text.template in _WITHOUT_RESTART:
        return _(_WITHOUT_RESTART[text.template], **text.values)
    left = _SERVICE.sub("", text).strip().replace(", then restart.", ".")
    return text if left == text else left
