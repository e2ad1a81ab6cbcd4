"""The page of troubleshooting as tests read it: each symptom with what it says that the commands print."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "troubleshooting.md"


@dataclass(frozen=True)
class Symptom:
    """A section of the page. `quoted`: each command with the lines that it is said to print."""

    title: str
    text: str
    quoted: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def test(self) -> str:
        """What the test is called that brings it about."""
        return "test_" + re.sub(r"[^a-z0-9]+", "_", self.title.lower()).strip("_")

    def led_to_by(self, command: str, printed: Iterable[str]) -> None:
        """Demand that `printed` has the lines that the page quotes of `command`, in their order; "…" is anything."""
        lines = list(printed)
        [quoted] = [lines for name, lines in self.quoted if name == command]
        rest = iter(lines)
        for line in quoted:
            pattern = re.compile(".*".join(re.escape(piece) for piece in line.strip().split("…")))
            found = any(pattern.fullmatch(each.strip()) for each in rest)
            assert found, f"{command} does not print, or not in this place:\n{line}\nIt prints:\n" + "\n".join(lines)


def symptoms() -> list[Symptom]:
    """Read all of them, in the page's order."""
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [_read(section.split("\n## ")[0]) for section in sections]


def _read(section: str) -> Symptom:
    title, _, text = section.partition("\n")
    quoted = []
    for block in re.findall(r"^```text\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        command, *lines = block.splitlines()
        assert command.startswith("> rainbow-exchange "), command
        quoted.append((command.removeprefix("> rainbow-exchange "), tuple(filter(str.strip, lines))))
    return Symptom(title, text, tuple(quoted))
