"""Faults to order: each dial is a plain value that a test turns over the lab's own wire (`/lab/dials`)."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from rainbow_exchange.lab.dial_values import check_choice, check_number

_CHOICES = {
    "auth_schemes": ("Basic", "NTLM", "Negotiate", "Bearer"),
    "extended_protection": ("none", "allow", "require"),
    "server_busy": ("", "fault", "message", "inner", "http"),
    "absence_times": ("utc", "offset", "bare"),
    "external_replies": ("None", "Known", "All"),
    "cut_answers": ("", "short", "broken"),
}
#: numbers that may be below 0: the least that means something, None: any
_LEAST = {"server_busy_milliseconds": None, "server_busy_requests": -1}


@dataclass(slots=True, kw_only=True)
class Dials:
    """The dials with their positions at start. `docs/reference/lab.md` tells what each does."""

    # rights
    impersonation: bool = True
    unauthorized: bool = False
    mailbox_errors: dict[str, str] = field(default_factory=dict)
    availability_errors: dict[str, str] = field(default_factory=dict)
    # signing in
    auth_schemes: list[str] = field(default_factory=lambda: ["Basic"])
    extended_protection: str = "none"
    service_accounts: list[str] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    locked_accounts: list[str] = field(default_factory=list)
    expired_accounts: list[str] = field(default_factory=list)
    lock_out_after: int = 0
    authenticated_requests: int = 0
    balanced_per_request: bool = False
    refuse_early_bodies: bool = False
    trusted_user_header: str = ""
    oauth_token_seconds: int = 3600
    token_status: int = 0
    password_expires: str = ""
    # autodiscover
    autodiscover_forms: list[str] = field(default_factory=lambda: ["soap", "pox"])
    autodiscover_absent_hosts: list[str] = field(default_factory=list)
    autodiscover_http_redirects: dict[str, str] = field(default_factory=dict)
    autodiscover_redirect_urls: dict[str, str] = field(default_factory=dict)
    autodiscover_redirect_addresses: dict[str, str] = field(default_factory=dict)
    ews_urls: dict[str, str] = field(default_factory=dict)
    groupings: dict[str, str] = field(default_factory=dict)
    # answers
    delay_seconds: float = 0.0
    delay_operations: list[str] = field(default_factory=list)
    delay_mailboxes: list[str] = field(default_factory=list)
    late_seconds: float = 0.0
    late_operations: list[str] = field(default_factory=lambda: ["FindItem", "GetUserAvailability"])
    faults: dict[str, str] = field(default_factory=dict)
    unknown_operations: list[str] = field(default_factory=list)
    server_busy: str = ""
    server_busy_milliseconds: int = 5000
    server_busy_requests: int = -1
    server_busy_operations: list[str] = field(default_factory=list)
    web_server_status: int = 0
    cut_answers: str = ""
    charrefs_in_subjects: bool = False
    unasked_fields: bool = False
    error_words: str = ""
    unknown_versions: list[str] = field(default_factory=list)
    # limits
    stream_limit: int = 10
    request_limit: int = 27
    subscription_limit: int = 5000
    burst_milliseconds: int = 0
    recharge_milliseconds: int = 900_000
    cutoff_milliseconds: int = 3_000_000
    cost_milliseconds: int = 0
    availability_days: int = 42
    find_item_limit: int = 1000
    series_as_one: bool = False
    mail_tips_enabled: bool = True
    mail_tips_limit: int = 100
    pending_mail_tips: list[str] = field(default_factory=list)
    mail_tip_errors: dict[str, str] = field(default_factory=dict)
    mail_tip_characters: int = 0
    mail_tip_durations: bool = True
    absence_errors: dict[str, str] = field(default_factory=dict)
    absence_times: str = "utc"
    external_replies: str = "All"
    # servers
    fail_over_minutes: float = 0.0
    move_minutes: float = 0.0
    affinity_cookies_ignored: bool = False
    # streams
    heartbeat_seconds: float = 45.0
    abandoned_seconds: float = 0.0
    subscription_minutes: float = 30.0
    suppress_notifications: bool = False
    notification_delay_seconds: float = 0.0
    notification_spread_seconds: float = 0.0
    notification_copies: int = 1
    silence: bool = False
    bad_mailboxes: list[str] = field(default_factory=list)
    bad_id_code: str = "ErrorSubscriptionNotFound"
    name_bad_ids: bool = True
    # record
    keep_bodies: bool = False

    def turn(self, positions: dict[str, Any]) -> None:
        """Set the named dials; raises ValueError that names an unknown dial or a value of the wrong kind."""
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, value in positions.items():
            if name not in known:
                raise ValueError(f"no dial is called {name!r}")
            wanted = type(known[name])
            whole_for_float = wanted is float and type(value) is int
            if type(value) is not wanted and not whole_for_float:
                raise ValueError(f"dial {name!r} takes a {wanted.__name__}")
            if wanted in (int, float):
                check_number(name, value, least=_LEAST.get(name, 0))
            if name in _CHOICES:
                check_choice(name, value, _CHOICES[name])
            if whole_for_float:
                positions = positions | {name: float(value)}
        for name, value in positions.items():
            setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        """Give every dial with its position."""
        return asdict(self)
