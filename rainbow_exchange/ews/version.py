"""By which RequestServerVersion to ask: the lowest that has all we want, lowered once where a server is too old. Pure.

Source: protocols page on EWS §1 (last row but one of the table) and §9;
https://learn.microsoft.com/exchange/client-developer/web-service-reference/requestserverversion
"""

from rainbow_exchange.ews.soap import SERVER_VERSION

#: the lowest that has streaming notifications
FLOOR = "Exchange2010_SP1"
#: how a server says that it does not understand the request: an older one, or a fault of ours
_NOT_UNDERSTOOD = frozenset(
    ("ErrorInvalidServerVersion", "ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidSubscriptionRequest")
)


class RequestVersion:
    """The version for all requests to one server. It is lowered once, and stays so only if that has helped."""

    def __init__(self) -> None:
        self.value = SERVER_VERSION
        self._settled = False

    def accepted(self, version: str) -> None:
        """A request by `version` was understood."""
        self._settled = self._settled or version == FLOOR

    def refused(self, code: str, version: str) -> bool:
        """A request by `version` was refused with `code`; return whether to send it again by what `value` is now."""
        if code not in _NOT_UNDERSTOOD:
            return False
        if version != self.value:
            return True  # another request has found out meanwhile
        if self._settled:
            return False
        if version == FLOOR:
            self.value, self._settled = SERVER_VERSION, True
            return False
        self.value = FLOOR
        return True
