"""What Rainbow's administration tells a connector: `<message type="management">`, `jabber:iq:configuration` (pure).

The children and their attributes are those of Rainbow's SDK; `docs/reference/rainbow-wire.md`, section "Management
messages". Tolerant: they may be wrapped, have any prefix or none, and lack attributes; what is not meant for a
connector is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from rainbow_exchange.rainbow.stanzas import CLIENT, element, error_of_message, local_name, namespace, write

CONFIGURATION = "jabber:iq:configuration"
#: A message within a message (XEP-0297) was not sent by whom it came from: it orders nothing.
_FORWARDED = "urn:xmpp:forward:0"

_MAX_ORDERS = 10
_MAX_DEPTH = 4
_MAX_TEXT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`connectorcommand`: something to do. "" for an attribute that is not there, or cannot be used."""

    name: str
    id: str = ""
    config_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationChanged:
    """`connectorconfig`: the connector's configuration is to be read again."""

    action: str = ""
    config_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`command_ended` or `import_status`: what whoever began a command is told; nothing for us to do."""

    name: str


Order = Command | ConfigurationChanged | Notice


def read_orders(message: etree._Element) -> tuple[Order, ...]:
    """Read what a stanza orders, at most ten orders; nothing from any other stanza than a management message."""
    if (
        namespace(message) not in ("", CLIENT)
        or local_name(message) != "message"
        or message.get("type") != "management"
    ):
        return ()
    orders: list[Order] = []
    for part in _parts(message, _MAX_DEPTH):
        match local_name(part):
            case "connectorcommand":
                name, id_, config = (_text(part, key) for key in ("command", "commandId", "ldapConfigId"))
                orders.append(Command(name=name, id=id_, config_id=config))
            case "connectorconfig":
                orders.append(ConfigurationChanged(action=_text(part, "action"), config_id=_text(part, "configId")))
            case "command_ended" | "import_status" as name:
                orders.append(Notice(name=name))
    return tuple(orders[:_MAX_ORDERS])


def command_ended(id_: str, to: str, command_id: str) -> str:
    """Tell `to`, who had sent a command, that it has ended."""
    message = element("message", CLIENT, type="management", id=id_, to=to)
    message.append(element("command_ended", CONFIGURATION, commandId=command_id))
    return write(message)


def refused(message: etree._Element, me: str) -> str:
    """Answer a message of somebody who may not order anything (RFC 6120 section 8.3)."""
    return error_of_message(message, me, "forbidden", "auth")


def _parts(parent: etree._Element, depth: int) -> Iterator[etree._Element]:
    for part in parent:
        if namespace(part) == _FORWARDED:
            continue
        if namespace(part) in ("", CLIENT, CONFIGURATION):
            yield part
        if depth > 1:
            yield from _parts(part, depth - 1)


def _text(part: etree._Element, key: str) -> str:
    """Give an attribute, whatever its namespace: printable, without spaces, not too long; "" otherwise."""
    values = [value for name, value in part.attrib.items() if etree.QName(name).localname == key]
    value = str(values[0]).strip() if values else ""
    return value if len(value) <= _MAX_TEXT and value.isprintable() and " " not in value else ""
