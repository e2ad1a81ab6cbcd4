"""Where a secret is kept on this machine, as the settings say: a value that was given, a file, else the keyring.

All of it blocks.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rainbow_exchange import credentials
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.errors import UserError
from rainbow_exchange.private_files import write_private


@dataclass(frozen=True, slots=True)
class Place:
    """Where the secret `key` is kept. `given` cannot be changed from here; else `file`; else the keyring."""

    key: str
    given: str | None = field(default=None, repr=False)
    file: Path | None = None

    def __str__(self) -> str:
        """Say it to a person."""
        if self.given is not None:
            return f"the variable {variable(self.key)}"
        return "the keyring" if self.file is None else str(self.file)


def place_of(settings: Settings, key: str) -> Place:
    """Give the place of a secret."""
    given, file = settings.given_secrets()[key]
    return Place(key, given or None, None if file is None else file.expanduser().absolute())


def read(place: Place) -> str | None:
    """Give what is kept there; None where there is nothing, or nothing that could be read."""
    if place.given is not None:
        return place.given
    if place.file is None:
        return credentials.look_up(place.key)
    with suppress(ValueError):
        return credentials.read_file(place.file)
    return None


def write(place: Place, secret: str) -> None:
    """Keep a secret there. Raises UserError; what a value was given for stays as it is."""
    if place.given is not None:
        return
    if place.file is None:
        if problem := credentials.keep(place.key, secret):
            raise UserError([f"{place.key} cannot be kept: {problem}."])
        return
    try:
        write_private(place.file, secret.encode())
    except OSError as error:
        raise UserError([_unwritable(place, error)]) from None


def remove(place: Place) -> None:
    """Take what is kept there away. Raises UserError where it stays."""
    if place.given is not None:
        return
    if place.file is None:
        if problem := credentials.take_out(place.key):
            raise UserError([f"{place.key} is still in the keyring: {problem}."])
        return
    try:
        place.file.unlink(missing_ok=True)
    except OSError as error:
        raise UserError([f"{place.key}_file: {place.file} cannot be removed ({error.strerror})."]) from None


def try_out(wanted: Mapping[Place, str | None]) -> list[str]:
    """Say, one sentence for each fault, why these secrets (None: not known yet) could not be kept."""
    faults = []
    needs_keyring = False
    for place, secret in wanted.items():
        if place.given is not None:
            if place.given != secret:
                faults.append(
                    f"{place.key} is given by {place}, which stands above what login keeps; take the variable away, or"
                    " run as the account that it belongs to: --as-account."
                )
        elif place.file is not None:
            faults += _try_file(place)
        else:
            needs_keyring = True
            if problem := credentials.too_long(secret or ""):
                faults.append(f"{place.key} cannot be kept: {problem}; name a file for it, {place.key}_file.")
    if needs_keyring and (problem := credentials.try_keyring()):
        keys = [place.key for place in wanted if place.given is None and place.file is None]
        faults.append(
            f"There is nowhere to keep {' and '.join(keys)}: {problem}. Nothing is written in plain text unasked: name"
            f" files for them in the settings, {' and '.join(f'{key}_file' for key in keys)}, or run this as an account"
            " that has a keyring."
        )
    return faults


def _try_file(place: Place) -> list[str]:
    if place.file is None:
        return []
    probe = place.file.with_name(f"{place.file.name}.check")
    try:
        write_private(probe, b"check")
        kept = probe.read_bytes()
        probe.unlink()
    except OSError as error:
        return [_unwritable(place, error)]
    return [] if kept == b"check" else [f"{place.key}_file: {place.file.parent} does not keep what is written."]


def _unwritable(place: Place, error: OSError) -> str:
    return (
        f"{place.key}_file: {place.file} cannot be written ({error.strerror or error}); correct the path, or let this"
        " account write there."
    )
