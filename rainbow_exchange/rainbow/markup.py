"""The XML of one frame, read into a tree (pure).

A document type is refused (RFC 6120 section 11.1); comments and processing instructions, which that section forbids as
well, are passed over: closing for their sake would harm us only. A stanza may come from anybody the server routes for:
whatever is well-formed must not end the stream, even where the parser we read with has limits of its own.
"""

from xml.parsers import expat

from lxml import etree

from rainbow_exchange.rainbow.errors import BadFrame


def parse(text: str) -> etree._Element:
    """Read a frame; raises BadFrame.

    Of one that is well-formed, but nested too deeply or otherwise beyond our parser, the bare root is returned.
    """
    if "<!DOCTYPE" in text:
        raise BadFrame("restricted-xml", "a frame with a document type")
    try:
        frame = text.encode()
    except UnicodeEncodeError:
        raise BadFrame("not-well-formed", "a frame that is no Unicode text") from None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
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
        raise BadFrame("not-well-formed", "a frame that is not well-formed XML") from None


def _clark(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"{{{space}}}{local}" if space else local
