"""What a long torture has done so far, in a file: run again, it goes on where it was."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lived:
    """One history: how often what was done in it, and what was wrong, "" if nothing was."""

    number: int
    seconds: float
    uses: dict[str, int]
    wrong: str = ""


@dataclass
class Tally:
    """The histories from number `first` on that have been lived through.

    The file has a line of JSON for each, below one that says from where on they count.
    """

    file: Path
    first: int
    done: set[int] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)
    wrong: list[Lived] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path, *, first: int) -> "Tally":
        """Take up what the file tells, or begin one; a last line that was not written whole is left out."""
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"first": first}) + "\n", encoding="utf-8")
            return cls(file, first)
        head, *lines = file.read_text(encoding="utf-8").split("\n")
        tally = cls(file, json.loads(head)["first"])
        for line in lines[:-1]:
            tally._count(Lived(**json.loads(line)))
        file.write_text("\n".join((head, *lines[:-1], "")), encoding="utf-8")
        return tally

    @classmethod
    def go_on(cls, file: Path, histories: int, *, first: int) -> "Tally":
        """Take up what is left of so many histories; where none is, begin anew from `first`."""
        tally = cls.open(file, first=first)
        if not tally.left(histories):
            file.unlink()
            tally = cls.open(file, first=first)
        return tally

    def left(self, histories: int) -> list[int]:
        """List the numbers that are still to be lived through."""
        return [number for number in range(self.first, self.first + histories) if number not in self.done]

    def add(self, lived: Lived) -> None:
        """Count a history, and write it down."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(lived)) + "\n")
        self._count(lived)

    def _count(self, lived: Lived) -> None:
        self.done.add(lived.number)
        self.uses.update(lived.uses)
        if lived.wrong:
            self.wrong.append(lived)
