"""The few values that cannot be found out again: in the state and, for when that is lost, in a copy beside it.

Settings made on this machine, and what was made at Rainbow; never a secret. Whoever changes one has the copy written.
Whatever else the state holds costs a slower start when it is lost, and nothing more.
"""

import json
from collections.abc import Callable
from pathlib import Path

import structlog

from rainbow_exchange.json_text import read_json
from rainbow_exchange.private_files import write_private
from rainbow_exchange.state.store import Store

log = structlog.get_logger()

FILE_NAME = "made.json"
KEYS = ("made_settings", "connector", "login_secrets")
_MAX_BYTES = 1 << 20


def copying(store: Store) -> Callable[[], None]:
    """Give what writes the copy of the values as they are now. It blocks: to be called in a thread of its own.

    A copy that cannot be written is logged, and no more.
    """
    file = store.path.with_name(FILE_NAME)
    values = {name: kept for name in KEYS if (kept := store.value(name)) is not None}

    def write() -> None:
        try:
            if values:
                write_private(file, json.dumps(values).encode())
            else:
                file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("made_copy_not_written", reason=error.strerror or str(error))

    return write


def restore(store: Store) -> None:
    """Take the copy where the state knows nothing of all that: it was lost."""
    if any(store.value(name) is not None for name in KEYS):
        return
    try:
        known = copy(store.path.parent)
    except (OSError, ValueError) as error:
        log.warning("made_copy_unreadable", reason=(isinstance(error, OSError) and error.strerror) or "it is damaged")
        return
    for name, value in known.items():
        store.set_value(name, value)
    if known:
        log.info("made_restored", values=sorted(known), reason="the state knew nothing of them")


def copy(folder: Path) -> dict[str, str]:
    """Give the values of the copy in `folder`, none where there is none. Raises OSError and ValueError."""
    try:
        with (folder / FILE_NAME).open("rb") as stream:
            values = read_json(stream.read(_MAX_BYTES))
    except FileNotFoundError:
        return {}
    if not isinstance(values, dict):
        return {}
    return {name: value for name in KEYS if isinstance(value := values.get(name), str) and _is_writable(value)}


def _is_writable(value: str) -> bool:
    """Whether it has a form in UTF-8: JSON can also write half a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
