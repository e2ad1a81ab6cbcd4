"""Rainbow's own words for users, calendar events and auto replies (`docs/reference/rainbow-wire.md`)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RainbowUser:
    """A user of the company, as `GET users?format=full` gives it; addresses as written there.

    `other_emails` are those Rainbow calls neither work nor home. `is_active` is false for terminated
    users and for guests too.
    """

    id: str
    login_email: str
    work_emails: tuple[str, ...] = ()
    personal_emails: tuple[str, ...] = ()
    other_emails: tuple[str, ...] = ()
    external_uid: str | None = None
    language: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who we are at Rainbow after a login. `jid_password` is a secret.

    `company_id` is the account's own company. Texts are "" where Rainbow gave none.
    """

    user_id: str
    company_id: str
    jid: str
    jid_password: str
    roles: tuple[str, ...] = ()
    login: str = ""
    company_name: str = ""
    admin_type: str = ""

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"Account(user_id={self.user_id!r}, company_id={self.company_id!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One `event` of an answer. `type` and `show_as` are Rainbow's spelling; `subject` is never empty."""

    id: str
    subject: str = field(repr=False)
    type: str
    show_as: str
    start: datetime
    end: datetime
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """The answer to an `autoreply` question. `state`: enabled, disabled, scheduled; `audience`: all, known, none."""

    state: str
    start: datetime | None = None
    end: datetime | None = None
    internal_text: str = field(default="", repr=False)
    external_text: str | None = field(default=None, repr=False)
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What Rainbow asks about one person. `kind`: "events" or "autoreply"; dates only where Rainbow gave them (UTC).

    `zone_unknown`: a date named a time zone that is not known, and was read as UTC. `id` is what the link calls it.
    """

    kind: str
    email: str
    start: datetime | None = None
    end: datetime | None = None
    zone_unknown: bool = False
    id: str = field(default="", compare=False)
