"""By which RequestServerVersion to ask: the lowest that has all we want, lowered once where a server is too old. Pure.

Source: protocols page on EWS §1 (last row but one of the table) and §9;
https://learn.microsoft.com/exchange/client-developer/web-service-reference/requestserverversion
"""

from rainbow_exchange.ews.soap import SERVER_VERSION

#: the lowest that has streaming notifications
FLOOR = "Exchange2010_SP1"
_UNKNOWN_VERSION = "ErrorInvalidServerVersion"
#: how a server says that it does not understand a request: an older one, or one that lacks the operation
_NOT_UNDERSTOOD = frozenset(("ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidSubscriptionRequest"))


class RequestVersion:
    """The version for all requests to one server: `value`. It is lowered only by a request that this has helped.

    What one operation is refused says nothing about the others: a server that has understood a request by the version
    that is in use may simply lack the operation.
    """

    def __init__(self) -> None:
        self.value = SERVER_VERSION
        self._proven = False
        self._in_vain: set[str] = set()  # operations that the lower version has not helped

    def accepted(self, version: str) -> None:
        """A request by `version` was understood."""
        if version == FLOOR:
            self.value = FLOOR
        self._proven = True

    def lower(self, code: str, version: str, operation: str) -> str | None:
        """A request by `version` was refused with `code`: by which to send it again, None if it is no use."""
        if version == FLOOR:
            self._in_vain.add(operation)
            return None
        proven = self._proven and self.value == SERVER_VERSION
        if operation in self._in_vain or not (code == _UNKNOWN_VERSION or (code in _NOT_UNDERSTOOD and not proven)):
            return None
        return FLOOR
