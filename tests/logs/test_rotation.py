import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange import logs
from rainbow_exchange.logs.rotation import RotatingFile


class Rotating:
    """A log file of ten lines, beside which three full ones are kept, and what stands in all of them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "log.json"
        self.handler = RotatingFile(self.file, size=1001, count=3)
        self.written = 0

    def write(self, lines: int) -> None:
        for _ in range(lines):
            self.written += 1
            line = logging.makeLogRecord({"msg": f"{self.written:099}"})
            self.handler.emit(line)

    def files(self) -> dict[str, list[int]]:
        return {
            file.name: [int(line) for line in file.read_text().splitlines()]
            for file in sorted(self.file.parent.iterdir())
            if file.is_file()
        }


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[Rotating]:
    made = Rotating(tmp_path)
    yield made
    made.handler.close()


def read_by_somebody(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As Windows has it: a file that somebody has opened can be neither renamed nor replaced."""
    rename, replace = Path.rename, Path.replace

    def guarded(move: Any) -> Any:
        def moved(file: Path, target: Path) -> Any:
            if {file.name, Path(target).name} & set(names):
                raise PermissionError(13, "used by another process", str(file))
            return move(file, target)

        return moved

    monkeypatch.setattr(Path, "rename", guarded(rename))
    monkeypatch.setattr(Path, "replace", guarded(replace))


def test_the_file_rotates_by_size_and_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(file=tmp_path / "logs" / "log.json", file_bytes=500, file_count=2)

    for number in range(30):
        logging.getLogger("library").warning("é😀", extra={"number": number})

    assert sorted(file.name for file in (tmp_path / "logs").iterdir()) == ["log.json", "log.json.1", "log.json.2"]
    if sys.platform != "win32":  # a file's mode says nothing there
        assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "logs").iterdir())
    assert all(file.stat().st_size <= 500 for file in (tmp_path / "logs").iterdir())
    last = (tmp_path / "logs" / "log.json").read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["number"], json.loads(last)["event"]) == (29, "é😀")
    assert len(capsys.readouterr().err.splitlines()) == 30


def test_the_newest_lines_are_kept_in_order(rotating: Rotating) -> None:
    rotating.write(47)

    assert rotating.files() == {
        "log.json": list(range(41, 48)),
        "log.json.1": list(range(31, 41)),
        "log.json.2": list(range(21, 31)),
        "log.json.3": list(range(11, 21)),
    }


def test_a_file_that_somebody_reads_is_copied_and_emptied(rotating: Rotating, monkeypatch: pytest.MonkeyPatch) -> None:
    read_by_somebody(monkeypatch, "log.json")
    with rotating.file.open() as reader:
        rotating.write(25)
        assert reader.read().split()[-1] == f"{25:099}"

    assert rotating.files() == {
        "log.json": list(range(21, 26)),
        "log.json.1": list(range(11, 21)),
        "log.json.2": list(range(1, 11)),
    }
    if sys.platform != "win32":
        assert rotating.file.with_name("log.json.1").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("read", ["log.json.1", "log.json.2"])
def test_an_old_file_that_somebody_reads_costs_no_line(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    rotating.write(25)
    with monkeypatch.context() as meanwhile:
        read_by_somebody(meanwhile, read)
        rotating.write(40)
        everything = sorted(number for lines in rotating.files().values() for number in lines)
        assert everything == list(range(1, 66))

    rotating.write(10)
    kept = rotating.files()
    assert "log.json.full" not in kept
    assert len(kept) <= 4
    assert kept["log.json"][-1] == 75


def test_a_file_that_cannot_rotate_at_all_goes_on(rotating: Rotating) -> None:
    for number in (1, 2, 3):
        (rotating.file.parent / f"log.json.{number}").mkdir()
        (rotating.file.parent / f"log.json.{number}" / "occupied").write_text("")

    rotating.write(45)

    assert rotating.files() == {"log.json": list(range(11, 46)), "log.json.full": list(range(1, 11))}
