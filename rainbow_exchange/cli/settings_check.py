"""All that is wrong with the settings of this machine, or looks so, found without starting anything."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from rainbow_exchange import config, credentials, own_keyring, secret_files
from rainbow_exchange.cli.made_here import with_made
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import without_effect
from rainbow_exchange.errors import UserError
from rainbow_exchange.web import tls

_INSECURE = "exchange.verify_certificates_insecurely_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`faults` keep the service from starting; `warnings` do not; `missing` are settings that it waits for.

    `missing` is None where it cannot be told, because of faults.
    """

    file: Path | None
    account: str
    faults: list[str]
    warnings: list[str]
    missing: list[str] | None


def check(config_file: Path | None) -> Report:
    """Look at settings file, variables, what was made on this machine, and secrets as this account can read them."""
    settings, faults = config.read(config_file)
    warnings = [*without_effect(os.environ, config.known()), *_of_the_file(settings.file), *_of_tls(settings)]
    settings, remarks = with_made(settings)
    warnings += remarks
    missing = None
    if exposed := credentials.exposed_files(settings):
        warnings.append(exposed)
    if (key := settings.web.tls_key_file) is not None and (open_to := secret_files.exposed(key)):
        warnings.append(open_to)
    try:
        tls.of(settings.web.tls_certificate_file, settings.web.tls_key_file)
    except UserError as error:
        faults += error.problems
    try:
        secrets = credentials.resolve(settings)
    except UserError as error:
        faults += error.problems
    else:
        missing = None if faults else config.missing(settings, secrets)
        if secrets.keyring_problem and missing:
            warnings.append(f"Nothing is taken from a keyring: {secrets.keyring_problem}.")
    return Report(file=settings.file, account=own_keyring.whose(), faults=faults, warnings=warnings, missing=missing)


def _of_the_file(file: Path | None) -> list[str]:
    """Say who else may change the file: whoever can, sends the passwords where he likes."""
    if sys.platform == "win32" or file is None:
        return []
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        try:
            mode = file.stat().st_mode
        except OSError:  # which is a fault by itself
            return []
        if not mode & (stat.S_IWGRP | stat.S_IWOTH):
            return []
        whom = "every account of this machine" if mode & stat.S_IWOTH else "its group"
        return [f"{file} may be changed by {whom}; close it: chmod go-w {file}."]


def _of_tls(settings: Settings) -> list[str]:
    if not settings.value(_INSECURE):
        return []
    return [f"{_INSECURE} ({settings.origin(_INSECURE)}) has any server trusted; use exchange.ca_file instead."]
