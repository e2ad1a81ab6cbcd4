"""A Rainbow user, the identifiers by which a mailbox may be found, and what became of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.words import _


class IdentifierKind(StrEnum):
    """Where an identifier of a user comes from, in the order in which they are tried."""

    LOGIN = "login"
    WORK = "work"
    PERSONAL = "personal"
    EXTERNAL_UID = "external-uid"


#: the same in words
SPOKEN = {
    IdentifierKind.LOGIN: _("login"),
    IdentifierKind.WORK: _("work"),
    IdentifierKind.PERSONAL: _("personal"),
    IdentifierKind.EXTERNAL_UID: _("external-uid"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """One way to find a user's mailbox."""

    kind: IdentifierKind
    value: str


@dataclass(frozen=True, slots=True)
class Try:
    """An identifier that did not lead to a mailbox.

    `code` is Exchange's ResponseCode, or "domain" (not the company's), "form" (no address), "taken" (the
    mailbox of another user's login), "shared" (two users claim it, neither by login).
    """

    identifier: Identifier
    code: str


class Coverage(StrEnum):
    """Where a member stands: PENDING until something final is known, COVERED once subscribed, else FAILED."""

    PENDING = "pending"
    COVERED = "covered"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Member:
    """A Rainbow user and what is known of the mailbox. `next_try` only while FAILED or held back."""

    user: RainbowUser
    coverage: Coverage = Coverage.PENDING
    mailbox: Mailbox | None = None
    identifier: Identifier | None = None
    tries: list[Try] = field(default_factory=list)
    reason: str = ""
    next_try: datetime | None = None
    failures: int = 0


def has_form(identifier: Identifier) -> bool:
    """Whether Exchange could know it: an address; an external UID may as well be a UPN, a SID or an alias."""
    return "@" in identifier.value or identifier.kind is IdentifierKind.EXTERNAL_UID


def identifiers_of(user: RainbowUser) -> Iterator[Identifier]:
    """Give the identifiers of a user in the order in which they are tried."""
    if user.login_email:
        yield Identifier(IdentifierKind.LOGIN, user.login_email)
    for address in user.work_emails:
        yield Identifier(IdentifierKind.WORK, address)
    for address in user.personal_emails:
        yield Identifier(IdentifierKind.PERSONAL, address)
    if user.external_uid:
        yield Identifier(IdentifierKind.EXTERNAL_UID, user.external_uid)


def addresses(user: RainbowUser) -> set[str]:
    """Return everything a question may call this user by, in lower case."""
    return {address for address in (*values_of(user), *map(folded, user.other_emails)) if address}


def values_of(user: RainbowUser) -> list[str]:
    """Return the values of the identifiers, in their order, in lower case."""
    values = [user.login_email, *user.work_emails, *user.personal_emails, user.external_uid or ""]
    return [folded(value) for value in values if value]


def domains_of(user: RainbowUser) -> set[str]:
    """Return the domains of login and work addresses, in which personal addresses count."""
    return {domain(address) for address in (user.login_email, *user.work_emails)} - {""}


def folded(address: str) -> str:
    """Write an address so that it can be compared; one that is written so already is kept once."""
    written = address.strip().lower()
    return address if written == address else written


def domain(address: str) -> str:
    """Return the domain of an address, "" where it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""
