"""Autodiscover in plain XML (POX): the older form, for one mailbox at a time. It goes to autodiscover, not to EWS.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/pox-autodiscover-web-service-reference-for-exchange
"""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, local_name, text_of, within
from rainbow_exchange.ews.discovery.outcome import Located, NotHere, Outcome, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.soap import read_document
from rainbow_exchange.ews.templates import set_text, template

MAX_ANSWER = 1024 * 1024
#: types of Protocol, best first: for clients inside, outside, and either (Exchange 2013 and later)
_INTERNAL, _EXTERNAL = ("EXCH", "EXHTTP"), ("EXPR", "EXHTTP")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoxAutodiscover:
    """Ask where the EWS of one mailbox is."""

    NAME: ClassVar[str] = "Autodiscover"
    TEMPLATE: ClassVar[str] = "pox_autodiscover"

    address: str

    def write(self) -> bytes:
        """Write the request, in UTF-8. Raises UnencodableText."""
        document = template(self.TEMPLATE)
        set_text(document, "o:Request/o:EMailAddress", self.address)
        return etree.tostring(document, encoding="utf-8", xml_declaration=True)

    @staticmethod
    def read(data: bytes) -> Outcome:
        """Read the answer; see the module's parse."""
        return parse(data)


def parse(data: bytes) -> Outcome:
    """Read the answer. Raises MalformedResponse."""
    document = read_document(data, MAX_ANSWER)
    response = within(document, "Response")
    if local_name(document) != "Autodiscover" or response is None:
        raise MalformedResponse(f"a document of <{local_name(document)}> instead of an answer of autodiscover")
    error = within(response, "Error")
    if error is not None:
        return NotHere(code=child_text(error, "ErrorCode") or "(no ErrorCode)")
    address, url = text_of(within(response, "RedirectAddr")), text_of(within(response, "RedirectUrl"))
    match text_of(within(response, "Action")).lower():
        case "redirectaddr" if address:
            return RedirectAddress(address=address)
        case "redirecturl" if url:
            return RedirectUrl(url=url)
        case "settings":
            return _located(response)
        case action:
            raise MalformedResponse(f"an answer of autodiscover with the action {action[:20]!r}")


def _located(response: etree._Element) -> Located:
    found: dict[str, dict[str, str]] = {}
    for protocol in response.iter("{*}Protocol"):
        kind = (child_text(protocol, "Type") or protocol.get("Type") or "").upper()
        texts = {local_name(child): text_of(child) for child in protocol.iterchildren("{*}*")}
        found.setdefault(kind, texts)

    def best(kinds: tuple[str, ...], name: str) -> str | None:
        return next((text for kind in kinds if (text := found.get(kind, {}).get(name))), None)

    return Located(
        internal_url=best(_INTERNAL, "EwsUrl") or best(_INTERNAL, "ASUrl"),
        external_url=best(_EXTERNAL, "EwsUrl") or best(_EXTERNAL, "ASUrl"),
        grouping=best(_EXTERNAL, "GroupingInformation"),
    )
