"""The SOAP envelope, out and in. Strict in what is sent, tolerant in what is read, and never content with half of it.

Source: protocols page on EWS §9 (faults), §10 (hardening);
https://learn.microsoft.com/exchange/client-developer/web-service-reference/soap-fault
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lxml import etree

from rainbow_exchange.ews.answers import child_text, first, local_name, message_xml, text_of, within
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.templates import FORBIDDEN, append, template, writable
from rainbow_exchange.ews.treatment import error_from
from rainbow_exchange.ews.types import ConnectingSid, Operation, ReadInParts, ResponseCode

if TYPE_CHECKING:
    from rainbow_exchange.ews.repeat import Repeat

R = TypeVar("R")

#: the lowest that has all we ask for, and the highest that Exchange 2013 knows
SERVER_VERSION = "Exchange2013_SP1"
MAX_ANSWER = 64 * 1024 * 1024

#: bytes of a document from which on it has a parser of its own
_LARGE = 16 * 1024


def _parser() -> etree.XMLParser:
    # UTF-8 is all that EWS speaks; without it, a declaration could choose an encoding that hides a DTD from `_DTD`.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
    )


_PARSER = _parser()
_SPACE = b" \t\r\n\0"
_BOM = b"\xef\xbb\xbf"
_DTD = re.compile(rb"(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_LONGEST_REFERENCE = 64
#: how Exchange 2007 says that only the owner may ask for an out-of-office: no ResponseCode at all
_DENIED_BY_STORE = re.compile(r"(?:[\w.]+\.)?AccessDeniedException\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A whole envelope that holds no fault."""

    body_element: etree._Element
    root: etree._Element

    @property
    def server_version(self) -> str | None:
        """The server's build as its header tells it, "15.1.1591.10", or at least the name of its schema."""
        version = first(self.root, "Header", "ServerVersionInfo")
        if version is None:
            return None
        names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
        numbers = [number for name in names if (number := version.get(name) or child_text(version, name))]
        return ".".join(numbers) or version.get("Version") or None


def build(
    operation: Operation[Any], *, impersonate: ConnectingSid | None = None, server_version: str = SERVER_VERSION
) -> bytes:
    """Write the request for `operation`, in UTF-8. Raises UnencodableText."""
    envelope = template(operation.TEMPLATE)
    header, body = envelope
    header[0].set("Version", writable(server_version))
    if impersonate is not None:
        whom = append(append(header, "t:ExchangeImpersonation"), "t:ConnectingSID")
        append(whom, f"t:{impersonate.kind}", impersonate.value)
    operation.fill(body[0])
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def read(operation: Operation[R], data: bytes) -> Generator[None, None, tuple[R, str | None]]:
    """Read the answer to `operation`, and return what the operation reads and the server's version.

    It takes one step, or several where the answer is read in parts. Where the operation has a `repeat` that knows the
    answer, it is what was read of it before. Raises as `open_envelope` and the operation's `parse`.
    """
    repeat: Repeat[R] | None = getattr(operation, "repeat", None)
    if repeat is not None and repeat.came(data):
        return repeat.stands_for_it, repeat.server_version
    envelope = open_envelope(data)
    version = envelope.server_version
    if repeat is not None:
        repeat.server_version = version
    if isinstance(operation, ReadInParts):
        result: R = yield from operation.parse_in_parts(envelope.body_element)
        return result, version
    return operation.parse(envelope.body_element), version


def open_envelope(data: bytes, *, max_size: int = MAX_ANSWER) -> Envelope:
    """Read a whole answer. Raises MalformedResponse, or ResponseError where it holds a fault, whatever the HTTP status.

    A byte order mark, white space and NUL around the envelope are tolerated; characters that XML 1.0 forbids become
    U+FFFD. An envelope without its end, a DTD, or more than `max_size` bytes are refused.
    """
    body = open_body(data, max_size=max_size)
    return Envelope(body_element=body, root=body.getroottree().getroot())


def open_body(data: bytes, *, max_size: int) -> etree._Element:
    """Do what `open_envelope` does and give the Body alone."""
    root = read_document(data, max_size)
    if local_name(root) != "Envelope":
        raise MalformedResponse(f"a document of <{local_name(root)}> instead of an Envelope")
    body = root[-1] if len(root) else None
    if body is None or local_name(body) != "Body":
        body = first(root, "Body")
    if body is None:
        raise MalformedResponse("an Envelope without Body")
    if len(body) and local_name(body[0]) == "Fault":
        raise fault_error(body[0])
    return body


def read_document(data: bytes, max_size: int) -> etree._Element:
    """Read XML as `open_envelope` does, whatever its root is. Raises MalformedResponse."""
    if len(data) > max_size:
        raise MalformedResponse(f"more than {max_size} bytes")
    data = data.strip(_SPACE).removeprefix(_BOM).lstrip(_SPACE)
    if _DTD.match(data):
        raise MalformedResponse("a document type declaration")
    if b"&" in data and b"&#" in data:  # one byte is looked for many times faster than two
        data = _REFERENCE.sub(_without_forbidden, data)
    # a parser keeps, and clears for each document, a table as large as the most namespaces it has ever seen declared
    parser = _PARSER if len(data) < _LARGE else _parser()
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        mended = _without_stray_bytes(data)
        if mended == data:
            raise MalformedResponse(f"not well-formed at byte {error.offset or 0}") from None
    try:
        return etree.fromstring(mended, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedResponse(f"not well-formed at byte {error.offset or 0}") from None


def fault_error(fault: etree._Element) -> ResponseError:
    """Give the error that a SOAP fault stands for.

    The code is detail/ResponseCode, else the local part of faultcode, whatever the prefix. The store's access-denied
    fault of Exchange 2007, which has neither, becomes ErrorAccessDenied.
    """
    detail = within(fault, "detail")
    if detail is None:
        detail = within(fault, "Detail")
    code = text_of(within(detail, "ResponseCode")) if detail is not None else ""
    text = child_text(fault, "faultstring") or child_text(fault, "Reason", "Text")
    if not code:
        code = child_text(fault, "faultcode") or child_text(fault, "Code", "Subcode", "Value")
        code = code or child_text(fault, "Code", "Value")
    code = code.rpartition(":")[2]
    if not code.startswith("Error") and _DENIED_BY_STORE.match(text):
        code = ResponseCode.ACCESS_DENIED
    return error_from(ResponseCode(code or ResponseCode.UNNAMED), text, message_xml(detail), fault=True)


def _without_forbidden(reference: re.Match[bytes]) -> bytes:
    digits = reference[1] or reference[2]
    if len(digits) < _LONGEST_REFERENCE:
        number = int(digits, 16 if reference[1] else 10)
        if number <= 0x10FFFF and not FORBIDDEN.match(chr(number)):  # noqa: PLR2004  (the last code point there is)
            return reference[0]
    return b"&#xFFFD;"


def _without_stray_bytes(data: bytes) -> bytes:
    """Replace what is no UTF-8 and the control characters that some servers write as they are.

    Only for a document that could not be read: it must be well-formed afterwards, so a missing end stays an error.
    """
    return FORBIDDEN.sub("\ufffd", data.decode("utf-8", "replace")).encode()
