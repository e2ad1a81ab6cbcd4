"""The ends of log files."""

import os
from pathlib import Path

#: of one file
MOST_BYTES = 2 * 1024 * 1024
#: files that `logs` has rotated, the newest
_ROTATED = 2


def files(log_file: Path) -> list[Path]:
    """Give the log file and those that were rotated before, the newest first."""
    older = [log_file.with_name(f"{log_file.name}.{number}") for number in range(1, _ROTATED + 1)]
    return [log_file, *(each for each in older if is_there(each, untold=False))]


def lines(path: Path, most: int = MOST_BYTES) -> list[str]:
    """Give the last whole lines of a file that fit into `most` bytes, and say what stands before. Raises OSError."""
    with path.open("rb") as stream:
        before = max(0, stream.seek(0, os.SEEK_END) - most)
        stream.seek(before)
        content = stream.read(most)
    said = []
    if before:
        cut, newline, content = content.partition(b"\n")
        said = [f"({before + len(cut + newline)} bytes stand before this line)"]
    return said + content.decode("utf-8", "replace").splitlines()


def is_there(file: Path, *, untold: bool) -> bool:
    """Whether there is such a file; `untold` where this account may not know."""
    try:
        return file.is_file()
    except OSError:
        return untold
