"""Spoils bytes: what a broken network, a broken proxy or somebody hostile makes of a valid input."""

from collections.abc import Sequence
from random import Random

#: pieces of markup and text that parsers are known to stumble over
TOKENS = (
    b"\0",
    b"\x01",
    b"\x7f",
    b"\xc3",  # the first half of a character
    b"\xf0\x9f\x98",  # three quarters of one
    b"\xed\xa0\x80",  # half a surrogate pair
    b"\xc0\x80",  # NUL, overlong
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbf\xbf",
    b"&#0;",
    b"&#x1F;",
    b"&#xD800;",
    b"&#99999999999999999999;",
    b"&nbsp;",
    b"&lol;",
    b"&amp;",
    b"&",
    b"<",
    b">",
    b'"',
    b"'",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"--",
    b"<?x y?>",
    b"<?xml version='1.0' encoding='utf-7'?>",
    b"<!DOCTYPE a>",
    b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>",
    b"</Envelope>",
    b"</s:Envelope>",
    b"Envelope",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"9" * 5000,
    b"\r\n",
    b"\t",
    b" " * 200,
    "\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
    "\N{GRINNING FACE}".encode(),
)
_LONGEST_SPAN = 64


def spoil(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Change a few bytes of `data`; `others` are inputs that a piece may be taken from."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_WAYS)(data, random, others)
    return data


def _place(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = _place(data, random)
    return start, min(len(data), start + random.randrange(1, _LONGEST_SPAN))


def _flip(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << random.randrange(8))]) + data[place + 1 :]


def _insert(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    place = _place(data, random)
    return data[:place] + random.choice(TOKENS) + data[place:]


def _replace(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:start] + random.choice(TOKENS) + data[end:]


def _drop(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _double(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 2, 50)) + data[end:]


def _truncate(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    return data[: _place(data, random)]


def _truncate_in_a_character(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    return data[: _place(data, random)] + random.choice((b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"))


def _splice(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    start, place = _place(other, random), _place(data, random)
    return data[:place] + other[start : start + random.randrange(1, 500)] + data[place:]


_WAYS = (_flip, _flip, _insert, _insert, _replace, _drop, _double, _truncate, _truncate_in_a_character, _splice)
