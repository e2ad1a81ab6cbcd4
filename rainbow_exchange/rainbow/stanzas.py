"""XMPP over WebSocket (RFC 7395) as far as we speak it: frames read into plain values, frames written (pure).

Strict in what is written, tolerant in what is read. A frame that XMPP does not allow raises BadFrame.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.markup import parse, printable, quoted

CLIENT = "jabber:client"
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
PING = "urn:xmpp:ping"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
CALENDAR = "urn:xmpp:calendar:0"
APPLICATION = "jabber:iq:application"

#: Bytes of UTF-8 that a stanza of ours has at most: Rainbow's server takes 18,432 and its SDK keeps to this.
MAX_STANZA = 18_380


@dataclass(frozen=True, slots=True)
class Open:
    """The other side's `<open/>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The other side's `<close/>`; where it wants us instead, or ""."""

    see_other_uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFault:
    """A stream error: its condition (RFC 6120 section 4.9.3) and its words; `see_other_host` for that condition."""

    condition: str
    text: str = field(default="", repr=False)
    see_other_host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Stream features; `session` tells whether a session must be asked for."""

    mechanisms: tuple[str, ...] = ()
    bind: bool = False
    session: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sasl:
    """A step of SASL. `kind`: "challenge", "success", "failure"; `content` is base64, or the failure's condition."""

    kind: str
    content: str = field(default="", repr=False)
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iq:
    """An IQ. `payload` is its first child that is no error; `condition` that of an error.

    `wrong` says what of it RFC 6120 section 8.2.3 does not allow, "" for nothing.
    """

    type: str
    id: str
    from_: str
    payload: etree._Element | None = None
    condition: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A presence. `type` is "" for available."""

    type: str
    from_: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Anything else; `name` in Clark notation."""

    name: str
    element: etree._Element


Frame = Open | Close | StreamFault | Features | Sasl | Iq | Presence | Other


def read(text: str) -> Frame:
    """Read one frame; raises BadFrame."""
    tree = parse(text)
    reader = _READERS.get(str(tree.tag))
    if reader is None and namespace(tree) == SASL:
        return _read_sasl(tree, local_name(tree))
    return Other(name=str(tree.tag), element=tree) if reader is None else reader(tree)


def local_name(element: etree._Element) -> str:
    """Tell an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace(element: etree._Element) -> str:
    """Tell an element's namespace, "" for none."""
    return str(element.tag).rpartition("}")[0][1:]


def element(name: str, xmlns: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Build an element in its own default namespace; `from_` stands for the attribute `from`."""
    made: etree._Element = etree.Element(f"{{{xmlns}}}{name}", nsmap={None: xmlns})
    for key, value in attributes.items():
        made.set(key.rstrip("_"), printable(value))
    if text is not None:
        made.text = printable(text)
    return made


def child(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Append an element in the namespace of its parent."""
    made: etree._Element = etree.SubElement(parent, f"{{{namespace(parent)}}}{name}")
    for key, value in attributes.items():
        made.set(key, printable(value))
    if text is not None:
        made.text = printable(text)
    return made


def write(tree: etree._Element) -> str:
    """Serialise as a frame: no XML declaration, nothing around it."""
    return str(etree.tostring(tree, encoding="unicode"))


def open_(domain: str) -> str:
    """Open a stream to `domain`."""
    return write(element("open", FRAMING, to=domain, version="1.0"))


def close() -> str:
    """Close the stream."""
    return write(element("close", FRAMING))


def stream_error(condition: str) -> str:
    """Say why the stream is closed next."""
    fault: etree._Element = etree.Element(f"{{{STREAM}}}error", nsmap={"stream": STREAM})
    fault.append(element(condition, STREAM_ERRORS))
    return write(fault)


def auth(mechanism: str, content: str) -> str:
    """Begin SASL; `content` is base64."""
    return write(element("auth", SASL, content, mechanism=mechanism))


def response(content: str) -> str:
    """Answer a challenge; `content` is base64, "" for nothing."""
    return write(element("response", SASL, content or None))


def bind(id_: str, resource: str) -> str:
    """Ask for `resource`."""
    iq = _request("set", id_)
    payload = element("bind", BIND)
    child(payload, "resource", resource)
    iq.append(payload)
    return write(iq)


def session(id_: str) -> str:
    """Ask for a session (RFC 3921), where the server still insists on one."""
    iq = _request("set", id_)
    iq.append(element("session", SESSION))
    return write(iq)


def ping(id_: str, domain: str) -> str:
    """Ask the server whether it is there (XEP-0199)."""
    iq = _request("get", id_, to=domain)
    iq.append(element("ping", PING))
    return write(iq)


def disco_info(id_: str, domain: str) -> str:
    """Ask the server what it offers (XEP-0030), as the SDK does."""
    iq = _request("get", id_, to=domain)
    iq.append(element("query", DISCO_INFO))
    return write(iq)


def initial_presence(*, app_id: str, user_id: str, company_id: str, client: str, version: str) -> str:
    """Become available, as the SDK does."""
    presence = element("presence", CLIENT)
    application = element("application", APPLICATION)
    for name, value in (
        ("appid", app_id),
        ("userid", user_id),
        ("companyid", company_id),
        ("xrbclient", client),
        ("xrbversion", version),
    ):
        child(application, name, value)
    presence.append(application)
    child(presence, "priority", "5")
    child(presence, "status", "mode=auto")
    return write(presence)


def unavailable() -> str:
    """Become unavailable."""
    return write(element("presence", CLIENT, type="unavailable"))


def result(to: Iq, me: str, payload: etree._Element | None = None) -> etree._Element:
    """Answer an IQ with a result."""
    iq = _answer(to, me, "result")
    if payload is not None:
        iq.append(payload)
    return iq


def result_around(to: Iq, me: str) -> tuple[str, str]:
    """Write what stands before and behind the payload of a result, whose XML the caller writes."""
    named = (("to", to.from_), ("from", me), ("id", to.id))
    addressed = "".join([f" {name}={quoted(value)}" for name, value in named if value])
    return f'<iq xmlns="{CLIENT}" type="result"{addressed}>', "</iq>"


def error(to: Iq, me: str, condition: str, type_: str) -> str:
    """Answer an IQ with a stanza error (RFC 6120 section 8.3)."""
    iq = _answer(to, me, "error")
    fault = child(iq, "error", type=type_)
    fault.append(element(condition, STANZA_ERRORS))
    return write(iq)


def error_of_message(message: etree._Element, me: str, condition: str, type_: str) -> str:
    """Answer a message with a stanza error; what it held is not repeated."""
    attributes = {"to": message.get("from", ""), "from_": me, "id": message.get("id", "")}
    made = element("message", CLIENT, type="error", **{key: value for key, value in attributes.items() if value})
    child(made, "error", type=type_).append(element(condition, STANZA_ERRORS))
    return write(made)


def disco_result(to: Iq, me: str) -> str:
    """Tell who asks what we are and understand."""
    query = element("query", DISCO_INFO)
    child(query, "identity", category="client", type="bot")
    for feature in (DISCO_INFO, DISCO_ITEMS, PING, CALENDAR):
        child(query, "feature", var=feature)
    return write(result(to, me, query))


def no_items(to: Iq, me: str) -> str:
    """Tell who asks that there is nothing below us."""
    return write(result(to, me, element("query", DISCO_ITEMS)))


def bound_jid(iq: Iq) -> str:
    """Read the full JID from the result of `bind`; raises UnexpectedAnswer."""
    payload = iq.payload
    jid = payload.findtext(f"{{{BIND}}}jid") if payload is not None else None
    if not jid or "/" not in jid:
        raise UnexpectedAnswer("bind was answered without a JID")
    return jid.strip()


def _read_stream_fault(tree: etree._Element) -> StreamFault:
    condition, words, host = "undefined-condition", "", ""
    for part in tree:
        if namespace(part) != STREAM_ERRORS:
            continue
        if local_name(part) == "text":
            words = part.text or ""
        else:
            condition = local_name(part)
            host = (part.text or "").strip() if condition == "see-other-host" else ""
    return StreamFault(condition=condition, text=words, see_other_host=host)


def _read_features(tree: etree._Element) -> Features:
    offered = tree.find(f"{{{SESSION}}}session")
    return Features(
        mechanisms=tuple(
            (mechanism.text or "").strip() for mechanism in tree.iterfind(f"{{{SASL}}}mechanisms/{{{SASL}}}mechanism")
        ),
        bind=tree.find(f"{{{BIND}}}bind") is not None,
        session=offered is not None and offered.find(f"{{{SESSION}}}optional") is None,
    )


def _read_sasl(tree: etree._Element, kind: str) -> Sasl:
    if kind != "failure":
        return Sasl(kind=kind, content=(tree.text or "").strip())
    names = [local_name(part) for part in tree]
    condition = next((name for name in names if name != "text"), "not-authorized")
    return Sasl(kind=kind, content=condition, text=tree.findtext(f"{{{SASL}}}text") or "")


def _read_iq(tree: etree._Element) -> Iq:
    type_, condition = tree.get("type", ""), ""
    children = list(tree)
    if type_ == "error":
        fault = next((part for part in children if local_name(part) == "error"), None)
        names = [] if fault is None else [local_name(part) for part in fault if namespace(part) == STANZA_ERRORS]
        condition = next((name for name in names if name != "text"), "undefined-condition")
    payload = next((part for part in children if local_name(part) != "error"), None)
    return Iq(
        type=type_,
        id=tree.get("id", ""),
        from_=tree.get("from", ""),
        payload=payload,
        condition=condition,
        wrong=_wrong(type_, tree.get("id", ""), len(children)),
    )


def _wrong(type_: str, id_: str, children: int) -> str:
    if type_ not in {"get", "set", "result", "error"}:
        return "no type that there is"
    if not id_:
        return "no id"
    return "not one child" if type_ in {"get", "set"} and children != 1 else ""


def _read_presence(tree: etree._Element) -> Presence:
    return Presence(type=tree.get("type", ""), from_=tree.get("from", ""))


#: by the tag as lxml has it; a stanza without a namespace is read as one of ours
_READERS: dict[str, Callable[[etree._Element], Frame]] = {
    f"{{{FRAMING}}}open": lambda _: Open(),
    f"{{{FRAMING}}}close": lambda tree: Close(see_other_uri=tree.get("see-other-uri", "")),
    f"{{{STREAM}}}error": _read_stream_fault,
    f"{{{STREAM}}}features": _read_features,
    f"{{{CLIENT}}}iq": _read_iq,
    f"{{{CLIENT}}}presence": _read_presence,
    "iq": _read_iq,
    "presence": _read_presence,
}


def _request(type_: str, id_: str, **attributes: str) -> etree._Element:
    return element("iq", CLIENT, type=type_, id=id_, **attributes)


def _answer(to: Iq, me: str, type_: str) -> etree._Element:
    attributes = {"to": to.from_, "from_": me, "id": to.id}
    return element("iq", CLIENT, type=type_, **{key: value for key, value in attributes.items() if value})
