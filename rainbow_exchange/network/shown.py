"""What a stranger wrote, made fit to be shown: it may hold what steers a terminal, a password, or megabytes. Pure."""

import re

_LONGEST = 200
_CREDENTIALS = re.compile(r"//[^/]*@")


def printable(text: str) -> str:
    """Put a question mark in place of each character that is not printed but obeyed."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shown(text: str, longest: int = _LONGEST) -> str:
    """Give the beginning of `text`, printable, without the credentials of web addresses in it."""
    return printable(_CREDENTIALS.sub("//", text[: 10 * longest])[:longest])
