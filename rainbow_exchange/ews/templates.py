"""Requests as XML documents with blanks: read once from `soap_templates`, copied, and filled node by node.

Text is never pasted into markup, so every string that XML 1.0 can carry arrives as it was; any other is refused.
"""

import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources

from lxml import etree

from rainbow_exchange.ews.errors import UnencodableText
from rainbow_exchange.ews.namespaces import MESSAGES, TYPES

#: what XML 1.0 has no way to write, not even as a character reference (its production 2, "Char")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: of what is appended; as in the templates, which is quicker than to ask one each time
PREFIXES = {"t": TYPES, "m": MESSAGES, "a": "http://schemas.microsoft.com/exchange/2010/Autodiscover"}

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=True
)


def template(name: str) -> etree._Element:
    """Give a private copy of the envelope in `soap_templates/<name>.xml`."""
    return deepcopy(_read(name))


@cache
def _read(name: str) -> etree._Element:
    text = resources.files("rainbow_exchange.soap_templates").joinpath(f"{name}.xml").read_bytes()
    return etree.fromstring(text, _PARSER)


def writable(text: str) -> str:
    """Return `text` unchanged; raise UnencodableText, which does not repeat it, where XML 1.0 cannot carry it."""
    forbidden = FORBIDDEN.search(text)
    if forbidden:
        raise UnencodableText(f"U+{ord(forbidden[0]):04X} at position {forbidden.start()} has no form in XML")
    return text


def blank(element: etree._Element, path: str) -> etree._Element:
    """Find the one element at `path` (an ElementPath with the template's prefixes)."""
    found: etree._Element | None = element.find(path, {prefix: uri for prefix, uri in element.nsmap.items() if prefix})
    if found is None:  # a template and its operation are one piece
        raise LookupError(f"the template has no {path}")
    return found


def set_text(element: etree._Element, path: str, text: str) -> None:
    """Write `text` into the element at `path`. Raises UnencodableText."""
    blank(element, path).text = writable(text)


def utc_seconds(moment: datetime, *, up: bool = False) -> str:
    """Write an instant in UTC, without offset, in whole seconds: cut, or with `up` the next one."""
    whole = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return (whole + timedelta(seconds=1) if up and moment.microsecond else whole).isoformat()


def append(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Append an element, named as "t:Mailbox" by the template's prefixes, and return it. Raises UnencodableText."""
    prefix, _, local = name.rpartition(":")
    checked = {key: writable(value) for key, value in attributes.items()}
    child: etree._Element = etree.SubElement(parent, f"{{{PREFIXES[prefix]}}}{local}", checked)
    if text is not None:
        child.text = writable(text)
    return child
