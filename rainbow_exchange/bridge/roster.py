"""Rainbow users → mailboxes: which identifier worked, which were tried, and why they failed. Pure.

The identifiers of a user are tried in Rainbow's order: login, work addresses, personal addresses, external UID. One
mailbox belongs to one user: the match by login wins (of two such, the login that is its very address), else nobody, and
it is reported. An address that stands in the profiles of several users leads none of them anywhere but the one whose
login it is, even before it is tried.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rainbow_exchange.bridge.claims import SHARED, TAKEN, Claims
from rainbow_exchange.bridge.member import (
    Coverage,
    Identifier,
    IdentifierKind,
    Member,
    Try,
    addresses,
    domain,
    domains_of,
    folded,
    has_form,
    identifiers_of,
    values_of,
)
from rainbow_exchange.bridge.standings import Standings
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

__all__ = ["Changes", "Coverage", "Identifier", "IdentifierKind", "Member", "Roster", "Try", "addresses"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a new list of users changed.

    `changed` are to be tried anew: their addresses are others, or have become another's, too. `freed` were refused a
    mailbox that is theirs now.
    """

    added: tuple[Member, ...] = ()
    removed: tuple[Member, ...] = ()
    changed: tuple[Member, ...] = ()
    freed: tuple[Member, ...] = ()


class Roster:
    """The users of the company and the mailboxes that are theirs.

    `domains`: where personal addresses count; None means those of logins and work addresses, or a user could claim
    another's mailbox by editing a profile.
    """

    def __init__(self, *, domains: Iterable[str] | None = None) -> None:
        self._configured_domains = frozenset(domain.lower() for domain in domains) if domains else None
        self._domains: Counter[str] = Counter()
        self._expected: set[str] = set()
        self._members: dict[str, Member] = {}
        self._by_address: dict[str, tuple[Member, ...]] = {}
        self._holders: dict[str, str] = {}
        self._claims = Claims()
        self._freed: dict[str, Member] = {}
        self._shared: dict[str, None] = {}
        self.standings = Standings()

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
        self.expect(listed.values())
        known = self.keep(listed)
        new = self.take(listed.values())
        self.expect(())
        changed = {member.user.id: member for member in (*known.changed, *new.changed)}
        freed = {member.user.id: member for member in (*known.freed, *new.freed)}
        return Changes(
            new.added,
            known.removed,
            tuple(changed.values()),
            tuple(member for member in freed.values() if member.user.id not in changed),
        )

    def keep(self, listed: Mapping[str, RainbowUser]) -> Changes:
        """Take what a full listing says of those who are known; the newcomers in it are for `take`."""
        gone = self.drop(self._members.keys() - listed.keys())
        known = self.take(user for user in listed.values() if user.id in self._members)
        freed = {member.user.id: member for member in (*gone.freed, *known.freed)}
        return Changes((), gone.removed, known.changed, tuple(freed.values()))

    def drop(self, user_ids: Iterable[str]) -> Changes:
        """Let go of these users; return what that changed."""
        removed = tuple(filter(None, map(self._members.get, user_ids)))
        for member in removed:
            self._drop(member)
        return Changes((), removed, (), tuple(self.freed()))

    def take(self, users: Iterable[RainbowUser]) -> Changes:
        """Take these users, known or new; return what that changed."""
        added, renamed, changed = [], [], {}
        for user in users:
            known = self._members.get(user.id)
            if known is None:
                added.append(self._add(user))
            elif known.user is not user and known.user != user:
                if self._rename(known, user):
                    changed[user.id] = known
                renamed.append(known)
        for member in (*added, *renamed):
            for value in values_of(member.user):
                for other in self._by_address[value] if len(self._by_address[value]) > 1 else ():
                    found_by = other.identifier
                    if found_by and folded(found_by.value) == value and self._rival(other, found_by) == SHARED:
                        changed[other.user.id] = other  # where it is the newcomer's login, that claim will do
        freed = tuple(each for each in self.freed() if each.user.id not in changed)
        return Changes(tuple(added), (), tuple(changed.values()), freed)

    def add(self, user: RainbowUser) -> tuple[Member, Changes]:
        """Take one user outside a full listing; return the member, known or new, and what that changed."""
        changes = self.take([user])
        return self._members[user.id], changes

    def expect(self, users: Iterable[RainbowUser], *, besides: bool = False) -> None:
        """Have personal addresses count in the domains of these users too, until they are taken or others expected.

        `besides`: in those of whoever was expected before as well.
        """
        expected = self._expected if besides else set[str]()
        self._expected = expected.union(*map(domains_of, users))

    def identifiers(self, member: Member, *, first: Identifier | None = None) -> tuple[list[Identifier], list[Try]]:
        """Return what to try, in order, and what not, with the reason; `first` goes ahead if it is still the user's."""
        wanted: list[Identifier] = []
        refused: list[Try] = []
        seen: set[str] = set()
        for identifier in identifiers_of(member.user):
            value = identifier.value.lower()
            if value in seen:
                continue
            seen.add(value)
            if code := self.refusal(member, identifier):
                refused.append(Try(identifier, code))
            else:
                wanted.append(identifier)
        if first in wanted:
            wanted.remove(first)
            wanted.insert(0, first)
        return wanted, refused

    def refusal(self, member: Member, identifier: Identifier) -> str:
        """Say why an identifier may not be tried, "" if it may: "gone", "form", "domain", "taken", "shared"."""
        if self._members.get(member.user.id) is not member or identifier not in identifiers_of(member.user):
            return "gone"
        if not has_form(identifier):
            return "form"
        if not self._counts(identifier):
            return "domain"
        return self._rival(member, identifier)

    def _counts(self, identifier: Identifier) -> bool:
        if identifier.kind is not IdentifierKind.PERSONAL:
            return True
        wanted = domain(folded(identifier.value))
        if self._configured_domains is not None:
            return wanted in self._configured_domains
        return wanted in self._domains or wanted in self._expected

    def _rival(self, member: Member, identifier: Identifier) -> str:
        """Say whether another user has the same address: "taken" where it is that one's login, else "shared"."""
        value = folded(identifier.value)
        if identifier.kind is IdentifierKind.LOGIN:
            return ""
        code = ""
        for other in self._by_address.get(value, ()):
            if other is member:
                continue
            if folded(other.user.login_email) == value:
                return TAKEN
            if any(folded(each.value) == value and self._counts(each) for each in identifiers_of(other.user)):
                code = SHARED
        return code

    @property
    def shared(self) -> dict[str, list[Member]]:
        """The addresses that stand in the profiles of several users and are nobody's login, with these users."""
        return {address: list(self._by_address[address]) for address in self._shared}

    def freed(self) -> list[Member]:
        """Return, once, whoever was refused a mailbox that is theirs now."""
        freed, self._freed = self._freed, {}
        return [
            member
            for member in freed.values()
            if member.coverage is not Coverage.COVERED
            and any(each.code in {TAKEN, SHARED} and not self.refusal(member, each.identifier) for each in member.tries)
        ]

    def find(self, address: str) -> Member | None:
        """Return who is meant by `address` in a question: by login, else by any address that only one user has.

        An address by which a mailbox may be found counts for more than another: anybody may write any into a profile.
        """
        wanted = address.strip().lower()
        candidates = self._by_address.get(wanted, ())
        for member in candidates:
            if member.user.login_email.lower() == wanted:
                return member
        identified = [member for member in candidates if wanted in values_of(member.user)]
        if len(identified or candidates) == 1:
            return (identified or candidates)[0]
        holder = self._holders.get(wanted)
        return self._members.get(holder) if holder else None

    def named(self, name: str) -> Member | None:
        """Return who is meant by what a person of this machine names: Rainbow's id of a user, or an address."""
        return self._members.get(name.strip()) or self.find(name)

    def having(self, address: str) -> list[Member]:
        """Return everybody who has this address."""
        return list(self._by_address.get(folded(address), ()))

    def knows(self, address: str) -> bool:
        """Whether anybody has this address, be it one or several."""
        return folded(address) in self._by_address

    def holder(self, address: str) -> Member | None:
        """Return whose mailbox this is."""
        user_id = self._holders.get(address)
        return self._members.get(user_id) if user_id else None

    def rivals(self, member: Member) -> dict[str, list[Member]]:
        """Return the addresses and mailboxes of others that this member has or claims as well, with those others."""
        found = {
            mailbox: [self._members[user_id] for user_id in sorted(others) if user_id in self._members]
            for mailbox, others in self._claims.rivals(member.user.id).items()
        }
        for value in values_of(member.user):
            others = [each for each in self._by_address.get(value, ()) if each is not member]
            if also := [each for each in others if value in values_of(each.user)]:
                found[value] = also
        return found

    def contested(self, member: Member, mailbox: Mailbox, identifier: Identifier) -> bool:
        """Whether this claim would fail, because another is as strong, or stronger."""
        return bool(self._claims.verdict(mailbox.address, member.user.id, _strength(identifier, mailbox)))

    def claim(self, member: Member, mailbox: Mailbox, identifier: Identifier) -> Member | None:
        """Give `mailbox` to `member`, or note why not; return whoever has lost it by this.

        After the call `member.coverage` says how it ended. In whatever order claims come, the same user ends up with
        the mailbox, or nobody.
        """
        address, strength = mailbox.address, _strength(identifier, mailbox)
        self._claims.make(address, member.user.id, strength)
        code = self._claims.verdict(address, member.user.id, strength)
        holder = self.holder(address)
        if code:
            self._lose(member, identifier=identifier, code=code)
        loser = holder if holder is not member and code != TAKEN else None
        if loser is not None:
            self._lose(loser, identifier=loser.identifier, code=code or TAKEN)
        if not code:
            self._holders[address] = member.user.id
            member.coverage, member.mailbox, member.identifier = Coverage.COVERED, mailbox, identifier
            member.reason, member.next_try, member.failures = "", None, 0
            self.stands(member)
            self._withdraw(member, but=address)
        return loser

    def release(self, member: Member, *, coverage: Coverage, reason: str = "") -> None:
        """Take the mailbox away from `member`; nothing is claimed by it any more."""
        self._let_go(member, coverage=coverage, reason=reason)
        if reason not in {TAKEN, SHARED}:
            self._withdraw(member)

    def stands(self, member: Member) -> None:
        """Take account of where a member stands now: whoever changes its coverage, reason or failures says so."""
        if self._members.get(member.user.id) is member:
            self.standings.note(member)

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
        self._index(member)
        self.stands(member)
        return member

    def _drop(self, member: Member) -> None:
        if member.mailbox and self._holders.get(member.mailbox.address) == member.user.id:
            del self._holders[member.mailbox.address]
        self._unindex(member)
        self.standings.forget(member)
        del self._members[member.user.id]
        self._withdraw(member)

    def _rename(self, member: Member, user: RainbowUser) -> bool:
        """Take the new record; return whether the user is to be tried anew.

        So it is if the identifier that worked is gone, or if there is one that would have been tried before it.
        """
        before = values_of(member.user)
        self._unindex(member)
        member.user = user
        self._index(member)
        after = list(identifiers_of(user))
        if member.identifier is None or member.mailbox is None:
            return before != values_of(user)
        worked = folded(member.identifier.value)
        place = next((place for place, each in enumerate(after) if folded(each.value) == worked), None)
        if place is None:
            return True
        member.identifier = after[place]
        self._claims.make(member.mailbox.address, user.id, _strength(after[place], member.mailbox))
        tried = before[: before.index(worked)] if worked in before else []
        return any(folded(each.value) not in tried for each in after[:place])

    def _index(self, member: Member) -> None:
        for address in addresses(member.user):
            self._by_address[address] = (*self._by_address.get(address, ()), member)
            self._note_shared(address)
        self._domains.update(domains_of(member.user))

    def _unindex(self, member: Member) -> None:
        for address in addresses(member.user):
            others = tuple(each for each in self._by_address.pop(address, ()) if each is not member)
            for other in others:
                if any(
                    each.code in {TAKEN, SHARED} and folded(each.identifier.value) == address for each in other.tries
                ):
                    self._freed[other.user.id] = other
            if others:
                self._by_address[address] = others
            self._note_shared(address)
        self._domains -= Counter(domains_of(member.user))

    def _note_shared(self, address: str) -> None:
        entries = self._by_address.get(address, ())
        have = [each for each in entries if address in values_of(each.user)] if len(entries) > 1 else []
        if len(have) > 1 and not any(folded(each.user.login_email) == address for each in have):
            self._shared[address] = None
        else:
            self._shared.pop(address, None)

    def _withdraw(self, member: Member, *, but: str = "") -> None:
        for user_id in self._claims.withdraw(member.user.id, but=but):
            if other := self._members.get(user_id):
                self._freed[user_id] = other

    def _lose(self, member: Member, *, identifier: Identifier | None, code: str) -> None:
        if identifier is not None:
            member.tries.append(Try(identifier, code))
        self._let_go(member, coverage=Coverage.FAILED, reason=code)

    def _let_go(self, member: Member, *, coverage: Coverage, reason: str) -> None:
        if member.mailbox and self._holders.get(member.mailbox.address) == member.user.id:
            del self._holders[member.mailbox.address]
        member.coverage, member.mailbox, member.identifier, member.reason = coverage, None, None, reason
        member.failures = 0
        self.stands(member)


def _strength(identifier: Identifier | None, mailbox: Mailbox) -> int:
    """Rate a claim: a login that is the mailbox's own address, a login that leads to it, anything else."""
    if identifier is None or identifier.kind is not IdentifierKind.LOGIN:
        return 0
    return 2 if identifier.value.strip().lower() == mailbox.address else 1
