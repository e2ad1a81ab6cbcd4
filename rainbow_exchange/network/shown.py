"""What is shown to people, made fit for it. Pure.

What a stranger wrote may hold what steers a terminal, a password, or megabytes.
"""

import re
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import TypeVar

from rainbow_exchange.words import Said, _, joined

T = TypeVar("T")

_LONGEST = 200
_CREDENTIALS = re.compile(r"//[^/]*@")
_WHO = re.compile(r"[^\s@<>\"'()\[\],;:=/]+(?=@)")


def printable(text: str) -> str:
    """Put a question mark in place of each character that is not printed but obeyed."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shown(text: str, longest: int = _LONGEST) -> str:
    """Give the beginning of `text`, printable, without the credentials of web addresses in it."""
    fit = printable(_CREDENTIALS.sub("//", text[: 10 * longest])[:longest])
    return text if fit == text else fit  # what is Said stays so


def nameless(text: str) -> str:
    """Give what a server says without whom it names: of a mail address or JID the domain is left."""
    return _WHO.sub("…", text)


def few(things: Collection[T], most: int, name: Callable[[T], str] = str) -> str:
    """Name things as one reads them, `most` at most, and say how many more there are."""
    return first(things, most, len(things), name)


def first(things: Iterable[T], most: int, number: int, name: Callable[[T], str] = str) -> str:
    """Name the first of so many things alike."""
    more = number - most
    named = list(map(name, islice(things, most)))
    written = joined(", ", named) if any(isinstance(each, Said) for each in named) else ", ".join(named)
    return _("{written} and {more} more", written=written, more=more) if more > 0 else written


def counted(number: int, noun: str) -> str:
    """Write how many there are, as "1 user" or "2 users"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def users(number: int) -> Said:
    """Write how many there are, in the middle of a sentence."""
    return _("1 user") if number == 1 else _("{number} users", number=number)


def mailboxes(number: int) -> Said:
    """Write how many there are, in the middle of a sentence."""
    return _("1 mailbox") if number == 1 else _("{number} mailboxes", number=number)


def calendars(number: int) -> Said:
    """Write how many there are, in the middle of a sentence."""
    return _("1 calendar") if number == 1 else _("{number} calendars", number=number)


def changes(number: int) -> Said:
    """Write how many there are, in the middle of a sentence."""
    return _("1 change") if number == 1 else _("{number} changes", number=number)
