"""The state as somebody may look at it who must not change it, also while the daemon has it: a copy, thrown away."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rainbow_exchange.state import kept
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import FILE_NAME, Store

#: a file that was written while it was copied is copied again, so often at most
_TRIES = 5
_SUFFIXES = ("", "-wal")


@contextmanager
def snapshot(folder: Path) -> Iterator[Store]:
    """Open a copy of the state in `folder`, empty where there is none; what is written into it is gone afterwards.

    Raises StateError, which names the file that was copied: "unusable" where this account may not read it, else as
    `Store.open` does.
    """
    with tempfile.TemporaryDirectory(prefix="rainbow-exchange-") as name:
        copy = Path(name)
        try:
            _copy(folder, copy)
        except OSError as error:
            text = f"cannot be read ({error.strerror or error}); run this as the account of the service"
            raise StateError("unusable", folder / FILE_NAME, text) from None
        try:
            store = Store.open(copy / FILE_NAME)
        except StateError as error:
            text = str(error).removeprefix(f"{copy / FILE_NAME} ")
            raise StateError(error.kind, folder / FILE_NAME, text) from None
        try:
            kept.restore(store)
            yield store
        finally:
            store.close()


def _copy(folder: Path, to: Path) -> None:
    """Copy what there is, all of it as it was at one moment, if the daemon does not write all the time."""
    for _ in range(_TRIES):
        before = _stamps(folder)
        for file in (*(f"{FILE_NAME}{suffix}" for suffix in _SUFFIXES), kept.FILE_NAME):
            (to / file).unlink(missing_ok=True)
            if (folder / file).exists():
                shutil.copyfile(folder / file, to / file)
        if _stamps(folder) == before:
            return


def _stamps(folder: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for suffix in _SUFFIXES:
        try:
            seen = (folder / f"{FILE_NAME}{suffix}").stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((seen.st_size, seen.st_mtime_ns))
    return found
