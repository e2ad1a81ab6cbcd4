"""ResolveNames: which mailboxes of the directory an address could mean, with all their addresses.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/resolvenames-operation
"""

from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, find_message, first, refusal, text_of
from rainbow_exchange.ews.templates import set_text
from rainbow_exchange.ews.types import ResponseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """One candidate. Addresses are SMTP addresses in lower case; `primary_address` is among `all_addresses`."""

    primary_address: str
    all_addresses: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveNames:
    """Ask the directory for `entry`; Exchange also finds names that merely begin like it."""

    NAME: ClassVar[str] = "ResolveNames"
    TEMPLATE: ClassVar[str] = "resolve_names"

    entry: str

    def fill(self, template: etree._Element, /) -> None:
        """Write the entry. Raises UnencodableText."""
        set_text(template, "m:UnresolvedEntry", self.entry)

    @staticmethod
    def parse(body: etree._Element, /) -> tuple[Resolution, ...]:
        """Read the answer; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> tuple[Resolution, ...]:
    """Read the answer; no match is (). Raises ResponseError, MalformedResponse.

    Several matches come as a Warning with ErrorNameResolutionMultipleResults, and are an answer all the same.
    """
    message = find_message(body, ResolveNames.NAME)
    if child_text(message, "ResponseCode") == ResponseCode.NAME_RESOLUTION_NO_RESULTS:
        return ()
    error = refusal(message)
    if error is not None and error.code != ResponseCode.NAME_RESOLUTION_MULTIPLE_RESULTS:
        raise error
    candidates = (_resolution(element) for element in message.iter("{*}Resolution"))
    return tuple(candidate for candidate in candidates if candidate is not None)


def _resolution(element: etree._Element) -> Resolution | None:
    mailbox = first(element, "Mailbox")
    primary = child_text(mailbox, "EmailAddress").lower()
    if child_text(mailbox, "RoutingType").upper() not in {"", "SMTP"} or "@" not in primary:
        primary = ""
    others = set()
    for entry in element.iter("{*}Entry"):
        kind, colon, address = text_of(entry).rpartition(":")
        if "@" not in address or kind.lower() not in {"", "smtp"}:
            continue
        others.add(address.lower())
        if kind == "SMTP" and colon and not primary:  # in capitals: the primary one among proxy addresses
            primary = address.lower()
    return Resolution(primary_address=primary, all_addresses=frozenset(others | {primary})) if primary else None
