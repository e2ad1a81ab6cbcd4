"""GetMailTips: the out-of-office message that each of many mailboxes would send to `sending_as` now. No rights needed.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/getmailtips-operation
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, children, first, optional_instant, refusal, within
from rainbow_exchange.ews.errors import EwsError, MalformedResponse
from rainbow_exchange.ews.templates import append, blank, set_text

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
    """Ask for the out-of-office messages of `addresses`, as `sending_as` would get them."""

    NAME: ClassVar[str] = "GetMailTips"
    TEMPLATE: ClassVar[str] = "get_mail_tips"

    addresses: tuple[str, ...]
    sending_as: str

    def fill(self, template: etree._Element, /) -> None:
        """Write the addresses. Raises UnencodableText."""
        set_text(template, "m:SendingAs/t:EmailAddress", self.sending_as)
        recipients = blank(template, "m:Recipients")
        for address in self.addresses:
            mailbox = append(recipients, "t:Mailbox")
            append(mailbox, "t:EmailAddress", address)
            append(mailbox, "t:RoutingType", "SMTP")

    @staticmethod
    def parse(body: etree._Element, /) -> tuple[MailTip | EwsError, ...]:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> tuple[MailTip | EwsError, ...]:
    """Read the answer: one entry for each recipient, in the order they were asked for.

    Raises ResponseError where the whole request was refused, MalformedResponse.
    """
    response = within(body, "GetMailTipsResponse")
    if response is None:
        raise MalformedResponse("no answer to GetMailTips in the body")
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
    tips = within(message, "MailTips")
    if tips is None:
        return MalformedResponse("NoError, but no MailTips")
    absence = first(tips, "OutOfOffice")
    duration = first(absence, "Duration")
    if duration is None:
        duration = first(absence, "ReplyBody", "Duration")
    pending = {name for entry in children(tips, "PendingMailTips") for name in (entry.text or "").split()}
    try:
        return MailTip(
            address=child_text(tips, "RecipientAddress", "EmailAddress"),
            pending=bool(pending & {"OutOfOfficeMessage", "All"}),
            message_html=None if absence is None else child_text(absence, "ReplyBody", "Message"),
            start=optional_instant(child_text(duration, "StartTime")),
            end=optional_instant(child_text(duration, "EndTime")),
        )
    except MalformedResponse as malformed:
        return malformed
