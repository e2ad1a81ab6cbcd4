"""Words that are written in escapes (of URLs, JSON, XML and Python, also in each other) or in base64. Pure."""

import base64
import binascii
import html
import re
from urllib.parse import unquote

#: what stands between quotes, brackets of XML and spaces
_WORDS = re.compile(r"[^\s\"'<>]+")
_ESCAPE = re.compile(r"%[0-9a-f]{2}|\\+u[0-9a-f]{4}|\\+x[0-9a-f]{2}|&#?[0-9a-z]{2,8};", re.IGNORECASE)
_UNICODE = re.compile(r"\\+u([0-9a-f]{4})", re.IGNORECASE)
_BYTES = re.compile(r"(?:\\+x[0-9a-f]{2})+", re.IGNORECASE)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{8,4096}={0,2}")
_DEEPEST = 4


def words(text: str) -> list[tuple[int, int, str]]:
    """Give beginning, end and meaning of each word of `text` that is written in escapes."""
    if _ESCAPE.search(text) is None:
        return []
    found = ((word.start(), word.end(), meaning(word[0])) for word in _WORDS.finditer(text))
    return [each for each in found if each[2] != text[each[0] : each[1]]]


def base64s(text: str) -> list[tuple[int, int, str]]:
    """Give beginning, end and meaning of whatever in `text` is readable text in base64."""
    found = ((run.start(), run.end(), _decoded(run[0])) for run in _BASE64.finditer(text))
    return [each for each in found if each[2]]


def meaning(word: str) -> str:
    """Give a word without its escapes, whichever they are."""
    for _ in range(_DEEPEST):
        if _ESCAPE.search(word) is None:
            break
        word = html.unescape(unquote(word))
        word = _UNICODE.sub(lambda found: chr(int(found[1], 16)), word)
        word = _BYTES.sub(_of_bytes, word)
    return word


def _of_bytes(found: re.Match[str]) -> str:
    return bytes.fromhex("".join(re.findall(r"x(..)", found[0], re.IGNORECASE))).decode(errors="replace")


def _decoded(run: str) -> str:
    try:
        bare = run.rstrip("=")
        text = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    text = text.replace("\0", " ")  # which stands between the parts of a sign-in
    return text if text.isprintable() else ""
