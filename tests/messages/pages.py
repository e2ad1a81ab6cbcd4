"""What the pages of messages hold: each message stands as a line of a block of `text`, below what explains it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.messages.gathering import ROOT

FOLDER = ROOT / "docs" / "reference" / "messages"
_BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: its heading, what it says, and the messages that it explains."""

    page: str
    heading: str
    explanation: str
    messages: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}.md, {self.heading}"


def sections() -> Iterator[Section]:
    """Give the parts that hold messages."""
    for file in sorted(FOLDER.glob("*.md")):
        for part in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, _, below = part.partition("\n")
            held = tuple(line for block in _BLOCK.findall(below) for line in block.splitlines() if line)
            if held:
                yield Section(file.stem, heading, _BLOCK.sub("", below).strip(), held)
