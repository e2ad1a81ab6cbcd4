"""The log file: rotated by size, also where somebody reads it, which on Windows keeps it from being renamed."""

import logging.handlers
import os
import shutil
from io import TextIOWrapper
from pathlib import Path

#: of a file's size, what is written more before a rotation that failed is tried again
_AGAIN_AFTER = 0.1


class RotatingFile(logging.handlers.RotatingFileHandler):
    """`name`, and the `count` files that were full before: `name.1` is the newest.

    No line is lost. Where the file cannot be renamed, it is copied and emptied. Where an older one cannot be moved, all
    stay where they are for a while, and what is written goes on in the same file.
    """

    def __init__(self, file: Path, *, size: int, count: int) -> None:
        super().__init__(file, maxBytes=size, backupCount=count, encoding="utf-8", errors="backslashreplace")
        self._size = size

    def _open(self) -> TextIOWrapper:
        """Open it, for our account alone where it is new: mail addresses stand in it."""
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=_for_us_alone)

    def doRollover(self) -> None:  # noqa: N802  (the name is logging's)
        """Rotate; where that fails, go on with the same file."""
        self.close_stream()
        try:
            self._rotate()
            self.maxBytes = self._size
        except OSError:
            self.maxBytes += max(int(self._size * _AGAIN_AFTER), 1)
        self.stream = self._open()

    def close_stream(self) -> None:
        """Let go of the file."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is logging's)
        """Say nothing: there is nowhere left to say it."""

    def _rotate(self) -> None:
        aside = Path(f"{self.baseFilename}.full")  # from before an older one could not be moved
        if aside.exists():
            self._move_up(aside)
        self._set_aside(aside)
        self._move_up(aside)

    def _set_aside(self, aside: Path) -> None:
        base = Path(self.baseFilename)
        if _renamed(base, aside):
            return
        try:
            with base.open("rb") as full, open(aside, "wb", opener=_for_us_alone) as copy:
                shutil.copyfileobj(full, copy)
            os.truncate(base, 0)
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def _move_up(self, aside: Path) -> None:
        """Make it the newest of the old ones. A gap takes up what is moved, so that a move that fails costs no file."""
        old = [Path(f"{self.baseFilename}.{number}") for number in range(1, self.backupCount + 1)]
        gap = next((place for place, file in enumerate(old) if not file.exists()), len(old) - 1)
        for place in range(gap, 0, -1):
            old[place - 1].replace(old[place])
        aside.replace(old[0])


def _renamed(file: Path, other: Path) -> bool:
    """Rename a file; False where that is not allowed, as on Windows while somebody reads it."""
    try:
        file.rename(other)
    except OSError:
        return False
    return True


def _for_us_alone(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
