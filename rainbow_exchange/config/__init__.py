"""Settings: names, defaults, where they come from, and what is wrong with them (`docs/reference/settings.md`).

A value comes from the command line, else from a `RAINBOW_EXCHANGE_<GROUP>__<NAME>` variable, else from the TOML file,
else it is the default. Values that are absent are no fault: the daemon starts without them and says what is missing.
"""

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rainbow_exchange.config.accounts import ResolvedSecrets, missing_credentials
from rainbow_exchange.config.consistency import contradictions
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS, Environment, Overrides, SettingsFile, Values
from rainbow_exchange.config.values import (
    Account,
    Auth,
    AutodiscoverUrl,
    CallbackUrl,
    Domains,
    ExchangeUrl,
    FieldPaths,
    Hosts,
    KnownPath,
    Link,
    ListeningHost,
    LocalHost,
    LogLevel,
    Names,
    Port,
    PrivacyExceptions,
    ProxyUrl,
    RainbowUrl,
    ReadableFile,
    TokenUrl,
)
from rainbow_exchange.errors import UserError
from rainbow_exchange.rainbow.assumed import FIELDS

FILE_NAME = "config.toml"
RAINBOW_URL = "https://openrainbow.com"


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)


class ExchangeSettings(_Group):
    """How to reach Exchange and as whom."""

    url: ExchangeUrl | None = None
    autodiscover_url: AutodiscoverUrl | None = None
    allowed_hosts: Hosts = ()
    username: Account | None = None
    password: SecretStr | None = None
    password_file: KnownPath | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: KnownPath | None = None
    token_url: TokenUrl | None = None
    token_scope: str | None = None
    token_resource: str | None = None
    auth: Auth = "auto"
    impersonation: bool = True
    ca_file: ReadableFile | None = None
    proxy_url: ProxyUrl | None = Field(default=None, repr=False)
    proxy_url_file: KnownPath | None = None
    fallback_username: Account | None = None
    fallback_password: SecretStr | None = None
    fallback_password_file: KnownPath | None = None
    verify_certificates_insecurely_off: bool = False


class RainbowSettings(_Group):
    """How to reach Rainbow and as whom.

    `trusted_askers` None: Rainbow's own servers, as the link knows them. `escape_texts_twice`, `notify_header` and
    `notify_with_token` None: as `rainbow/assumed.py` assumes.
    """

    url: RainbowUrl = RAINBOW_URL
    login: str | None = None
    password: SecretStr | None = None
    password_file: KnownPath | None = None
    app_id: str | None = None
    app_secret: SecretStr | None = None
    app_secret_file: KnownPath | None = None
    company_id: str | None = None
    link: Link = "xmpp"
    trusted_askers: Names | None = None
    escape_texts_twice: bool | None = None
    notify_header: str | None = None
    notify_with_token: bool | None = None
    proxy_url: ProxyUrl | None = Field(default=None, repr=False)
    proxy_url_file: KnownPath | None = None
    proxy_username: str | None = None
    proxy_password: SecretStr | None = None
    proxy_password_file: KnownPath | None = None
    callback_url: CallbackUrl | None = None
    callback_host: ListeningHost | None = None
    callback_port: Port | None = None


class RainbowFields(_Group):
    """Where Rainbow's documents hold what was entered in its administration: paths, the first that leads to a value.

    Its defaults are our own assumptions; an empty list takes that value from nowhere.
    """

    switch: FieldPaths = FIELDS["switch"]
    url: FieldPaths = FIELDS["url"]
    username: FieldPaths = FIELDS["username"]
    password: FieldPaths = FIELDS["password"]
    client_id: FieldPaths = FIELDS["client_id"]
    client_secret: FieldPaths = FIELDS["client_secret"]


class BridgeSettings(_Group):
    """What is passed on, and whose."""

    privacy: Literal["full", "private-masked", "busy-only"] = "private-masked"
    privacy_exceptions: PrivacyExceptions = Field(default_factory=dict)
    mask_personal: bool = True
    domains: Domains = ()
    users_refresh_minutes: Annotated[int, Field(ge=1, le=10080)] = 60
    notify_at_boundaries: bool = True


class WebSettings(_Group):
    """Where the local page is served. When the port is taken, a free one is."""

    host: LocalHost = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3001


class StateSettings(_Group):
    """The folder of state, token and `runtime.json`; None: beside the settings file."""

    path: KnownPath | None = None


class LogSettings(_Group):
    """What is logged, how and where besides standard error."""

    level: LogLevel = "info"
    format: Literal["auto", "json", "console"] = "auto"
    file: KnownPath | None = None


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
    "bool_parsing": "must be true or false; correct it.",
    "bool_type": "must be true or false; correct it.",
    "int_parsing": "must be a whole number; correct it.",
    "int_type": "must be a whole number; correct it.",
    "int_from_float": "must be a whole number; correct it.",
    "string_type": "must be text; write it in quotes.",
}


def _sentence(key: str, detail: ErrorDetails, origin: str | None) -> str:
    at = f"{key} ({origin})" if origin else key
    match detail["type"]:
        case "extra_forbidden":
            names = known() if "." in key else list(Settings.model_fields)
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
            text = "is not a setting; " + (f"did you mean {near[0]}?" if near else "take it out.")
        case "value_error":
            text = f"{detail['ctx']['error']}."
        case "literal_error":
            text = f"must be one of {detail['ctx']['expected']}; correct it."
        case "model_type" | "model_attributes_type":
            text = f"is a group of settings; write [{key}] and its settings below."
        case other:
            text = _SENTENCES.get(other) or f"is not valid: {detail['msg']}; correct it."
    return f"{at} {text}"


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
