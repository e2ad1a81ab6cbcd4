"""Unsubscribe: give one subscription back; EWS takes one id a request.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation
"""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import response_message
from rainbow_exchange.ews.templates import set_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """End the subscription of that id."""

    NAME: ClassVar[str] = "Unsubscribe"
    TEMPLATE: ClassVar[str] = "unsubscribe"

    subscription_id: str

    def fill(self, template: etree._Element, /) -> None:
        """Write the id. Raises UnencodableText."""
        set_text(template, "m:SubscriptionId", self.subscription_id)

    @staticmethod
    def parse(body: etree._Element, /) -> None:
        """Read the answer; see the module's parse."""
        parse(body)


def parse(body: etree._Element) -> None:
    """Read the answer. Raises ResponseError (SubscriptionLost where it is gone already), MalformedResponse."""
    response_message(body, Unsubscribe.NAME)
