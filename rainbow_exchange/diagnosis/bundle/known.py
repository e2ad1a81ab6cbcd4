"""Names that are known to be of people, found in any text, whatever they look like. Pure."""

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

#: words, and whatever stands between them one by one; a name begins and ends where a word or such a character does
_PIECE = re.compile(r"[\w-]+|[^\w-]")
#: a shorter name stands in too many words of others
_SHORTEST = 3
_END = ""


class Found(NamedTuple):
    """A place in a text, and the name that stands there as it was given."""

    start: int
    end: int
    name: str


class Known:
    """A set of names; case and accents make no difference, nor do the forms of URLs, JSON and XML."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._tree: dict[str, Any] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Look for this name as well, unless it is too short to be one."""
        if len(name.strip()) < _SHORTEST:
            return
        for form in written(name.strip()):
            node = self._tree
            for piece in _PIECE.findall(form):
                node = node.setdefault(_folded(piece), {})
            node[_END] = name.strip()

    def find(self, text: str) -> Iterator[Found]:
        """Give the places where names stand, each the longest, from left to right."""
        if not self._tree:
            return
        pieces = [(found.start(), _folded(found[0])) for found in _PIECE.finditer(text)]
        pieces.append((len(text), _END))
        at, last = 0, len(pieces) - 1
        while at < last:
            node, longest, name = self._tree.get(pieces[at][1]), at, ""
            step = at
            while node is not None:
                step += 1
                if _END in node:
                    longest, name = step, node[_END]
                node = node.get(pieces[step][1]) if step < last else None
            if name:
                yield Found(pieces[at][0], pieces[longest][0], name)
            at = max(longest, at + 1)


def _folded(piece: str) -> str:
    if piece.isascii():
        return piece.lower()
    bare = "".join(each for each in unicodedata.normalize("NFKD", piece) if not unicodedata.combining(each))
    return bare.lower() or piece


def written(name: str) -> set[str]:
    """Give a name as it is written in a text, in a URL, in JSON within a text, and in XML."""
    escaped = json.dumps(name)[1:-1]
    plain = json.dumps(name, ensure_ascii=False)[1:-1]
    urls = {quote(name, safe="", errors="replace"), quote(name, errors="replace")}
    return {name, *urls, escaped, plain, html.escape(name), html.escape(name, quote=False)}
