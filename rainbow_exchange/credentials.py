"""Secrets: from the environment, else from a file of their own, else from the keyring (`docs/reference/settings.md`).

The keyring blocks (it may talk to a desktop that asks its user), so `resolve` is called before the event loop runs.
"""

import os
import secrets as secrets_module
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import keyring
import keyring.errors

from rainbow_exchange.errors import UserError

SERVICE = "rainbow-exchange"

_MAX_SECRET_BYTES = 64 * 1024
_KEYRING_SECONDS = 10.0
#: of a credential blob (CRED_MAX_CREDENTIAL_BLOB_SIZE)
_MAX_WINDOWS_BYTES = 2560
#: secrets that `login` writes: their files need not be there yet
_WRITTEN_BY_LOGIN = frozenset({"rainbow.password", "rainbow.app_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Resolved secrets; None where there is none. `keyring_problem` says why the keyring was of no use, or is ""."""

    exchange_password: str | None = field(default=None, repr=False)
    exchange_client_secret: str | None = field(default=None, repr=False)
    exchange_fallback_password: str | None = field(default=None, repr=False)
    exchange_proxy_url: str | None = field(default=None, repr=False)
    rainbow_password: str | None = field(default=None, repr=False)
    rainbow_app_secret: str | None = field(default=None, repr=False)
    rainbow_proxy_url: str | None = field(default=None, repr=False)
    rainbow_proxy_password: str | None = field(default=None, repr=False)
    keyring_problem: str = ""


class GivesSecrets(Protocol):
    """Of `config.Settings`, what tells where secrets are."""

    def given_secrets(self) -> Mapping[str, tuple[str | None, Path | None]]:
        """Dotted key → the value given, the file named."""
        ...


def resolve(settings: GivesSecrets) -> Secrets:
    """Find every secret. Raises UserError with each file that cannot be used; a useless keyring is no error."""
    found: dict[str, str] = {}
    faults: list[str] = []
    absent: list[str] = []
    for key, (value, file) in settings.given_secrets().items():
        if value:
            found[key] = value
        elif file is not None:
            if key in _WRITTEN_BY_LOGIN and not os.path.lexists(file.expanduser()):
                continue
            try:
                found[key] = read_file(file)
            except ValueError as error:
                faults.append(f"{key}_file: {file} {error}.")
        else:
            absent.append(key)
    if faults:
        raise UserError(faults)
    stored, problem = _from_keyring(absent)
    return Secrets(
        **{key.replace(".", "_"): secret for key, secret in (stored | found).items()},
        keyring_problem=problem,
    )


def read_file(file: Path) -> str:
    """Give the secret in `file`, without the line end that editors add. Raises ValueError with what is wrong."""
    try:
        with file.expanduser().open("rb") as stream:
            content = stream.read(_MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); correct the path or let this account read it") from None
    if len(content) > _MAX_SECRET_BYTES:
        raise ValueError("is larger than 64 KiB; name a file that holds the secret alone")
    try:
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8; save it as UTF-8") from None
    if not secret:
        raise ValueError("is empty; write the secret into it")
    return secret


def _from_keyring(keys: list[str]) -> tuple[dict[str, str], str]:
    """Look `keys` up; give what was found, and why the rest could not be looked up ("" when it could)."""
    found: dict[str, str] = {}

    def look_up() -> None:
        for key in keys:
            secret = keyring.get_password(SERVICE, key)
            if secret:
                found[key] = secret

    problem = _bounded(look_up)
    return dict(found), problem  # a copy: a thread that was left behind may still find one


def keep(key: str, secret: str) -> str:
    """Put a secret into the keyring and read it back; say why it could not be done, "" when it was.

    A keyring that writes plain text is refused: whoever wants that names a file.
    """
    if problem := too_long(secret):
        return problem
    back: list[str | None] = []

    def put() -> None:
        if type(keyring.get_keyring()).__name__ == "PlaintextKeyring":
            raise keyring.errors.NoKeyringError
        keyring.set_password(SERVICE, key, secret)
        back.append(keyring.get_password(SERVICE, key))

    return _bounded(put) or ("" if back == [secret] else "the keyring of this account does not keep what is put in")


def too_long(secret: str) -> str:
    """Say why a secret is too long for the keyring of this system, "" when it is not."""
    if sys.platform == "win32" and len(secret.encode("utf-16-le")) > _MAX_WINDOWS_BYTES:
        return f"Windows' Credential Manager keeps {_MAX_WINDOWS_BYTES // 2} characters at most"
    return ""


def look_up(key: str) -> str | None:
    """Give a secret of the keyring; None where there is none, or no keyring."""
    return _from_keyring([key])[0].get(key)


def take_out(key: str) -> str:
    """Take a secret out of the keyring; say why it could not be done, "" when it was, or was not there."""

    def take() -> None:
        if keyring.get_password(SERVICE, key) is not None:
            keyring.delete_password(SERVICE, key)

    return _bounded(take)


def try_keyring() -> str:
    """Put something into the keyring, read it back and take it out; say why it could not be done."""
    key = "storage-check"
    return keep(key, secrets_module.token_hex(32)) or take_out(key)


def _bounded(work: Callable[[], None]) -> str:
    """Do something with the keyring; say why it could not be done, "" when it was."""
    problems: list[str] = []

    def do() -> None:
        try:
            work()
        except keyring.errors.NoKeyringError:
            problems.append("this account has no keyring")
        except Exception as error:  # noqa: BLE001  (backends let errors of D-Bus, of Windows and of their own fly)
            problems.append(f"the keyring of this account cannot be used ({type(error).__name__})")

    # A locked keyring may wait for a person for ever: the thread is left behind then.
    thread = threading.Thread(target=do, name="keyring", daemon=True)
    thread.start()
    thread.join(_KEYRING_SECONDS)
    if thread.is_alive():
        return f"the keyring of this account did not answer within {_KEYRING_SECONDS:g} s"
    return "".join(problems)
