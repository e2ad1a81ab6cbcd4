"""GetMailTips: the out-of-office message that each of many mailboxes would send to `sending_as` now. No rights needed.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/getmailtips-operation
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import local_name, optional_instant, refusal, text_of, within
from rainbow_exchange.ews.errors import EwsError, MalformedResponse
from rainbow_exchange.ews.namespaces import MESSAGES, TYPES
from rainbow_exchange.ews.repeat import Repeat
from rainbow_exchange.ews.templates import append, blank, set_text, writable
from rainbow_exchange.words import _

_ADDRESS = f"{{{TYPES}}}EmailAddress"
_MESSAGE = "MailTipsResponseMessageType"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTip:
    """One recipient's tip. `message_html` is None where the server sent no out-of-office part; empty means not out.

    `pending`: the server ran out of time over the message; nothing is known about it. `address` may be missing ("").
    """

    address: str
    pending: bool = False
    message_html: str | None = field(default=None, repr=False)
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMailTips:
    """Ask for the out-of-office messages of `addresses`, as `sending_as` would get them.

    An answer that `repeat` knows is not read: there are no entries, and `repeat` says that it is unchanged.
    """

    NAME: ClassVar[str] = "GetMailTips"
    TEMPLATE: ClassVar[str] = "get_mail_tips"

    addresses: tuple[str, ...]
    sending_as: str
    repeat: Repeat[tuple[MailTip | EwsError, ...]] | None = field(default=None, compare=False, repr=False)

    def fill(self, template: etree._Element, /) -> None:
        """Write the addresses. Raises UnencodableText."""
        set_text(template, "m:SendingAs/t:EmailAddress", self.sending_as)
        recipients = deepcopy(_recipients(len(self.addresses)))
        template.replace(blank(template, "m:Recipients"), recipients)
        for element, address in zip(recipients.iter(_ADDRESS), self.addresses, strict=True):
            element.text = writable(address)

    @staticmethod
    def parse(body: etree._Element, /) -> tuple[MailTip | EwsError, ...]:
        """Read the answer; see the module's parse."""
        return parse(body)


@lru_cache(maxsize=4)
def _recipients(number: int) -> etree._Element:
    """Give so many recipients without an address: copied all at once, which takes a third of making each."""
    recipients: etree._Element = etree.Element(f"{{{MESSAGES}}}Recipients", nsmap={"m": MESSAGES, "t": TYPES})
    for _number in range(number):
        mailbox = append(recipients, "t:Mailbox")
        append(mailbox, "t:EmailAddress")
        append(mailbox, "t:RoutingType", "SMTP")
    return recipients


def parse(body: etree._Element) -> tuple[MailTip | EwsError, ...]:
    """Read the answer: one entry for each recipient, in the order they were asked for.

    Raises ResponseError where the whole request was refused, MalformedResponse.
    """
    response = within(body, "GetMailTipsResponse")
    if response is None:
        raise MalformedResponse(_("no answer to GetMailTips in the body"))
    messages = list(response.iter("{*}" + _MESSAGE))
    if not messages:
        error = refusal(response)
        if error is not None:
            raise error
        messages = list(response.iter("{*}MailTips"))
    return tuple(_read(message) for message in messages)


def _read(message: etree._Element) -> MailTip | EwsError:
    error = refusal(message)
    if error is not None:
        return error
    found: dict[str, etree._Element] = {}
    pending: set[str] = set()
    for element in message.iter("*"):  # once, for a request brings a hundred of these
        name = local_name(element)
        found.setdefault(name, element)
        if name == "PendingMailTips":
            pending.update(text_of(element).split())
    if "MailTips" not in found:
        return MalformedResponse(_("NoError, but no MailTips"))
    try:
        return MailTip(
            address=text_of(found.get("EmailAddress")),
            pending=not pending.isdisjoint(("OutOfOfficeMessage", "All")),
            message_html=text_of(found.get("Message")) if "OutOfOffice" in found else None,
            start=optional_instant(text_of(found.get("StartTime"))),
            end=optional_instant(text_of(found.get("EndTime"))),
        )
    except MalformedResponse as malformed:
        return malformed
