"""Secrets: from the environment, else a file of their own, else systemd, else the keyring (`docs/how-to/secrets.md`).

The keyring blocks (it may talk to a desktop that asks its user), so `resolve` is called before the event loop runs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rainbow_exchange import own_keyring
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_files import exposed, read_file
from rainbow_exchange.words import _, sentences

#: the variable by which systemd names the folder of a unit's credentials (systemd.exec, CREDENTIALS)
_CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
#: secrets that `login` writes: their files need not be there yet
_WRITTEN_BY_LOGIN = frozenset({"rainbow.password", "rainbow.app_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Resolved secrets; None where there is none. `keyring_problem` says why the keyring was of no use, or is "".

    `exposed` says which files others may read, too, and what to do (`exposed_files`).
    """

    exchange_password: str | None = field(default=None, repr=False)
    exchange_client_secret: str | None = field(default=None, repr=False)
    exchange_fallback_password: str | None = field(default=None, repr=False)
    exchange_proxy_url: str | None = field(default=None, repr=False)
    rainbow_password: str | None = field(default=None, repr=False)
    rainbow_app_secret: str | None = field(default=None, repr=False)
    rainbow_proxy_url: str | None = field(default=None, repr=False)
    rainbow_proxy_password: str | None = field(default=None, repr=False)
    keyring_problem: str = ""
    exposed: str = field(default="", compare=False)


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
            if not os.path.lexists(file.expanduser()):
                if not need_not_exist(key):
                    says = _("is not there; rainbow-exchange secret set {key} writes it, or correct the path", key=key)
                    faults.append(_("{key}_file: {file} {says}.", key=key, file=file, says=says))
                continue
            try:
                found[key] = read_file(file)
            except ValueError as error:
                faults.append(_("{key}_file: {file} {says}.", key=key, file=file, says=error))
        elif (credential := handed_by_systemd(key)) is not None:
            try:
                found[key] = read_file(credential)
            except ValueError as error:
                faults.append(_("{key}: {file} {says}.", key=key, file=credential, says=error))
        else:
            absent.append(key)
    if faults:
        raise UserError(faults)
    stored, problem = own_keyring.look_up(absent)
    return Secrets(
        **{key.replace(".", "_"): secret for key, secret in (stored | found).items()},
        keyring_problem=problem,
        exposed=exposed_files(settings),
    )


def exposed_files(settings: GivesSecrets) -> str:
    """Say of each file of a secret who may read it that need not, and what to do; "" where nobody may."""
    files = dict.fromkeys(file for value, file in settings.given_secrets().values() if file is not None and not value)
    return sentences(*map(exposed, files))


def need_not_exist(key: str) -> bool:
    """Whether the file of this secret may be absent: `login` writes it."""
    return key in _WRITTEN_BY_LOGIN


def handed_by_systemd(key: str) -> Path | None:
    """Give the credential of this name that systemd has handed to this unit (`LoadCredential=`), None without one."""
    folder = os.environ.get(_CREDENTIALS_DIRECTORY)
    file = Path(folder) / key if folder else None
    return file if file is not None and os.path.lexists(file) else None
