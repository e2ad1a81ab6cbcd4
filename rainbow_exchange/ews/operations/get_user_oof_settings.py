"""GetUserOofSettings: the whole out-of-office state of one mailbox, for its owner or by impersonation only.

The request's root element is called GetUserOofSettingsRequest; the answer has no ResponseMessages around it.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseroofsettings-operation
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, first, optional_instant, response_message, within
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.templates import set_text


@dataclass(frozen=True, slots=True, kw_only=True)
class OofSettings:
    """OofSettings as on the wire: messages are HTML, and the times may be stale unless `oof_state` is Scheduled.

    `allowed_audience` is to whom outside the company lets replies go at all (AllowExternalOof), "" where not said.
    """

    oof_state: str
    external_audience: str = ""
    allowed_audience: str = ""
    start: datetime | None = None
    end: datetime | None = None
    internal_html: str = field(default="", repr=False)
    external_html: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserOofSettings:
    """Ask for the settings of `address`."""

    NAME: ClassVar[str] = "GetUserOofSettings"
    TEMPLATE: ClassVar[str] = "get_user_oof_settings"

    address: str

    def fill(self, template: etree._Element, /) -> None:
        """Write the address. Raises UnencodableText."""
        set_text(template, "t:Mailbox/t:Address", self.address)

    @staticmethod
    def parse(body: etree._Element, /) -> OofSettings:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> OofSettings:
    """Read the answer. Raises ResponseError, MalformedResponse."""
    message = response_message(body, GetUserOofSettings.NAME)
    response = within(body, f"{GetUserOofSettings.NAME}Response")
    settings = within(message if response is None else response, "OofSettings")
    state = child_text(settings, "OofState")
    if settings is None or not state:
        raise MalformedResponse("a GetUserOofSettings that succeeded without OofState")
    # Duration stands there in every state and may be anything but for Scheduled
    duration = first(settings, "Duration") if state.lower() == "scheduled" else None
    return OofSettings(
        oof_state=state,
        external_audience=child_text(settings, "ExternalAudience"),
        allowed_audience=child_text(response, "AllowExternalOof"),
        start=optional_instant(child_text(duration, "StartTime")),
        end=optional_instant(child_text(duration, "EndTime")),
        internal_html=child_text(settings, "InternalReply", "Message"),
        external_html=child_text(settings, "ExternalReply", "Message"),
    )
