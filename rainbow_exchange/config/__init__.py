"""Settings: names, defaults, where they come from, and what is wrong with them (`docs/reference/settings.md`).

A value comes from the command line, else from a `RAINBOW_EXCHANGE_<GROUP>__<NAME>` variable, else from the TOML file,
else it is the default. Values that are absent are no fault: the daemon starts without them and says what is missing.
"""

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import platformdirs
from pydantic import PrivateAttr, SecretStr
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rainbow_exchange.config.accounts import ResolvedSecrets, missing_credentials
from rainbow_exchange.config.consistency import contradictions
from rainbow_exchange.config.groups import (
    RAINBOW_URL,
    BridgeSettings,
    ExchangeSettings,
    LogSettings,
    RainbowFields,
    RainbowSettings,
    StateSettings,
    WebSettings,
)
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS, Environment, Overrides, SettingsFile, Values
from rainbow_exchange.errors import UserError
from rainbow_exchange.words import _

__all__ = [
    "FILE_NAME",
    "RAINBOW_URL",
    "BridgeSettings",
    "ExchangeSettings",
    "LogSettings",
    "RainbowFields",
    "RainbowSettings",
    "Settings",
    "StateSettings",
    "WebSettings",
    "data_folder",
    "default_folder",
    "known",
    "load",
    "missing",
    "missing_for_exchange",
    "missing_for_rainbow",
    "read",
]

FILE_NAME = "config.toml"


class Settings(BaseSettings):
    """All settings. Built by hand it reads neither environment nor file: `load` does."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True
    )

    exchange: ExchangeSettings = ExchangeSettings()
    rainbow: RainbowSettings = RainbowSettings()
    rainbow_fields: RainbowFields = RainbowFields()
    bridge: BridgeSettings = BridgeSettings()
    web: WebSettings = WebSettings()
    state: StateSettings = StateSettings()
    log: LogSettings = LogSettings()

    #: where `load` lets values come from, strongest first
    sources: ClassVar[tuple[PydanticBaseSettingsSource, ...]] = ()

    _file: Path | None = PrivateAttr(default=None)
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic-settings')
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (same)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (same)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (same)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the values handed in, then those of `sources`."""
        return (init_settings, *cls.sources)

    @property
    def file(self) -> Path | None:
        """The settings file that was read; None where there is none."""
        return self._file

    def value(self, key: str) -> Any:
        """Give the value of `key`."""
        group, _, name = key.partition(".")
        return getattr(getattr(self, group), name)

    def origin(self, key: str) -> str:
        """Where the value of `key` comes from, for a person to read."""
        return self._origins.get(key, "default")

    def name_origins(self, origins: Mapping[str, str]) -> None:
        """Say where these values come from, besides those that were read."""
        self._origins = {**self._origins, **origins}

    def given_secrets(self) -> dict[str, tuple[str | None, Path | None]]:
        """Each key of SECRETS and SECRET_URLS → the value that was given, and the file that holds it instead."""
        given: dict[str, tuple[str | None, Path | None]] = {}
        for key in SECRETS + SECRET_URLS:
            group, name = key.split(".")
            value = getattr(getattr(self, group), name)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            given[key] = (plain, getattr(getattr(self, group), f"{name}_file"))
        return given


def known() -> list[str]:
    """Give every setting's dotted key, in the order in which they stand above."""
    groups = {name: field.annotation for name, field in Settings.model_fields.items()}
    return [
        f"{group}.{name}" for group, model in groups.items() for name in getattr(model, "model_fields", {}) if model
    ]


def load(
    path: Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    look_in_default_folder: bool = True,
) -> Settings:
    """Read the settings, from the file at `path` or from `config.toml` in the default folder if there is one.

    `overrides` (group → name → value) stand above all else. Raises UserError with every fault at once.
    """
    settings, faults = read(path, overrides, look_in_default_folder=look_in_default_folder)
    if faults:
        raise UserError(faults)
    return settings


def read(
    path: Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    look_in_default_folder: bool = True,
) -> tuple[Settings, list[str]]:
    """Read them as `load` does, but give what is right of them, and every fault."""
    file = _default_file() if path is None and look_in_default_folder else path
    overridden, environment = Overrides(Settings, overrides or {}), Environment(Settings, os.environ, known())
    files = [SettingsFile(Settings, file.absolute())] if file is not None else []
    sources: list[Values] = [overridden, environment, *files]

    class Sourced(Settings):
        sources: ClassVar[tuple[PydanticBaseSettingsSource, ...]] = (overridden, environment, *files)

    origins = {key: source.named(key) for source in reversed(sources) for key in source.keys()}  # noqa: SIM118  (no dict)
    faults = [fault for source in sources for fault in source.faults]
    faulty: set[str] = set()
    while True:
        try:
            sourced = Sourced()
            break
        except PydanticValidationError as error:
            # What is faulty is taken out, so that the rest can still be looked at.
            for detail in error.errors(include_url=False):
                key = ".".join(str(part) for part in detail["loc"][:2])
                if key not in faulty:
                    faulty.add(key)
                    origin = next((place for name, place in origins.items() if f"{name}.".startswith(f"{key}.")), None)
                    faults.append(_sentence(key, detail, origin))
                for source in sources:
                    source.drop(*map(str, detail["loc"][:2]))
    settings = Settings(**{group: getattr(sourced, group) for group in Settings.model_fields})
    faults += [text for keys, text in contradictions(settings) if faulty.isdisjoint(keys)]
    settings._file = None if file is None else file.absolute()  # noqa: SLF001  (ours)
    settings._origins = origins  # noqa: SLF001  (ours)
    return settings, faults


_SENTENCES = {
    "bool_parsing": _("must be true or false; correct it."),
    "bool_type": _("must be true or false; correct it."),
    "int_parsing": _("must be a whole number; correct it."),
    "int_type": _("must be a whole number; correct it."),
    "int_from_float": _("must be a whole number; correct it."),
    "string_type": _("must be text; write it in quotes."),
}


def _sentence(key: str, detail: ErrorDetails, origin: str | None) -> str:
    at = _("{key} ({origin})", key=key, origin=origin) if origin else key
    match detail["type"]:
        case "extra_forbidden":
            names = known() if "." in key else list(Settings.model_fields)
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
            text = (
                _("is not a setting; did you mean {near}?", near=near[0])
                if near
                else _("is not a setting; take it out.")
            )
        case "value_error":
            text = _("{error}.", error=detail["ctx"]["error"])
        case "literal_error":
            text = _("must be one of {expected}; correct it.", expected=detail["ctx"]["expected"])
        case "model_type" | "model_attributes_type":
            text = _("is a group of settings; write [{key}] and its settings below.", key=key)
        case other:
            text = _SENTENCES.get(other) or _("is not valid: {msg}; correct it.", msg=detail["msg"])
    return _("{at} {text}", at=at, text=text)


def default_folder() -> Path:
    """Give the folder of settings, state and log: machine-wide for a service, the user's own otherwise."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA") or r"C:\ProgramData") / "rainbow-exchange"
    elif os.geteuid() == 0:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        return Path("/var/lib/rainbow-exchange")
    else:
        return platformdirs.user_data_path("rainbow-exchange", appauthor=False)


def _default_file() -> Path | None:
    file = default_folder() / FILE_NAME
    return file if os.path.lexists(file) else None


def data_folder(settings: Settings) -> Path:
    """Give the folder of state, token and `runtime.json`: `state.path`, else the settings file's, else the default."""
    if settings.state.path is not None:
        return settings.state.path.expanduser().absolute()
    return settings.file.parent if settings.file is not None else default_folder()


def missing(settings: Settings, secrets: ResolvedSecrets) -> list[str]:
    """Keys without a value that the connector cannot run without, in the order in which one would fill them in.

    Without `exchange.url` Exchange is looked for.
    """
    return missing_for_exchange(settings, secrets) + missing_for_rainbow(settings, secrets)


def missing_for_exchange(settings: Settings, secrets: ResolvedSecrets) -> list[str]:
    """Give those of them that the Exchange side needs."""
    return missing_credentials(settings.exchange, secrets)


def missing_for_rainbow(settings: Settings, secrets: ResolvedSecrets) -> list[str]:
    """Give those of them that the Rainbow side needs."""
    needed = [
        ("rainbow.login", settings.rainbow.login),
        ("rainbow.password", secrets.rainbow_password),
        ("rainbow.app_id", settings.rainbow.app_id),
        ("rainbow.app_secret", secrets.rainbow_app_secret),
    ]
    return [key for key, value in needed if not value]
