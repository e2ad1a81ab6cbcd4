"""The pages of the documentation, and what stands in their code blocks."""

import functools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
_BLOCK = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@functools.cache
def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """Give a page's code blocks of these languages, or all of them."""
    found = _BLOCK.finditer(read(page))
    return [textwrap.dedent(each[3]) for each in found if not languages or each[2] in languages]


def prose(page: Path) -> str:
    """Give a page without its code blocks."""
    return _BLOCK.sub("", read(page))


def code(page: Path) -> str:
    """Give what stands in a page's code blocks and between its backticks."""
    return "\n".join([*blocks(page), *re.findall(r"`([^`\n]+)`", prose(page))])


def examples(*languages: str) -> Iterator[tuple[str, str]]:
    """Give each code block of these languages, with a name for it."""
    for page, name in zip(PAGES, NAMES, strict=True):
        for number, block in enumerate(blocks(page, *languages), 1):
            yield f"{name} {number}", block
