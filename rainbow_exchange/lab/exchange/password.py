"""GetPasswordExpirationDate, of the account that asks."""

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.wire import Element, Xml, m, response_message, text

_NEVER = "9999-12-31T23:59:59.9999999"
_NONE = "0001-01-01T00:00:00"  # the schema wants a date even in a refusal


def expiration_date(call: Call, request: Element) -> Xml:
    """Answer with the date of the dial; an address must be the caller's own."""
    address = text(request, "MailboxSmtpAddress").strip()
    if address and call.company.by_primary(address) is not call.acting:
        raise Refused("ErrorAccessDenied")
    date = call.company.dials.password_expires or _NEVER
    return response_message("GetPasswordExpirationDateResponse", m("PasswordExpirationDate", date))


def refused(error: Refused) -> Xml:
    """Refuse in the answer's own shape."""
    return response_message("GetPasswordExpirationDateResponse", m("PasswordExpirationDate", _NONE), error=error)
