"""GetUserSettings: the SOAP form of autodiscover, for up to 100 mailboxes at once. It goes to autodiscover, not to EWS.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/getusersettings-operation-soap
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, within
from rainbow_exchange.ews.discovery.outcome import Located, NotHere, Outcome, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.soap import open_envelope
from rainbow_exchange.ews.templates import append, blank, set_text, template

#: mailboxes that one request may name (protocols page on EWS §8; not documented)
BATCH = 100
MAX_ANSWER = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserSettings:
    """Ask where the EWS of these mailboxes is, of the autodiscover server at `url`."""

    NAME: ClassVar[str] = "GetUserSettings"
    TEMPLATE: ClassVar[str] = "get_user_settings"

    addresses: Sequence[str]
    url: str

    def write(self) -> bytes:
        """Write the request, in UTF-8. Raises UnencodableText."""
        envelope = template(self.TEMPLATE)
        set_text(envelope, "soap:Header/wsa:To", self.url)
        users = blank(envelope, "soap:Body/a:GetUserSettingsRequestMessage/a:Request/a:Users")
        for address in self.addresses:
            append(append(users, "a:User"), "a:Mailbox", address)
        return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)

    def read(self, data: bytes) -> dict[str, Outcome]:
        """Read the answer: each address asked for → what is said of it; see the module's parse."""
        return dict(zip(self.addresses, parse(data, len(self.addresses)), strict=True))


def parse(data: bytes, count: int) -> list[Outcome]:
    """Read the answer for `count` users, which come in the order of the request.

    Raises ResponseError where the request as a whole is refused, and MalformedResponse.
    """
    body = open_envelope(data, max_size=MAX_ANSWER).body_element
    response = within(body, "Response")
    if response is None:
        raise MalformedResponse("no answer to GetUserSettings in the body")
    users = list(response.iter("{*}UserResponse"))
    code = child_text(response, "ErrorCode")
    if not users and code not in {"", "NoError"}:
        raise ResponseError(code, child_text(response, "ErrorMessage"))
    if len(users) != count:
        raise MalformedResponse(f"{len(users)} answers to a GetUserSettings for {count}")
    return [_outcome(user) for user in users]


def _outcome(user: etree._Element) -> Outcome:
    code, target = child_text(user, "ErrorCode"), child_text(user, "RedirectTarget")
    if code == "RedirectAddress" and target:
        return RedirectAddress(address=target)
    if code == "RedirectUrl" and target:
        return RedirectUrl(url=target)
    if code not in {"", "NoError"}:
        return NotHere(code=code)
    settings = {child_text(setting, "Name"): child_text(setting, "Value") for setting in user.iter("{*}UserSetting")}
    return Located(
        internal_url=settings.get("InternalEwsUrl") or None,
        external_url=settings.get("ExternalEwsUrl") or None,
        grouping=settings.get("GroupingInformation") or None,
    )
