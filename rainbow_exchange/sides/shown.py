"""Which settings count and where each comes from, as the status shows it (`docs/reference/status.md`). No secret."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.credentials import handed_by_systemd
from rainbow_exchange.sides.combined import RAINBOW
from rainbow_exchange.sides.wanted import Wanted

SET = "set"


def shown(wanted: Wanted) -> list[dict[str, Any]]:
    """Give each setting that is not its default, and the company's switch: name, value ("set" for secrets), origin."""
    entered, combined = wanted.entered, wanted.combined()
    switch: dict[str, Any] = {"name": "switch", "value": "off" if wanted.switched_off else "on", "origin": "default"}
    if entered is not None and entered.switch_path:
        switch["origin"] = f"{RAINBOW} ({entered.switch_path})"
    elif wanted.switched_off:
        switch["origin"] = f"{RAINBOW}, read earlier"
    found = [switch]
    for key, value in _values(combined.settings):
        origin = combined.settings.origin(key)
        if key not in SECRETS and origin != "default":
            found.append({"name": key, "value": _written(key, value), "origin": origin})
    found.extend(
        {"name": key, "value": SET, "origin": combined.origins.get(key) or _whence(wanted, key)}
        for key in SECRETS
        if getattr(combined.secrets, key.replace(".", "_")) is not None
    )
    return sorted(found, key=lambda entry: str(entry["name"]))


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    for group, field in type(settings).model_fields.items():
        for name in getattr(field.annotation, "model_fields", {}):
            yield f"{group}.{name}", getattr(getattr(settings, group), name)


def _written(key: str, value: object) -> object:
    if isinstance(value, SecretStr) or (key in SECRET_URLS and "@" in str(value)):
        return SET
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _whence(wanted: Wanted, key: str) -> str:
    """Say where a secret of this machine comes from."""
    value, file = wanted.settings.given_secrets()[key]
    if value:
        return wanted.settings.origin(key)
    if file is not None:
        return str(file)
    return "systemd credential" if handed_by_systemd(key) is not None else "keyring"
