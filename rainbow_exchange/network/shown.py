"""What is shown to people, made fit for it. Pure.

What a stranger wrote may hold what steers a terminal, a password, or megabytes.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_LONGEST = 200
_CREDENTIALS = re.compile(r"//[^/]*@")


def printable(text: str) -> str:
    """Put a question mark in place of each character that is not printed but obeyed."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shown(text: str, longest: int = _LONGEST) -> str:
    """Give the beginning of `text`, printable, without the credentials of web addresses in it."""
    return printable(_CREDENTIALS.sub("//", text[: 10 * longest])[:longest])


def few(things: Sequence[T], most: int, name: Callable[[T], str] = str) -> str:
    """Name things as one reads them, `most` at most, and say how many more there are."""
    more = len(things) - most
    written = ", ".join(map(name, things[:most]))
    return f"{written} and {more} more" if more > 0 else written


def counted(number: int, noun: str) -> str:
    """Write how many there are, as "1 user" or "2 users"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
