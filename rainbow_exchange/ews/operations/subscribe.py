"""Subscribe: a streaming subscription to one mailbox's calendar.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation
"""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, response_message
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.templates import append, blank


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeResponse:
    """The new subscription; the id is opaque."""

    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Ask for the events of the calendar of `mailbox_address`, or with None of whoever asks or is impersonated."""

    NAME: ClassVar[str] = "Subscribe"
    TEMPLATE: ClassVar[str] = "subscribe"

    mailbox_address: str | None = None

    def fill(self, template: etree._Element, /) -> None:
        """Name the mailbox. Raises UnencodableText."""
        if self.mailbox_address is not None:
            append(
                append(blank(template, ".//t:DistinguishedFolderId"), "t:Mailbox"),
                "t:EmailAddress",
                self.mailbox_address,
            )

    @staticmethod
    def parse(body: etree._Element, /) -> SubscribeResponse:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> SubscribeResponse:
    """Read the answer. Raises ResponseError, MalformedResponse."""
    subscription_id = child_text(response_message(body, Subscribe.NAME), "SubscriptionId")
    if not subscription_id:
        raise MalformedResponse("a Subscribe that succeeded without SubscriptionId")
    return SubscribeResponse(subscription_id=subscription_id)
