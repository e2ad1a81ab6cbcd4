"""The XML of one frame, read into a tree; and what stands in one, written (pure).

A document type is refused (RFC 6120 section 11.1); comments and processing instructions, which that section forbids as
well, are passed over: closing for their sake would harm us only. A stanza may come from anybody the server routes for:
whatever is well-formed must not end the stream, even where the parser we read with has limits of its own.
"""

import re
from xml.parsers import expat

from lxml import etree

from rainbow_exchange.rainbow.errors import BadFrame
from rainbow_exchange.words import _

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: what does not stand in a text or in an attribute as it is
_SPECIAL = re.compile("[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: bytes of a frame from which on it has a parser of its own; a question has a few hundred
_LARGE = 4 * 1024


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )


_PARSER = _parser()


def printable(text: str) -> str:
    """Replace what XML 1.0 cannot carry by U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


def content(text: str) -> str:
    """Write a text, made printable, as it stands between two tags, byte for byte as lxml does."""
    if not _SPECIAL.search(text):
        return text
    text = printable(text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def quoted(text: str) -> str:
    """Write a text, made printable, as the value of an attribute, with its quotes, byte for byte as lxml does."""
    if _SPECIAL.search(text):
        text = content(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{text}"'


def parse(text: str) -> etree._Element:
    """Read a frame; raises BadFrame.

    Of one that is well-formed, but nested too deeply or otherwise beyond our parser, the bare root is returned.
    """
    if "<!DOCTYPE" in text:
        raise BadFrame("restricted-xml", _("a frame with a document type"))
    try:
        frame = text.encode()
    except UnicodeEncodeError:
        raise BadFrame("not-well-formed", _("a frame that is no Unicode text")) from None
    # a parser keeps, and clears for each frame, a table as large as the most namespaces it has ever seen declared
    parser = _PARSER if len(frame) < _LARGE else _parser()
    try:
        tree: etree._Element = etree.fromstring(frame, parser)
    except (etree.XMLSyntaxError, ValueError):
        return _root(frame)
    return tree


def _root(frame: bytes) -> etree._Element:
    roots: list[etree._Element] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if not roots:
            named = {_clark(key): value for key, value in attributes.items()}
            roots.append(etree.Element(_clark(name), named))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    try:
        parser.Parse(frame, True)  # noqa: FBT003  (it takes no keyword)
        return roots[0]
    except (expat.ExpatError, ValueError):
        raise BadFrame("not-well-formed", _("a frame that is not well-formed XML")) from None


def _clark(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"{{{space}}}{local}" if space else local
