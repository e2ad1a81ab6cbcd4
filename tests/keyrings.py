"""Keyrings in the place of this account's."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
import keyring.backend


class MemoryKeyring(keyring.backend.KeyringBackend):
    #: below all others: keyring chooses among every class that there is, and must not choose one of ours by itself
    priority = -1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is half typed
        self.stored: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.stored[service, username]


class FileKeyring(MemoryKeyring):
    """One that a process of its own can have, by PYTHON_KEYRING_BACKEND, in the file that TEST_KEYRING names."""

    def __init__(self) -> None:
        super().__init__()
        self.file = Path(os.environ.get("TEST_KEYRING", os.devnull))
        entries = json.loads(self.file.read_text()) if self.file.is_file() else []
        self.stored = {(service, username): password for service, username, password in entries}

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password)
        self._write()

    def delete_password(self, service: str, username: str) -> None:
        super().delete_password(service, username)
        self._write()

    def _write(self) -> None:
        self.file.write_text(json.dumps([[*key, password] for key, password in self.stored.items()]))


@contextmanager
def in_memory() -> Iterator[MemoryKeyring]:
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        keyring.set_keyring(before)
