"""Every setting with its value, redacted, and where it comes from: as the running daemon has them, else as it would."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rainbow_exchange import config, secret_places
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.made_here import with_made
from rainbow_exchange.cli.status import SCHEMA_VERSION as STATUS_SCHEMA_VERSION
from rainbow_exchange.config import Settings
from rainbow_exchange.config.redacted import NOT_SET, SET, redacted
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.diagnosis.settings_shown import Shown, of_daemon, with_lines
from rainbow_exchange.errors import UserError

NOT_KNOWN_HERE = "What is entered in Rainbow's administration is known to the running service only."


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All settings in their order. `by_daemon`: as the daemon has them; `remarks`: what that leaves open."""

    by_daemon: bool
    file: Path | None
    settings: list[Shown]
    remarks: list[str] = field(default_factory=list)


def view(config_file: Path | None) -> View:
    """Ask the running daemon, or look for oneself. Raises UserError where settings are faulty and no daemon answers."""
    settings, faults = config.read(config_file)
    try:
        listed = _ask(config.data_folder(settings))
    except local_api.NoAnswerError as error:
        if faults:
            raise UserError(faults) from None
        by_daemon = False
        found, remarks = _own(settings)
        remarks.append(NOT_KNOWN_HERE)
        if error.state != local_api.NOT_RUNNING:
            remarks.append(f"The running service could not be asked ({error}): {error.action}.")
    else:
        by_daemon = True
        found, remarks = of_daemon(listed), []
        if faults:
            remarks.append(
                "The settings on disk have faults since the service read them: rainbow-exchange config check."
            )
    return View(by_daemon=by_daemon, file=settings.file, settings=with_lines(found, settings.file), remarks=remarks)


def _ask(folder: Path) -> list[Mapping[str, Any]]:
    listed = local_api.ask(folder, "/api/status", schema=STATUS_SCHEMA_VERSION).get("settings")
    if not isinstance(listed, list):
        raise local_api.another_version()
    return listed


def _own(settings: Settings) -> tuple[list[Shown], list[str]]:
    """Give what this account sees, and what is wrong with what was made on this machine."""
    settings, remarks = with_made(settings)
    places = secret_places.seen(settings, SECRETS + SECRET_URLS)
    found = []
    for key in config.known():
        shown = Shown(name=key, value=redacted(key, settings.value(key)), origin=settings.origin(key))
        if key in places and (shown.value is None or key in SECRETS):
            shown = _secret(key, shown, places[key])
        found.append(shown)
    return found, remarks


def _secret(key: str, shown: Shown, places: list[secret_places.Seen]) -> Shown:
    """Give a secret by the place that counts; a proxy without one is none, by default."""
    counting = next(place for place in places if place.counts)
    if key in SECRET_URLS and not counting.has and counting.kind == "keyring":
        return shown
    why = counting.problem.partition(";")[0] if counting.kind == "file" else ""
    where = f"{counting.where} {why}" if why else counting.where
    return replace(shown, value=SET if counting.has else NOT_SET, origin=where)
