"""Text of the code as Markdown."""

import re
from collections.abc import Iterable, Sequence

from rainbow_exchange import config

#: what is written as code wherever it stands: options, variables, settings, our own command
_CODE = re.compile(
    r"(?<![\w`/-])(--[a-z][a-z-]*|RAINBOW_EXCHANGE_[A-Z_]+|"
    + "|".join(re.escape(key) for key in sorted(config.known(), key=len, reverse=True))
    + r")(?![\w`-])"
)
_PAGE = re.compile(r"docs/reference/([a-z-]+)\.md")


def plain(text: str) -> str:
    """Give a sentence of the code so that Markdown shows it as it is, with names as code and pages as links."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _marked(part) for part in parts)


def _marked(text: str) -> str:
    text = re.sub(r"([*\\]|<(?=[A-Za-z/!]))", r"\\\1", text)
    text = _CODE.sub(r"`\1`", text)
    return _PAGE.sub(lambda found: f"[{found[1].replace('-', ' ')}]({found[1]}.md)", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table; its cells are Markdown without a bare `|`."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
