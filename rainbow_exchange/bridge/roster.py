"""Rainbow users → mailboxes: which identifier worked, which were tried, and why they failed. Pure.

The identifiers of a user are tried in Rainbow's order: login, work addresses, personal addresses, external UID. One
mailbox belongs to one user: the match by login wins (of two such, the login that is its very address), else nobody, and
it is reported.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser


class IdentifierKind(StrEnum):
    """Where an identifier of a user comes from, in the order in which they are tried."""

    LOGIN = "login"
    WORK = "work"
    PERSONAL = "personal"
    EXTERNAL_UID = "external-uid"


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


@dataclass(frozen=True, slots=True)
class Changes:
    """What a new list of users changed: `changed` lost the identifier by which their mailbox was found."""

    added: tuple[Member, ...]
    removed: tuple[Member, ...]
    changed: tuple[Member, ...]


class Roster:
    """The users of the company and the mailboxes that are theirs.

    `domains`: where personal addresses count; None means those of logins and work addresses, or a user could claim
    another's mailbox by editing a profile.
    """

    def __init__(self, *, domains: Iterable[str] | None = None) -> None:
        self._configured_domains = frozenset(domain.lower() for domain in domains) if domains else None
        self._domains: frozenset[str] = frozenset()
        self._members: dict[str, Member] = {}
        self._by_address: dict[str, dict[str, Member]] = {}
        self._holders: dict[str, str] = {}
        self._contested: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members.values()))

    def get(self, user_id: str) -> Member | None:
        """Return the member with this Rainbow id."""
        return self._members.get(user_id)

    def replace(self, users: Iterable[RainbowUser]) -> Changes:
        """Take a full listing of the company; users that are not active count as removed."""
        listed = {user.id: user for user in users if user.is_active}
        removed = tuple(self._members[user_id] for user_id in self._members.keys() - listed.keys())
        for member in removed:
            self._drop(member)
        added, changed = [], []
        for user in listed.values():
            known = self._members.get(user.id)
            if known is None:
                added.append(self._add(user))
            elif known.user != user and self._rename(known, user):
                changed.append(known)
        self._learn_domains()
        return Changes(tuple(added), removed, tuple(changed))

    def add(self, user: RainbowUser) -> tuple[Member, Changes]:
        """Take one user outside a full listing; return the member, known or new, and what that changed."""
        member, added, changed = self._members.get(user.id), [], []
        if member is None:
            added.append(member := self._add(user))
        elif member.user != user and self._rename(member, user):
            changed.append(member)
        self._learn_domains()
        return member, Changes(tuple(added), (), tuple(changed))

    def identifiers(self, member: Member, *, first: Identifier | None = None) -> tuple[list[Identifier], list[Try]]:
        """Return what to try, in order, and what not, with the reason; `first` goes ahead if it is still the user's."""
        wanted: list[Identifier] = []
        refused: list[Try] = []
        seen: set[str] = set()
        for identifier in _identifiers(member.user):
            value = identifier.value.lower()
            if value in seen:
                continue
            seen.add(value)
            if not _has_form(identifier):
                refused.append(Try(identifier, "form"))
            elif identifier.kind is IdentifierKind.PERSONAL and _domain(value) not in self._domains:
                refused.append(Try(identifier, "domain"))
            else:
                wanted.append(identifier)
        if first in wanted:
            wanted.remove(first)
            wanted.insert(0, first)
        return wanted, refused

    def find(self, address: str) -> Member | None:
        """Return who is meant by `address` in a question: by login, else by any address that only one user has.

        An address by which a mailbox may be found counts for more than another: anybody may write any into a profile.
        """
        wanted = address.strip().lower()
        candidates = list(self._by_address.get(wanted, {}).values())
        for member in candidates:
            if member.user.login_email.lower() == wanted:
                return member
        identified = [member for member in candidates if wanted in _values(member.user)]
        if len(identified or candidates) == 1:
            return (identified or candidates)[0]
        holder = self._holders.get(wanted)
        return self._members.get(holder) if holder else None

    def holder(self, address: str) -> Member | None:
        """Return whose mailbox this is."""
        user_id = self._holders.get(address)
        return self._members.get(user_id) if user_id else None

    def contested(self, mailbox: Mailbox, identifier: Identifier) -> bool:
        """Whether nobody may have this mailbox by this identifier, because two users claim it no worse."""
        return _strength(identifier, mailbox) <= self._contested.get(mailbox.address, -1)

    def claim(self, member: Member, mailbox: Mailbox, identifier: Identifier) -> Member | None:
        """Give `mailbox` to `member`, or note why not; return whoever has lost it by this.

        After the call `member.coverage` says how it ended. In whatever order claims come, the same user ends up with
        the mailbox, or nobody.
        """
        strength = _strength(identifier, mailbox)
        loser = self.holder(mailbox.address)
        if loser is None or loser is member:
            if self.contested(mailbox, identifier):
                self._lose(member, identifier=identifier, code="shared")
                return None
            loser = None
        else:
            held = _strength(loser.identifier, mailbox)
            if strength < held:
                self._lose(member, identifier=identifier, code="taken")
                return None
            if strength == held:
                self._contested[mailbox.address] = strength
                self._lose(loser, identifier=loser.identifier, code="shared")
                self._lose(member, identifier=identifier, code="shared")
                return loser
            self._lose(loser, identifier=loser.identifier, code="taken")
        self._holders[mailbox.address] = member.user.id
        member.coverage, member.mailbox, member.identifier = Coverage.COVERED, mailbox, identifier
        member.reason, member.next_try, member.failures = "", None, 0
        return loser

    def release(self, member: Member, *, coverage: Coverage, reason: str = "") -> None:
        """Take the mailbox away from `member`."""
        if member.mailbox and self._holders.get(member.mailbox.address) == member.user.id:
            del self._holders[member.mailbox.address]
        member.coverage, member.mailbox, member.identifier, member.reason = coverage, None, None, reason
        member.failures = 0

    def language(self) -> str | None:
        """Return the language tag that most users have: the company's."""
        counts: dict[str, int] = {}
        for member in self._members.values():
            if member.user.language:
                counts[member.user.language] = counts.get(member.user.language, 0) + 1
        return max(counts, key=lambda tag: counts[tag]) if counts else None

    @property
    def covered(self) -> int:
        """How many have a mailbox."""
        return len(self._holders)

    def _add(self, user: RainbowUser) -> Member:
        member = self._members[user.id] = Member(user)
        for address in addresses(user):
            self._by_address.setdefault(address, {})[user.id] = member
        return member

    def _drop(self, member: Member) -> None:
        if member.mailbox and self._holders.get(member.mailbox.address) == member.user.id:
            del self._holders[member.mailbox.address]
            self._contested.pop(member.mailbox.address, None)
        for attempt in member.tries:
            if attempt.code == "shared":
                # Whoever else was refused for this user's sake gets another chance at the next try.
                self._contested.clear()
        self._unindex(member)
        del self._members[member.user.id]

    def _rename(self, member: Member, user: RainbowUser) -> bool:
        """Take the new record; return whether the identifier that worked is gone, or one may now work that is new."""
        before = _values(member.user)
        self._unindex(member)
        member.user = user
        for address in addresses(user):
            self._by_address.setdefault(address, {})[user.id] = member
        after = _values(user)
        if member.identifier is not None:
            return _folded(member.identifier.value) not in after
        return before != after

    def _unindex(self, member: Member) -> None:
        for address in addresses(member.user):
            entries = self._by_address.get(address, {})
            entries.pop(member.user.id, None)
            if not entries:
                self._by_address.pop(address, None)

    def _lose(self, member: Member, *, identifier: Identifier | None, code: str) -> None:
        if identifier is not None:
            member.tries.append(Try(identifier, code))
        self.release(member, coverage=Coverage.FAILED, reason=code)

    def _learn_domains(self) -> None:
        if self._configured_domains is not None:
            self._domains = self._configured_domains
            return
        self._domains = frozenset(
            _domain(address)
            for member in self._members.values()
            for address in (member.user.login_email, *member.user.work_emails)
        ) - {""}


def _strength(identifier: Identifier | None, mailbox: Mailbox) -> int:
    """Rate a claim: a login that is the mailbox's own address, a login that leads to it, anything else."""
    if identifier is None or identifier.kind is not IdentifierKind.LOGIN:
        return 0
    return 2 if identifier.value.strip().lower() == mailbox.address else 1


def _has_form(identifier: Identifier) -> bool:
    """Whether Exchange could know it: an address; an external UID may as well be a UPN, a SID or an alias."""
    return "@" in identifier.value or identifier.kind is IdentifierKind.EXTERNAL_UID


def _identifiers(user: RainbowUser) -> Iterator[Identifier]:
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
    return {address for address in (*_values(user), *map(_folded, user.other_emails)) if address}


def _values(user: RainbowUser) -> list[str]:
    return [_folded(identifier.value) for identifier in _identifiers(user)]


def _folded(address: str) -> str:
    return address.strip().lower()


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else ""
