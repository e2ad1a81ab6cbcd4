"""GetServiceConfiguration: whether the server gives MailTips, and for how many recipients in one request.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/getserviceconfiguration-operation
"""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, is_true, refusal, whole_number, within
from rainbow_exchange.ews.errors import MalformedResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfiguration:
    """MailTipsConfiguration; None where the server does not say."""

    mail_tips_enabled: bool | None
    max_recipients_per_mail_tips_request: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceConfiguration:
    """Ask for the configuration of MailTips."""

    NAME: ClassVar[str] = "GetServiceConfiguration"
    TEMPLATE: ClassVar[str] = "get_service_configuration"

    def fill(self, template: etree._Element, /) -> None:
        """Leave the template as it is: it asks for all we want."""

    @staticmethod
    def parse(body: etree._Element, /) -> ServiceConfiguration:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> ServiceConfiguration:
    """Read the answer. Raises ResponseError, MalformedResponse."""
    response = within(body, "GetServiceConfigurationResponse")
    if response is None:
        raise MalformedResponse("no answer to GetServiceConfiguration in the body")
    message = within(response, "ServiceConfigurationResponseMessageType")
    for part in (response, message):
        error = None if part is None else refusal(part)
        if error is not None:
            raise error
    tips = within(response, "MailTipsConfiguration")
    enabled = child_text(tips, "MailTipsEnabled")
    return ServiceConfiguration(
        mail_tips_enabled=is_true(enabled) if enabled else None,
        max_recipients_per_mail_tips_request=whole_number(child_text(tips, "MaxRecipientsPerGetMailTipsRequest")),
    )
