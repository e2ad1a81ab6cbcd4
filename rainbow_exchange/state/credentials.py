"""What has become of credentials, remembered across restarts by a keyed digest of them.

A service manager restarts what ends; a wrong password that were tried at each start would lock the account. The key is
random and this installation's own, so that the state file helps nobody to guess a password.
"""

import hashlib
import hmac
import json
import secrets
from typing import Any

import structlog

from rainbow_exchange.json_text import read_json
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store

log = structlog.get_logger()

_KEY = "credentials_key"
_KEY_BYTES = 32


class CredentialMemory:
    """Records of one side, `name`; only those of credentials in use are kept."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = f"credentials_{name}"
        self._key = _hexadecimal(store.value(_KEY))
        if not self._key:
            self._key = secrets.token_bytes(_KEY_BYTES)
            store.set_value(_KEY, self._key.hex())
        self._records: dict[str, dict[str, Any]] = _read(store.value(self._name))
        self._in_use: set[str] = set()

    def digest(self, *parts: str | None) -> str:
        """Give what a set of credentials is known by; from now on it counts as in use."""
        digest = hmac.new(self._key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()
        self._in_use.add(digest)
        return digest

    def recall(self, digest: str) -> dict[str, Any]:
        """Give the record that was kept last; {} where there is none."""
        return self._records.get(digest, {})

    def keep(self, digest: str, record: dict[str, Any]) -> None:
        """Keep a record (JSON). A state file that cannot be written costs one more attempt after a restart."""
        self._records = {known: self._records[known] for known in self._records if known in self._in_use}
        self._records[digest] = record
        try:
            self._store.set_value(self._name, json.dumps(self._records))
        except StateError as error:
            log.warning("credentials_not_remembered", reason=str(error))


def _hexadecimal(kept: str | None) -> bytes:
    try:
        return bytes.fromhex(kept or "")
    except ValueError:
        return b""


def _read(kept: str | None) -> dict[str, dict[str, Any]]:
    try:
        records = read_json(kept or "{}")
    except ValueError:
        return {}
    if not isinstance(records, dict):
        return {}
    return {digest: record for digest, record in records.items() if isinstance(record, dict)}
