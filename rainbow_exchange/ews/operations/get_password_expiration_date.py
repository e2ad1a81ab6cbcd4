"""GetPasswordExpirationDate: when the password of an account ends; of the caller's own unless an address is named.

The answer has no ResponseMessages around it. Known to Exchange since 2010 SP2.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getpasswordexpirationdate-operation
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import instant, response_message, text_of, within
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.templates import append

_DIGITS = 4
#: dates outside of these years are how a directory writes "never"
_FIRST_YEAR, _LAST_YEAR = 1971, 8999


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPasswordExpirationDate:
    """Ask for the account that signs in, or for the one with this primary SMTP address."""

    NAME: ClassVar[str] = "GetPasswordExpirationDate"
    TEMPLATE: ClassVar[str] = "get_password_expiration_date"

    address: str | None = None

    def fill(self, template: etree._Element, /) -> None:
        """Write the address, if there is one. Raises UnencodableText."""
        if self.address is not None:
            append(template, "m:MailboxSmtpAddress", self.address)

    @staticmethod
    def parse(body: etree._Element, /) -> datetime | None:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> datetime | None:
    """Read the answer; None where the password never ends. Raises ResponseError, MalformedResponse."""
    message = response_message(body, GetPasswordExpirationDate.NAME)
    date = text_of(within(message, "PasswordExpirationDate"))
    year = date.partition("-")[0]
    if not (year.isascii() and year.isdecimal()):
        raise MalformedResponse("a GetPasswordExpirationDate that succeeded without a date")
    # None of more digits is a year that could be reckoned with, and int() refuses some thousands of them.
    return instant(date) if len(year) <= _DIGITS and _FIRST_YEAR <= int(year) <= _LAST_YEAR else None
