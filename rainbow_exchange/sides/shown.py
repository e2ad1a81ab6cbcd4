"""Which settings count and where each comes from, as the status shows it (`docs/reference/status.md`). No secret."""

from typing import Any

from rainbow_exchange import config
from rainbow_exchange.config.redacted import SET, redacted
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.credentials import handed_by_systemd
from rainbow_exchange.sides.combined import RAINBOW
from rainbow_exchange.sides.wanted import Wanted
from rainbow_exchange.words import _


def shown(wanted: Wanted) -> list[dict[str, Any]]:
    """Give each setting that is not its default, and the company's switch: name, value ("set" for secrets), origin."""
    entered, combined = wanted.entered, wanted.combined()
    switch: dict[str, Any] = {"name": "switch", "value": "off" if wanted.switched_off else "on", "origin": "default"}
    if entered is not None and entered.switch_path:
        switch["origin"] = _("{rainbow} ({path})", rainbow=RAINBOW, path=entered.switch_path)
    elif wanted.switched_off:
        switch["origin"] = _("{rainbow}, read earlier", rainbow=RAINBOW)
    found = [switch]
    settings, secrets = combined.settings, combined.secrets
    for key in config.known():
        origin = settings.origin(key)
        if key not in SECRETS and origin != "default":
            found.append({"name": key, "value": redacted(key, settings.value(key)), "origin": origin})
    found.extend(
        {"name": key, "value": SET, "origin": combined.origins.get(key) or whence(wanted, key)}
        for key in SECRETS + SECRET_URLS
        if getattr(secrets, key.replace(".", "_")) is not None and (key in SECRETS or settings.value(key) is None)
    )
    return sorted(found, key=lambda entry: str(entry["name"]))


def whence(wanted: Wanted, key: str) -> str:
    """Say where a secret of this machine comes from."""
    value, file = wanted.settings.given_secrets()[key]
    origin = wanted.settings.origin(key)
    if value or origin != "default":
        return origin
    if file is not None:
        return str(file)
    return "systemd credential" if handed_by_systemd(key) is not None else "keyring"
