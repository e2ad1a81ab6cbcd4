"""Spoils XML: the tree (it stays well-formed), the bytes, or as somebody hostile would."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from random import Random

from lxml import etree

from tests.fuzz import blown_up, words
from tests.fuzz.bytes_mutations import spoil

_SPACES = (
    "",
    "urn:x",
    "jabber:client",
    "urn:xmpp:calendar:0",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://schemas.microsoft.com/exchange/services/2006/types",
    "http://schemas.microsoft.com/exchange/services/2006/messages",
)
_BOMB = (
    '<!DOCTYPE {root} [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
_EXTERNAL = '<!DOCTYPE {root} SYSTEM "http://127.0.0.1:1/x.dtd" [<!ENTITY i SYSTEM "file:///etc/hostname">]>'
_MANY = (2, 2, 3, 20, 200)
_DEEP = (3, 30, 200, 260, 1_000, 20_000)


def mutate(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Make another input of the valid one `data`."""
    if not random.randrange(blown_up.SELDOM):
        return blown_up.xml(data, random, random.choice(blown_up.SIZES))
    kind = random.randrange(20)
    if kind < 12:
        return _changed_tree(data, random, others)
    if kind < 13:
        return _written_otherwise(_changed_tree(data, random, others), random)
    if kind < 19:
        return spoil(data, random, others)
    return random.choice(_HOSTILE)(data, random)


@cache
def _parsed(data: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None  # one of a stream of several documents, or one that is broken on purpose


def _changed_tree(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    parsed = _parsed(data)
    if parsed is None:
        return spoil(data, random, others)
    root = deepcopy(parsed)
    for _ in range(random.choice((0, 1, 1, 2, 3, 6))):
        elements = list(root.iter("*"))
        element = elements[random.randrange(len(elements))]
        random.choice(_CHANGES)(element, random, others)
    written = bytes(etree.tostring(root, encoding="utf-8"))
    if not random.randrange(10):  # which no tree can be made to hold
        written = written.replace(b"urn:x", random.choice((b"}x", b"{", b"", b"&#9;")))
    return written


def _remove(element: etree._Element, _: Random, __: Sequence[bytes]) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _double(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    parent = element.getparent()
    if parent is not None and len(element) < 100:
        parent.extend([deepcopy(element) for _ in range(random.choice(_MANY))])


def _move(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    elements = [other for other in element.getroottree().getroot().iter("*") if other is not element]
    if elements and element.getparent() is not None:
        other = random.choice(elements)
        if element not in other.iterancestors():
            other.insert(random.randrange(len(other) + 1), element)


def _turn_around(element: etree._Element, _: Random, __: Sequence[bytes]) -> None:
    element[:] = list(reversed(element))


def _rename(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    other = random.choice(list(element.getroottree().getroot().iter("*")))
    space, name = etree.QName(element).namespace, etree.QName(random.choice((element, other))).localname
    chosen = random.choice((space, etree.QName(other).namespace, *_SPACES))
    element.tag = etree.QName(chosen or None, random.choice((name, name, name + "x", "x-1"))).text


def _say(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    element.text = _writable(words.text(random))


def _say_behind(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    if element.getparent() is not None:
        element.tail = _writable(words.text(random))


def _say_in_a_section(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    element.text = etree.CDATA(_writable(words.text(random)).replace("]]>", ""))


def _attribute(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    names = [*element.attrib, "type", "id", "from", "email", "{urn:x}ResponseClass", "xml:lang"]
    name = str(random.choice(names))
    if name in element.attrib and not random.randrange(3):
        del element.attrib[name]
    else:
        element.set(name.replace("xml:", "{http://www.w3.org/XML/1998/namespace}"), _writable(words.text(random)))


def _wrap(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    parent = element.getparent()
    if parent is not None:
        wrapping = etree.Element(random.choice((element.tag, parent.tag, "x")))
        parent.replace(element, wrapping)
        wrapping.append(element)


def _unwrap(element: etree._Element, _: Random, __: Sequence[bytes]) -> None:
    parent = element.getparent()
    if parent is not None:
        for child in list(element):
            parent.append(child)
        parent.remove(element)


def _aside(element: etree._Element, random: Random, _: Sequence[bytes]) -> None:
    made = random.choice((etree.Comment(" </Envelope> "), etree.ProcessingInstruction("x", "</Envelope>")))
    element.insert(random.randrange(len(element) + 1), made)


def _graft(element: etree._Element, random: Random, others: Sequence[bytes]) -> None:
    other = _parsed(random.choice(others))
    if other is not None:
        element.append(deepcopy(random.choice(list(other.iter("*")))))


def _deepen(element: etree._Element, random: Random, __: Sequence[bytes]) -> None:
    for _ in range(random.choice((3, 30, 200))):
        element = etree.SubElement(element, element.tag)


_CHANGES = (
    _remove,
    _remove,
    _double,
    _move,
    _turn_around,
    _rename,
    _say,
    _say,
    _say,
    _say_behind,
    _say_in_a_section,
    _attribute,
    _attribute,
    _wrap,
    _unwrap,
    _aside,
    _graft,
    _deepen,
)


def _writable(text: str) -> str:
    return "".join(each for each in text if each.isprintable() or each in "\t\n")


def _written_otherwise(data: bytes, random: Random) -> bytes:
    """The same document, as another writer would have put it."""
    text = data.decode("utf-8", "replace")
    return random.choice(
        (
            b"\xef\xbb\xbf" + data,
            b" \0\r\n" + data + b"\0\n",
            b"<?xml version='1.0' encoding='utf-16'?>" + data,
            b"<?xml version='1.1'?>" + data,
            b"<!-- </Envelope> --><?x?>" + data + b"<!-- x -->",
            text.encode("utf-16"),
            text.encode("utf-32-le"),
            b"<?xml version='1.0' encoding='iso-8859-1'?>" + text.encode("latin-1", "xmlcharrefreplace"),
            text.replace(">", ">\n").encode(),
            text.replace("&lt;", "<![CDATA[<]]>").encode(),
        )
    )


def _dtd(data: bytes, random: Random) -> bytes:
    """A document type with an entity that grows, or that stands elsewhere."""
    declared = random.choice((_BOMB, _EXTERNAL)).replace("{root}", "Envelope").encode()
    text = random.choice((b"&i;", b"&a;", b"&c;"))
    place = data.rfind(b"</")
    return random.choice((b"", b"<?xml version='1.0'?>")) + declared + data[:place] + text + data[place:]


def _nested(data: bytes, random: Random) -> bytes:
    """One element within the other, thousands deep."""
    depth, place = random.choice(_DEEP), random.choice((data.rfind(b"</"), data.find(b">") + 1))
    return data[:place] + b"<x>" * depth + b"</x>" * random.choice((depth, depth, depth - 1, 0)) + data[place:]


def _huge_attribute(data: bytes, random: Random) -> bytes:
    place = data.find(b">")
    return data[:place] + b' x="' + b"y" * random.choice((1_000, 100_000, 500_000)) + b'"' + data[place:]


def _many_attributes(data: bytes, random: Random) -> bytes:
    many = b"".join(b' x%d="y"' % number for number in range(random.choice((10, 1_000, 5_000))))
    place = data.find(b">")
    return data[:place] + many + data[place:]


def _many_elements(data: bytes, random: Random) -> bytes:
    place = data.rfind(b"</")
    piece = random.choice((b"<x/>", b"<!-- </Envelope> -->", b"<x>&#1;</x>", b"&amp;", b"<?x?>"))
    return data[:place] + piece * random.choice((100, 5_000)) + data[place:]


_HOSTILE = (_dtd, _dtd, _nested, _huge_attribute, _many_attributes, _many_elements)
