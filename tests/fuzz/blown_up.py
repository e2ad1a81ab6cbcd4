"""Valid inputs blown up: one element, entry or text is repeated until a size is reached.

What takes time or memory that grows faster than its input shows so.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from lxml import etree

#: one input in so many is blown up, to so many bytes
SELDOM, SIZES = 300, (20_000, 20_000, 100_000, 300_000)
_PIECES = ("x", "12", "9", "<b>x</b>", "</p>", "a, ", "a/", "\N{EURO SIGN} ", "&#0;", "</Envelope>", "((")


def xml(data: bytes, random: Random, size: int) -> bytes:
    """Blow up a document."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return data * (size // len(data) + 1)
    elements = list(root.iter("*"))
    element = random.choice(elements)
    parent = element.getparent()
    if parent is None or (element.text and element.text.strip() and random.randrange(2)):
        return _repeated_text(root, element, random, size)
    element.tail = None
    piece = etree.tostring(deepcopy(element))
    parent.replace(element, etree.Element("mark"))
    return bytes(etree.tostring(root)).replace(b"<mark/>", piece * (size // len(piece) + 1))


def _repeated_text(root: etree._Element, element: etree._Element, random: Random, size: int) -> bytes:
    piece = random.choice(_PIECES)
    text = piece * (size // len(piece))
    names = list(element.attrib)
    if names and random.randrange(2):
        element.set(str(random.choice(names)), text)
    elif random.randrange(4):
        element.text = text
    else:
        element.insert(0, etree.Comment(text))
    return bytes(etree.tostring(root, encoding="utf-8"))


def json_text(data: bytes, random: Random, size: int) -> bytes:
    """Blow up an answer."""
    whole = json.loads(data)
    path = random.choice(list(_paths(whole)))
    holder = whole
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    if isinstance(holder, list) and random.randrange(2):
        holder += [_numbered(value, number) for number in range(size // (len(json.dumps(value)) + 2))]
    elif isinstance(value, dict):
        value |= {f"x{number}": number for number in range(size // 16)}
    elif isinstance(value, str):
        piece = random.choice(_PIECES)
        holder[path[-1]] = piece * (size // len(piece))
    else:
        holder[path[-1]] = [value] * (size // 8)
    return json.dumps(whole).encode()


def _numbered(value: Any, number: int) -> Any:
    """The same, with texts of its own."""
    if isinstance(value, dict):
        return {key: _numbered(each, number) for key, each in value.items()}
    return f"{value}{number}" if isinstance(value, str) else value


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(each))


def text(data: bytes, random: Random, size: int) -> bytes:
    """Blow up a text: at its end, or a line of it."""
    piece = random.choice(
        (data, *(piece.encode() for piece in _PIECES), b"<", b"<li>", b'"', b",", b"\n", b"x y=", b"[")
    )
    place = random.choice((len(data), data.find(b"\n") + 1, data.find(b"=") + 1))
    return data[:place] + piece * (size // len(piece)) + data[place:]
