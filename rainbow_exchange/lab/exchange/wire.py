"""Reading requests and building answers: elements by local name, envelopes as Exchange writes them.

Written apart from the product's reading of the wire on purpose: a mistake there must not cancel out here.
"""

import re
from collections.abc import Iterator

from lxml import etree
from lxml.etree import _Element

from rainbow_exchange.lab.exchange.errors import Fault, Refusal
from rainbow_exchange.lab.exchange.flavour import Flavour

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
_SCHEMA_TYPES = f'xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"'
# Exchange 2016 CU11, as in the captured stream
_VERSION = 'MajorVersion="15" MinorVersion="1" MajorBuildNumber="1591" MinorBuildNumber="10" Version="V2017_07_11"'
_DECLARED = f'xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"'
# Of what XML 1.0 forbids Exchange sends character references (ews.md §10).
_MARKUP = re.compile('[&<>"\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]')
_IN_TEXT = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAME = re.compile("<[^ />]+")
_SAID = re.compile("<m:MessageText(?:/>|>[^<]*</m:MessageText>)")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}

Element = _Element
"""Of what is read."""


class Xml(str):
    """Markup, ready to be sent, as `m` and `t` write it: a tree for each answer would cost more than all else."""

    __slots__ = ()


Child = str | None
"""Xml, or a text that is escaped."""


def _escaped(found: re.Match[str]) -> str:
    return _NAMED.get(found[0]) or f"&#x{ord(found[0]):X};"


def escaped(text: str) -> str:
    """Write a text so that it is read as it is."""
    return _IN_TEXT.sub(_escaped, text)


def _element(name: str, children: tuple[Child, ...], attributes: dict[str, str]) -> Xml:
    head = name
    for key, value in attributes.items():
        head += f' {key}="{_MARKUP.sub(_escaped, value)}"'
    if len(children) == 1 and type(only := children[0]) is str:
        content = _IN_TEXT.sub(_escaped, only)
    else:
        content = "".join([each if type(each) is Xml else escaped(each) for each in children if each is not None])
    return Xml(f"<{head}>{content}</{name}>" if content else f"<{head}/>")


def m(name: str, *children: Child, **attributes: str) -> Xml:
    """Write an element of the messages namespace; None among the children is left out."""
    return _element("m:" + name, children, attributes)


def t(name: str, *children: Child, **attributes: str) -> Xml:
    """Write an element of the types namespace; None among the children is left out."""
    return _element("t:" + name, children, attributes)


def declared(xml: Xml) -> str:
    """Have an element declare what its names, and those below, are of."""
    name = _NAME.match(xml)
    end = 0 if name is None else name.end()
    return f"{xml[:end]} {_DECLARED}{xml[end:]}"


def read_back(xml: Xml) -> Element:
    """Give what was written as what is read."""
    return etree.fromstring(declared(xml))


def boolean(value: bool) -> str:
    """Give `value` as xs:boolean."""
    return "true" if value else "false"


def local(element: Element) -> str:
    """Give the element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element | None) -> Iterator[Element]:
    """Yield the child elements, comments and instructions left out."""
    if element is not None:
        yield from element.iterchildren("{*}*")


def child(element: Element | None, *path: str) -> Element | None:
    """Give the element reached by the local names of `path`, or None."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren("{*}" + name), None)
    return element


def text(element: Element | None, *path: str) -> str:
    """Give the text of the element reached by `path`, "" where it is absent or empty."""
    found = child(element, *path)
    return (found.text or "") if found is not None else ""


def number(written: str | None, *, otherwise: int | None = None) -> int:
    """Read an xs:int; one that is absent gives `otherwise`, or fails the schema as a wrong one does."""
    try:
        return otherwise if not written and otherwise is not None else int(written or "")
    except ValueError as error:
        raise Fault("ErrorSchemaValidation", values={"Violation": f"not an int: {written}"}) from error


def named(element: Element, *names: str) -> Iterator[Element]:
    """Yield each element below, at any depth, with one of these local names."""
    return element.iter(*["{*}" + name for name in names])


def parsed(data: bytes) -> Element:
    """Parse a request; whatever is not XML, or has a document type, fails the schema as it does on Exchange."""
    try:
        root = etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Fault("ErrorSchemaValidation", values={"Violation": str(error)}) from error
    if root.getroottree().docinfo.doctype or local(root) != "Envelope":
        raise Fault("ErrorSchemaValidation", values={"Violation": "not a SOAP envelope"})
    return root


def response_message(name: str, *content: Child, error: Refusal | None = None, warning: str = "") -> Xml:
    """Build a response message: success with its content, or the refusal, in schema order."""
    if error is None:
        code = warning or "NoError"
        return m(name, m("ResponseCode", code), *content, ResponseClass="Warning" if warning else "Success")
    return m(name, *refusal_children(error), *content, ResponseClass="Error")


def refusal_children(error: Refusal) -> tuple[Xml | None, ...]:
    """Give the children of a response message of class Error."""
    values = [t("Value", value, Name=name) for name, value in error.values.items()]
    return (
        m("MessageText", error.text),
        m("ResponseCode", error.code),
        m("DescriptiveLinkKey", "0"),
        m("MessageXml", *values) if values else None,
    )


def reworded(content: Xml, words: str) -> Xml:
    """Have each message of an answer say these words, which may be any, "" for its own."""
    return Xml(_SAID.sub(lambda _: m("MessageText", words), content)) if words else content


def answer(operation: str, *messages: Xml) -> Xml:
    """Build the usual answer: `<m:…Response><m:ResponseMessages>…`."""
    return m(f"{operation}Response", m("ResponseMessages", *messages))


def envelope(body: Xml, flavour: Flavour) -> bytes:
    """Wrap an ordinary answer."""
    soap = flavour.soap_prefix
    return (
        (
            f'<?xml version="1.0" encoding="utf-8"?>'
            f'<{soap}:Envelope xmlns:{soap}="{SOAP}"><{soap}:Header>'
            f'<h:ServerVersionInfo {_VERSION} xmlns:h="{TYPES}" xmlns="{TYPES}" {_SCHEMA_TYPES}/>'
            f"</{soap}:Header><{soap}:Body {_SCHEMA_TYPES}>"
        ).encode()
        + declared(body).encode()
        + f"</{soap}:Body></{soap}:Envelope>".encode()
    )


def stream_envelope(body: Xml, flavour: Flavour) -> bytes:
    """Wrap one message of a stream: no XML declaration, bare root, `soap11:` inside (ews.md §0.1)."""
    if flavour.stream_prefix:
        soap = flavour.stream_prefix
        head = f'<{soap}:Envelope xmlns:{soap}="{SOAP}" {_SCHEMA_TYPES}><{soap}:Header>'
        head += f'<t:ServerVersionInfo xmlns:t="{TYPES}" '
        return (
            (head + f"{_VERSION}/></{soap}:Header><{soap}:Body>").encode()
            + declared(body).encode()
            + f"</{soap}:Body></{soap}:Envelope>".encode()
        )
    return (
        (
            f'<Envelope xmlns="{SOAP}"><soap11:Header xmlns:soap11="{SOAP}">'
            f'<ServerVersionInfo {_SCHEMA_TYPES} {_VERSION} xmlns="{TYPES}" /></soap11:Header>'
            f'<soap11:Body xmlns:soap11="{SOAP}">'
        ).encode()
        + declared(body).encode()
        + b"</soap11:Body></Envelope>"
    )


def fault_envelope(fault: Fault, flavour: Flavour) -> bytes:
    """Build a SOAP fault with its EWS code in the detail; a flavour may know the code in `faultcode` only."""
    if flavour.soap_prefix != "s":
        soap = flavour.soap_prefix
        return (
            f'<{soap}:Envelope xmlns:{soap}="{SOAP}" {_SCHEMA_TYPES}><{soap}:Header/><{soap}:Body><{soap}:Fault>'
            f'<faultcode xsi:type="xsd:string">{fault.code}</faultcode>'
            f'<faultstring xsi:type="xsd:string">{escaped(fault.text)}</faultstring>'
            f"</{soap}:Fault></{soap}:Body></{soap}:Envelope>"
        ).encode()
    values = [t("Value", value, Name=name) for name, value in fault.values.items()]
    message_xml = declared(t("MessageXml", *values)) if values else ""
    said = escaped(fault.text)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{TYPES}">a:{fault.code}</faultcode>'
        f'<faultstring xml:lang="en-US">{said}</faultstring><detail>'
        f'<e:ResponseCode xmlns:e="{ERRORS}">{fault.code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{ERRORS}">{said}</e:Message>{message_xml}'
        f"</detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def legacy_fault_envelope(message: str) -> bytes:
    """Build the fault that has no EWS code (ews.md §5, another's out-of-office)."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}" {_SCHEMA_TYPES}>'
        f'<soap:Header><t:ServerVersionInfo {_VERSION} xmlns:t="{TYPES}" /></soap:Header><soap:Body><soap:Fault>'
        f"<faultcode>soap:Client</faultcode><faultstring>{escaped(message)}</faultstring>"
        f'<detail><ErrorCode xmlns="{MESSAGES}">-2146233088</ErrorCode></detail>'
        f"</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()
