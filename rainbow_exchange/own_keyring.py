"""The keyring of the account that this process runs as. All of it blocks, but never longer than a bound.

The library that leads there chooses a backend by itself. Those that keep nothing, write plain text or ask somebody at a
terminal are as good as none: nothing is put into them. Each entry is read back under its own name, since on Windows one
target can hold another name's secret (keyring's `WinVaultKeyring` moves entries between two targets).
"""

import getpass
import secrets as secrets_module
import sys
import threading
from collections.abc import Callable, Iterable

import keyring
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
from keyring.backend import KeyringBackend

from rainbow_exchange.words import _

SERVICE = "rainbow-exchange"

_SECONDS = 10.0
#: of a credential blob (CRED_MAX_CREDENTIAL_BLOB_SIZE); it is written in UTF-16
_MAX_WINDOWS_BYTES = 2560
NONE_HERE = _("this account has no keyring")

#: the last one that did not answer in time; while it hangs, nobody else is sent after it
_left_behind: list[threading.Thread] = []


def whose() -> str:
    """Name the account that this process runs as, which is whose keyring it has."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # one without a name: a container's number, say
        return _("this account")


def look_up(keys: Iterable[str]) -> tuple[dict[str, str], str]:
    """Give what is there of `keys`, and why the rest could not be looked up, "" when it could."""
    found: dict[str, str] = {}

    def look() -> None:
        backend = keyring.get_keyring()
        for key in keys:
            if secret := _secret(backend, key):
                found[key] = secret

    problem = _bounded(look)
    return dict(found), problem  # a copy: a thread that was left behind may still find one


def keep(key: str, secret: str) -> str:
    """Put a secret in and read it back; say why it could not be done, "" when it was."""
    if problem := too_long(secret):
        return problem
    back: list[str | None] = []
    unfit: list[str] = []

    def put() -> None:
        backend = keyring.get_keyring()
        if why := _unfit(backend):
            unfit.append(why)
            return
        backend.set_password(SERVICE, key, secret)
        back.append(_secret(backend, key))

    if problem := _bounded(put):
        return problem
    if unfit:
        return unfit[0]
    return "" if back == [secret] else _("the keyring of this account does not keep what is put in")


def take_out(key: str) -> str:
    """Take a secret out; say why it could not be done, "" when it was, or was not there."""
    left: list[str] = []

    def take() -> None:
        backend = keyring.get_keyring()
        for each in _chained(backend):
            if _secret(each, key) is not None:
                each.delete_password(SERVICE, key)
        if _secret(backend, key) is not None:
            left.append(_("the keyring of this account does not let go of it"))

    problem = _bounded(take)
    return next(iter(left), "") if problem in {"", NONE_HERE} else problem


def try_out() -> str:
    """Put something in, read it back and take it out; say why it could not be done."""
    key = "storage-check"
    return keep(key, secrets_module.token_hex(32)) or take_out(key)


def too_long(secret: str) -> str:
    """Say why a secret is too long for the keyring of this system, "" when it is not."""
    size = len(secret.encode("utf-16-le", "surrogatepass"))
    if sys.platform == "win32" and size > _MAX_WINDOWS_BYTES:
        most = _MAX_WINDOWS_BYTES
        return _(
            "Windows' Credential Manager keeps {bytes} bytes at most, which is {characters} characters",
            bytes=most,
            characters=most // 2,
        )
    return ""


def _secret(backend: KeyringBackend, key: str) -> str | None:
    found = backend.get_credential(SERVICE, key)
    return found.password if found is not None and found.username == key else None


def _chained(backend: KeyringBackend) -> list[KeyringBackend]:
    """Give the backends that stand behind this one; a chain puts into the first and takes out of it alone."""
    return list(backend.backends) if isinstance(backend, keyring.backends.chainer.ChainerBackend) else [backend]


def _unfit(backend: KeyringBackend) -> str:
    """Say why nothing may be put into this one, "" if it may."""
    first = next(iter(_chained(backend)), None)
    if first is None or isinstance(first, keyring.backends.fail.Keyring):
        return NONE_HERE
    if isinstance(first, keyring.backends.null.Keyring):
        return _("the keyring of this account is switched off (keyring.backends.null)")
    name = f"{type(first).__module__}.{type(first).__name__}"
    if type(first).__name__ == "PlaintextKeyring":
        return _("{none_here} but one that writes plain text ({name})", none_here=NONE_HERE, name=name)
    if name == "keyrings.alt.file.EncryptedKeyring":
        return _(
            "{none_here} but one that asks for a password each time ({name}), which a service cannot answer",
            none_here=NONE_HERE,
            name=name,
        )
    return ""


def _bounded(work: Callable[[], None]) -> str:
    """Do something with the keyring; say why it could not be done, "" when it was."""
    problems: list[str] = []

    def do() -> None:
        try:
            work()
        except keyring.errors.NoKeyringError:
            problems.append(NONE_HERE)
        except Exception as error:  # noqa: BLE001  (backends let errors of D-Bus, of Windows and of their own fly)
            problems.append(_("the keyring of this account cannot be used ({name})", name=type(error).__name__))

    late = _("the keyring of this account did not answer within {seconds:g} s", seconds=_SECONDS)
    _left_behind[:] = [each for each in _left_behind if each.is_alive()]
    if _left_behind:
        return late
    # A locked keyring may wait for a person for ever: the thread is left behind then.
    thread = threading.Thread(target=do, name="keyring", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    if thread.is_alive():
        _left_behind.append(thread)
        return late
    return problems[0] if problems else ""
