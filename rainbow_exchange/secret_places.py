"""Where a secret is kept on this machine: a value that was given, a file, what systemd hands over, else the keyring.

All of it blocks. Nobody is told any part of a value.
"""

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rainbow_exchange import own_keyring
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.credentials import handed_by_systemd, need_not_exist
from rainbow_exchange.errors import UserError
from rainbow_exchange.private_files import write_private
from rainbow_exchange.secret_files import exposed, read_file
from rainbow_exchange.words import _, sentences, unfilled

#: of whoever the connector runs as at Rainbow
_OF_ACCOUNT = ("rainbow.password", "rainbow.app_secret")

Kind = Literal["variable", "file", "systemd", "keyring", "rainbow"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the secret `key` is kept. `given` and `handed` cannot be changed from here; else `file`; else the keyring.

    `origin` says where `given` stands.
    """

    key: str
    given: str | None = field(default=None, repr=False)
    file: Path | None = None
    handed: Path | None = None
    origin: str = ""

    @property
    def fixed(self) -> bool:
        """Whether nothing that is kept from here has an effect."""
        return self.given is not None or (self.file is None and self.handed is not None)

    def __str__(self) -> str:
        """Say it to a person."""
        if self.given is not None:
            return self.origin or _("the variable {variable}", variable=variable(self.key))
        if self.file is not None:
            return str(self.file)
        return _("the keyring") if self.handed is None else _("systemd's credential {handed}", handed=self.handed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One of the places of a secret, as this account sees it.

    `counts`: it is the one that is asked; `problem`: why nothing comes from there; `remark`: who else may read it.
    """

    kind: Kind
    where: str
    has: bool
    counts: bool = False
    problem: str = ""
    remark: str = ""


def place_of(settings: Settings, key: str) -> Place:
    """Give the place of a secret."""
    given, file = settings.given_secrets()[key]
    origin = settings.origin(key)
    by_variable = origin in {"default", f"variable {variable(key)}"}
    return Place(
        key,
        given or None,
        None if file is None else file.expanduser().absolute(),
        handed_by_systemd(key),
        "" if by_variable else origin,
    )


def seen(settings: Settings, keys: Iterable[str]) -> dict[str, list[Seen]]:
    """Look at every place of these secrets, in the order of precedence."""
    places = [place_of(settings, key) for key in keys]
    stored, problem = own_keyring.look_up(place.key for place in places)
    return {place.key: _seen(place, in_keyring=place.key in stored, problem=problem) for place in places}


def _seen(place: Place, *, in_keyring: bool, problem: str) -> list[Seen]:
    given, file = place.given is not None, place.file is not None
    by_systemd = place.handed is not None
    return [
        Seen(kind="variable", where=place.origin or f"variable {variable(place.key)}", has=given, counts=given),
        _seen_file("file", place.file, f"{place.key}_file", may_be_absent=need_not_exist(place.key), counts=not given),
        _seen_file("systemd", place.handed, "LoadCredential=", counts=not given and not file),
        Seen(
            kind="keyring",
            where=_("keyring of {whose}", whose=own_keyring.whose()),
            has=in_keyring,
            counts=not given and not file and not by_systemd,
            problem=problem,
        ),
    ]


def _seen_file(kind: Kind, file: Path | None, name: str, *, counts: bool, may_be_absent: bool = False) -> Seen:
    if file is None:
        return Seen(kind=kind, where=name, has=False)
    problem = ""
    try:
        read_file(file)
    except ValueError as error:
        problem = str(error)
    if may_be_absent and not os.path.lexists(file):
        problem = _("is not there yet")
    remark = exposed(file) if kind == "file" else ""
    return Seen(kind=kind, where=str(file), has=not problem, counts=counts, problem=problem, remark=remark)


def read(place: Place) -> str | None:
    """Give what is kept there; None where there is nothing, or nothing that could be read."""
    if place.given is not None:
        return place.given
    file = place.file or place.handed
    if file is None:
        return own_keyring.look_up([place.key])[0].get(place.key)
    with suppress(ValueError):
        return read_file(file)
    return None


def write(place: Place, secret: str) -> None:
    """Keep a secret there. Raises UserError; what a value was given for stays as it is."""
    if place.fixed:
        return
    if place.file is None:
        if problem := own_keyring.keep(place.key, secret):
            raise UserError(
                [_("{key} cannot be kept: {problem}.", key=place.key, problem=problem), in_a_file([place.key])]
            )
        return
    try:
        write_file(place.file, secret)
    except OSError as error:
        raise UserError([_unwritable(place, error)]) from None


def write_file(file: Path, secret: str, *, owner: tuple[int, int] | None = None, reader: str = "") -> None:
    """Write a private file, for `owner` or, on Windows, also for `reader`; one that is there stays whose it is.

    Raises OSError.
    """
    mode = 0o600
    if sys.platform != "win32" and os.geteuid() == 0:
        with suppress(FileNotFoundError):
            found = file.stat()
            owner = owner or (found.st_uid, found.st_gid)
            mode |= stat.S_IMODE(found.st_mode) & 0o040
    write_private(file, secret.encode(), owner=owner, mode=mode, reader=reader)


def remove(place: Place) -> None:
    """Take what is kept there away. Raises UserError where it stays."""
    if place.fixed:
        return
    if place.file is None:
        if problem := own_keyring.take_out(place.key):
            raise UserError([_("{key} is still in the keyring: {problem}.", key=place.key, problem=problem)])
        return
    try:
        place.file.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            [
                _(
                    "{key}_file: {file} cannot be removed ({strerror}).",
                    key=place.key,
                    file=place.file,
                    strerror=error.strerror,
                )
            ]
        ) from None


def try_out(wanted: Mapping[Place, str | None]) -> list[str]:
    """Say, one sentence for each fault, why these secrets (None: not known yet) could not be kept."""
    faults: list[str] = []
    needs_keyring = []
    for place, secret in wanted.items():
        if place.fixed:
            if read(place) != secret:
                text = unfilled("{key} is given by {place}, which stands above what is kept from here; take that away.")
                if place.key in _OF_ACCOUNT:
                    text = unfilled(
                        "{key} is given by {place}, which stands above what is kept from here; take that away, or run"
                        " as the account that it belongs to."
                    )
                faults.append(_(text, key=place.key, place=place))
        elif place.file is not None:
            faults += _try_file(place)
        else:
            needs_keyring.append(place.key)
            if problem := own_keyring.too_long(secret or ""):
                faults.append(
                    _(
                        "{key} cannot be kept: {problem}; name a file for it, {key}_file.",
                        key=place.key,
                        problem=problem,
                    )
                )
    if needs_keyring and (problem := own_keyring.try_out()):
        faults.append(
            sentences(
                _("There is nowhere to keep {keys}: {problem}.", keys=_listed(needs_keyring), problem=problem),
                in_a_file(needs_keyring),
            )
        )
    return faults


def in_a_file(keys: list[str]) -> str:
    """Say what can take the place of a keyring that keeps nothing."""
    text = unfilled(
        "Nothing is written in plain text unasked: name a file for it in the settings, {files} (rainbow-exchange secret"
        " set {key} --to-file PATH writes one); or have systemd hand it over (LoadCredential={key}); or give"
        " {variables}; or run this as an account that has a keyring. What the package keyrings.alt brings is none: it"
        " writes plain text, too, or asks for a password at each start."
    )
    if len(keys) > 1:
        text = unfilled(
            "Nothing is written in plain text unasked: name files for them in the settings, {files} (rainbow-exchange"
            " secret set {key} --to-file PATH writes one); or have systemd hand them over (LoadCredential={key}); or"
            " give {variables}; or run this as an account that has a keyring. What the package keyrings.alt brings is"
            " none: it writes plain text, too, or asks for a password at each start."
        )
    files, variables = [f"{key}_file" for key in keys], [variable(key) for key in keys]
    return _(text, files=_listed(files), key=keys[0], variables=_listed(variables))


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return _("{first} and {last}", first=_listed(names[:-1]), last=names[-1])


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
    return (
        []
        if kept == b"check"
        else [_("{key}_file: {parent} does not keep what is written.", key=place.key, parent=place.file.parent)]
    )


def _unwritable(place: Place, error: OSError) -> str:
    return _(
        "{key}_file: {file} cannot be written ({strerror}); correct the path, or let this account write there.",
        key=place.key,
        file=place.file,
        strerror=error.strerror or error,
    )
