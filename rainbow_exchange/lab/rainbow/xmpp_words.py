"""The XML of the lab's XMPP server (RFC 7395, RFC 6120). Pure; only what the lab says and reads."""

from collections.abc import Sequence
from copy import deepcopy

from lxml import etree

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
CLIENT = "jabber:client"
STREAMS = "http://etherx.jabber.org/streams"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
PING = "urn:xmpp:ping"
DISCO_INFO = "http://jabber.org/protocol/disco#info"

#: stream errors that say nothing but their name (RFC 6120 section 4.9.3)
CONDITIONS = frozenset(
    {
        "bad-format",
        "bad-namespace-prefix",
        "conflict",
        "connection-timeout",
        "host-gone",
        "host-unknown",
        "improper-addressing",
        "internal-server-error",
        "invalid-from",
        "invalid-namespace",
        "invalid-xml",
        "not-authorized",
        "not-well-formed",
        "policy-violation",
        "remote-connection-failed",
        "reset",
        "resource-constraint",
        "restricted-xml",
        "system-shutdown",
        "undefined-condition",
        "unsupported-encoding",
        "unsupported-feature",
        "unsupported-stanza-type",
        "unsupported-version",
    }
)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
STANZAS = frozenset({f"{{{CLIENT}}}{name}" for name in ("iq", "presence", "message")})


class NotXml(ValueError):
    """A frame that is not one XML element."""


def parse(frame: str) -> etree._Element:
    """Read one frame. Raise NotXml, also for a document type, a comment or a declaration before the element."""
    if not frame.startswith("<") or frame.startswith(("<!", "<?")):
        raise NotXml("a frame starts with its element")
    try:
        return etree.fromstring(frame.encode(), _PARSER)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise NotXml("not well-formed") from error


def text(element: etree._Element) -> str:
    """One frame."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def element(
    namespace: str, name: str, attributes: dict[str, str] | None = None, content: str | None = None
) -> etree._Element:
    """Make an element whose namespace is the default one."""
    made = etree.Element(f"{{{namespace}}}{name}", attributes or {}, nsmap={None: namespace})
    made.text = content
    return made


def opening(domain: str, stream_id: str) -> str:
    """Our `<open/>`."""
    return text(element(FRAMING, "open", {"from": domain, "id": stream_id, "version": "1.0"}))


def closing(see_other_uri: str = "") -> str:
    """Our `<close/>`, and where the client is to go instead."""
    return text(element(FRAMING, "close", {"see-other-uri": see_other_uri} if see_other_uri else None))


def features(mechanisms_offered: Sequence[str], *, signed_in: bool) -> str:
    """Stream features: SASL mechanisms before, bind after signing in."""
    made = etree.Element(f"{{{STREAMS}}}features", nsmap={"stream": STREAMS})
    if signed_in:
        made.append(element(BIND, "bind"))
    else:
        mechanisms = element(SASL, "mechanisms")
        for name in mechanisms_offered:
            etree.SubElement(mechanisms, f"{{{SASL}}}mechanism").text = name
        made.append(mechanisms)
    return text(made)


def stream_error(condition: str, explanation: str = "", content: str | None = None) -> str:
    """Make a stream error; the stream is closed after it."""
    made = etree.Element(f"{{{STREAMS}}}error", nsmap={"stream": STREAMS})
    made.append(element(STREAM_ERRORS, condition, content=content))
    if explanation:
        made.append(element(STREAM_ERRORS, "text", content=explanation))
    return text(made)


def sasl_failure(condition: str) -> str:
    """Refuse a sign-in."""
    failure = element(SASL, "failure")
    etree.SubElement(failure, f"{{{SASL}}}{condition}")
    return text(failure)


def iq(kind: str, identifier: str, *, sender: str | None, to: str | None, payload: etree._Element | None = None) -> str:
    """Make an IQ of any type."""
    attributes = {"type": kind, "id": identifier}
    if sender:
        attributes["from"] = sender
    if to:
        attributes["to"] = to
    made = element(CLIENT, "iq", attributes)
    if payload is not None:
        made.append(payload)
    return text(made)


def disco_info() -> etree._Element:
    """Say what the server is and does."""
    query = element(DISCO_INFO, "query")
    etree.SubElement(query, f"{{{DISCO_INFO}}}identity", {"category": "server", "type": "im", "name": "Rainbow lab"})
    for feature in (PING, DISCO_INFO):
        etree.SubElement(query, f"{{{DISCO_INFO}}}feature", {"var": feature})
    return query


def stanza_error(stanza: etree._Element, condition: str, kind: str, *, sender: str, to: str) -> str:
    """Make the error answer to a stanza."""
    made = element(CLIENT, etree.QName(stanza).localname, {"type": "error", "from": sender, "to": to})
    identifier = stanza.get("id")
    if identifier:
        made.set("id", identifier)
    error = etree.SubElement(made, f"{{{CLIENT}}}error", {"type": kind})
    error.append(element(STANZA_ERRORS, condition))
    return text(made)


def echo(stanza: etree._Element, *, to: str) -> str:
    """Make an error that repeats the stanza it is about (RFC 6120 section 8.3.1), in its words as well."""
    made = element(CLIENT, etree.QName(stanza).localname, {"type": "error", "from": stanza.get("to", ""), "to": to})
    made.set("id", stanza.get("id", ""))
    made.extend(deepcopy(list(stanza)))
    error = etree.SubElement(made, f"{{{CLIENT}}}error", {"type": "modify"})
    error.append(element(STANZA_ERRORS, "not-acceptable"))
    error.append(element(STANZA_ERRORS, "text", content="".join(stanza.itertext())))
    return text(made)


def error_of(stanza: etree._Element) -> tuple[str, str]:
    """Condition and type of an error stanza; ("", "") if it has none as RFC 6120 demands."""
    error = stanza.find(f"{{{CLIENT}}}error")
    if error is None:
        return "", ""
    conditions = [
        etree.QName(child).localname
        for child in error
        if isinstance(child.tag, str) and etree.QName(child).namespace == STANZA_ERRORS
    ]
    named = [condition for condition in conditions if condition != "text"]
    return (named[0] if named else ""), error.get("type", "")
