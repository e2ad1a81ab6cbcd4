"""The groups of settings: names, kinds and defaults (`docs/reference/settings.md`)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

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
    LogLevel,
    Names,
    Port,
    PrivacyExceptions,
    ProxyUrl,
    RainbowUrl,
    ReadableFile,
    TokenUrl,
)
from rainbow_exchange.rainbow.assumed import FIELDS

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

    host: ListeningHost = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3001
    allowed_hosts: Hosts = ()
    tls_certificate_file: KnownPath | None = None
    tls_key_file: KnownPath | None = None


class StateSettings(_Group):
    """The folder of state, token and `runtime.json`; None: beside the settings file."""

    path: KnownPath | None = None


class LogSettings(_Group):
    """What is logged, how and where besides standard error."""

    level: LogLevel = "info"
    format: Literal["auto", "json", "console"] = "auto"
    file: KnownPath | None = None
    file_megabytes: Annotated[int, Field(ge=1, le=1024)] = 10
    file_count: Annotated[int, Field(ge=1, le=100)] = 5
