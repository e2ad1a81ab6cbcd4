"""From what was read to the finished bundle."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from secrets import token_bytes
from typing import Any

from rainbow_exchange import __version__
from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.bundle import archive
from rainbow_exchange.diagnosis.bundle.cleaning import Cleaning
from rainbow_exchange.diagnosis.bundle.collect import Read, clean
from rainbow_exchange.diagnosis.bundle.hiding import Hiding, is_of_a_person
from rainbow_exchange.diagnosis.bundle.sources import People
from rainbow_exchange.network.shown import printable
from rainbow_exchange.own_keyring import whose
from rainbow_exchange.secret_files import read_file
from rainbow_exchange.web import runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A zip, what its manifest says, and whose each hash in it is."""

    content: bytes
    manifest: dict[str, Any]
    who: Mapping[str, str]


def make(
    given: Iterable[Read],
    *,
    settings: Settings,
    folder: Path,
    known: People,
    include_addresses: bool,
    now: datetime,
    secrets: Iterable[str] = (),
) -> Bundle:
    """Clean what was read, and pack it; `secrets` are those that whoever packs has, besides those that can be had here.

    The key of the hashes ends with this call.
    """
    hiding = None if include_addresses else Hiding(token_bytes(32), **_known(settings, known))
    cleaning = Cleaning(hiding, {*secrets, *_secrets(settings, folder)})
    parts, missing = clean(given, cleaning)
    about = {
        "product": "rainbow-exchange",
        "version": __version__,
        "made": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "made_as": whose(),
        "people": "as they are" if include_addresses else "hashed",
        "people_known_by": known.whence,
        "daemon": known.why or "running",
    }
    manifest = archive.manifest(cleaning.value(about), parts, missing)
    called = {name.lower(): names[0] for names in known.names for name in names[1:]}
    called |= {names[0].lower(): "" for names in known.names}  # which says it all
    who = {shown: _who(name, called) for shown, name in hiding.who.items()} if hiding is not None else {}
    return Bundle(content=archive.pack(manifest, parts, now), manifest=manifest, who=who)


def whose_hashes(file: str, who: Mapping[str, str]) -> bytes:
    """Give the text that says whose the hashes in that file are."""
    head = f"Who is who in {file}. Keep this file, do not send it: without it nobody can tell.\n\n"
    lines = "".join(f"{shown}\t{printable(name)}\n" for shown, name in sorted(who.items()))
    return (head + lines).encode(errors="backslashreplace")


def _who(name: str, called: Mapping[str, str]) -> str:
    """Say who is meant by a name, and what else that person is called by."""
    return f"{name} ({called[name]})" if called.get(name) else name


def _known(settings: Settings, known: People) -> dict[str, set[str]]:
    """Add to what is known of people whom the settings name, and the account that this runs as."""
    own = (
        settings.rainbow.login,
        settings.rainbow.company_id,
        settings.rainbow.proxy_username,
        settings.exchange.username,
        settings.exchange.fallback_username,
    )
    account = whose()
    people = {*chain.from_iterable(known.names), *filter(None, own), *([account] if is_of_a_person(account) else [])}
    return {"people": people, "domains": known.domains | set(settings.bridge.domains)}


def _secrets(settings: Settings, folder: Path) -> set[str]:
    """Give the secrets that can be had here without asking a keyring: none of what was read should hold one."""
    found: set[str] = set()
    for value, file in settings.given_secrets().values():
        if value:
            found.add(value)
        elif file is not None:
            with contextlib.suppress(ValueError):  # there is none, or it is not ours to read
                found.add(read_file(file))
    with contextlib.suppress(OSError, ValueError):
        found.add(runtime.read_token(folder))
        if running := runtime.read(folder):
            found.add(running.nonce)
    return found
