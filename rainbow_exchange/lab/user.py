"""A user of the lab: the JSON object that Rainbow gives for a person, and that person's Exchange mailbox."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMPANY_ID = "5f00000000000000000000c1"
COMPANY_NAME = "Acme"
XMPP_DOMAIN = "rainbow.test"

EMAIL_TYPES = ("work", "home", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxOf:
    """The Exchange mailbox of a user: primary `address`, further SMTP `aliases`, and the UPN if it has one."""

    address: str
    aliases: tuple[str, ...] = ()
    upn: str | None = None
    sid: str | None = None
    right: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabUser:
    """A Rainbow user. `emails` are (address, type) pairs with type work, home or other; `mailbox` None: has none."""

    id: str
    login_email: str
    first_name: str = ""
    last_name: str = ""
    display_name: str = ""
    emails: tuple[tuple[str, str], ...] = ()
    external_uid: str | None = None
    roles: tuple[str, ...] = ("user",)
    company_id: str = COMPANY_ID
    company_name: str = COMPANY_NAME
    jid: str = ""
    jid_password: str = field(default="", repr=False)
    is_active: bool = True
    is_initialized: bool = True
    is_terminated: bool = False
    guest_mode: bool = False
    timezone: str = "Europe/Paris"
    language: str = "fr"
    last_update: str = "2026-01-04T10:00:00.000Z"
    user_info: tuple[str | None, str | None] = (None, None)
    extra: Mapping[str, Any] = field(default_factory=dict)
    mailbox: MailboxOf | None = None

    @property
    def work_emails(self) -> tuple[str, ...]:
        """Addresses of type work."""
        return tuple(address for address, kind in self.emails if kind == "work")

    def addresses(self) -> frozenset[str]:
        """Return the login and every address of the profile, lower case."""
        return frozenset({self.login_email.lower(), *(address.lower() for address, _ in self.emails)})

    def as_json(self, form: str = "full", *, private: bool = False) -> dict[str, Any]:
        """Rainbow's user object in format small, medium or full; `private` adds the XMPP password."""
        small: dict[str, Any] = {
            "id": self.id,
            "loginEmail": self.login_email,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "displayName": self.display_name,
            "companyId": self.company_id,
            "companyName": self.company_name,
            "isTerminated": self.is_terminated,
        }
        if form == "small":
            return small
        medium = small | {
            "jid_im": self.jid,
            "jid_tel": f"tel_{self.jid}",
            "lastUpdateDate": self.last_update,
            "lastAvatarUpdateDate": None,
            "guestMode": self.guest_mode,
        }
        if form == "medium":
            return medium
        full = medium | {
            "emails": [{"email": address, "type": kind} for address, kind in self.emails],
            "authenticationExternalUid": self.external_uid,
            "userInfo1": self.user_info[0],
            "userInfo2": self.user_info[1],
            "roles": list(self.roles),
            "isActive": self.is_active,
            "isInitialized": self.is_initialized,
            "timezone": self.timezone,
            "language": self.language,
            "profiles": [],
        }
        if "admin" in self.roles:
            full["adminType"] = "company_admin"
        if private:
            full["jid_password"] = self.jid_password
        return {**self.extra, **full}


def made_id(*parts: str) -> str:
    """24 hex digits, the same for the same parts, shaped like a Rainbow id."""
    return "5f" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:22]


def jid_of(user_id: str, domain: str = XMPP_DOMAIN) -> tuple[str, str]:
    """JID and XMPP password of a user, the same for the same id."""
    local = hashlib.sha256(f"jid\0{user_id}".encode()).hexdigest()[:32]
    password = hashlib.sha256(f"jid password\0{user_id}".encode()).hexdigest()[:32]
    return f"{local}@{domain}", password
