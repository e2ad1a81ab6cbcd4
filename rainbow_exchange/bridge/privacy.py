"""What of an appointment may leave the building, and by which rule. Pure; `docs/explanation/privacy.md` says why.

Whatever shows appointments to anybody asks here: no other place decides about a subject.
"""

import fnmatch
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rainbow_exchange.bridge.member import Member, addresses, folded
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.bridge.turns import in_turns
from rainbow_exchange.model import Appointment, Sensitivity


class Privacy(StrEnum):
    """How much of an appointment leaves the building (`bridge.privacy`), in the order of strictness."""

    FULL = "full"
    PRIVATE_MASKED = "private-masked"
    BUSY_ONLY = "busy-only"

    @property
    def strictness(self) -> int:
        """Compare levels by this."""
        return list(Privacy).index(self)


class SubjectRule(StrEnum):
    """Why the subject of an appointment is shown as it is."""

    AS_WRITTEN = "as-written"
    UNTITLED = "untitled"
    NOT_TOLD = "not-told"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The level that holds for somebody; `pattern` is that of the exception that made it so, None: `bridge.privacy`."""

    level: Privacy
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class _Exception:
    pattern: str
    level: Privacy
    matches: re.Pattern[str]


class PrivacyRules:
    """The company's level and the exceptions from it: address pattern (`*` stands for anything) → level.

    The mailbox's primary address decides: of the patterns that match it the strictest, where none does the company's
    level. Any other address of the person can only make that stricter: nobody is shown more for an address that he has
    put into his profile, and nobody less hidden for being known by another one. The order of exceptions says nothing.
    """

    def __init__(
        self,
        level: Privacy = Privacy.PRIVATE_MASKED,
        exceptions: Mapping[str, Privacy] | None = None,
        *,
        mask_personal: bool = True,
    ) -> None:
        self.level = level
        #: of the exceptions
        self.patterns = list(exceptions or ())
        self.mask_personal = mask_personal
        self._masked = {Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL}
        if mask_personal:
            self._masked.add(Sensitivity.PERSONAL)
        #: address by which a mailbox is known → the exceptions that name an address of that mailbox
        self._aliases: dict[str, list[_Exception]] = {}
        self._exceptions = [
            _Exception(pattern, given, re.compile(_expression(pattern)))
            for pattern, given in (exceptions or {}).items()
        ]

    @property
    def busy_only(self) -> bool:
        """Whether anybody can be at `busy-only`."""
        return Privacy.BUSY_ONLY in {self.level, *(exception.level for exception in self._exceptions)}

    @property
    def stricter_addresses(self) -> list[str]:
        """The exceptions that name one address, and may make its owner's level stricter."""
        return [each.pattern for each in self._exceptions if "*" not in each.pattern and each.level is not Privacy.FULL]

    def learn(self, address: str, mailbox: str) -> bool:
        """Note that an address of an exception belongs to the mailbox with this one; return whether that is new."""
        known = self._aliases.setdefault(folded(mailbox), [])
        new = [each for each in self._exceptions if each.pattern == folded(address) and each not in known]
        known += new
        return bool(new)

    def of(self, primary: str | None, others: Iterable[str] = ()) -> Applied:
        """Return what holds for whoever has this primary address (None: not known) and these others."""
        applied = Applied(level=self.level)
        found = [each for each in self._exceptions if primary is not None and each.matches.fullmatch(folded(primary))]
        if found:
            strictest = max(found, key=lambda each: each.level.strictness)
            applied = Applied(level=strictest.level, pattern=strictest.pattern)
        known = list(map(folded, others))
        matching = [each for each in self._exceptions if any(map(each.matches.fullmatch, known))]
        for each in (*matching, *self._aliases.get(folded(primary or ""), ())):
            if each.level.strictness > applied.level.strictness:
                applied = Applied(level=each.level, pattern=each.pattern)
        return applied

    def of_member(self, member: Member) -> Applied:
        """Return what holds for a member: the addresses are the mailbox's, and whatever Rainbow has of the user."""
        mailbox = member.mailbox
        others = addresses(member.user)
        if mailbox is not None and mailbox.principal is not None:
            others.add(mailbox.principal)
        return self.of(mailbox.smtp if mailbox else None, others)

    def matching(self, known: Iterable[str], *, among: Collection[str]) -> set[str]:
        """Return the patterns of `among` that match any of these addresses."""
        names = [folded(address) for address in known]
        aliases = {each.pattern for name in names for each in self._aliases.get(name, ())}
        matching = (each for each in self._exceptions if each.pattern in among)
        return {each.pattern for each in matching if each.pattern in aliases or any(map(each.matches.fullmatch, names))}

    def subject(self, entry: Appointment, level: Privacy) -> SubjectRule:
        """Say what becomes of a subject at this level."""
        if level is Privacy.BUSY_ONLY:
            return SubjectRule.HIDDEN
        if level is Privacy.PRIVATE_MASKED and entry.sensitivity in self._masked:
            return SubjectRule.MASKED
        if entry.subject is None:
            return SubjectRule.NOT_TOLD
        return SubjectRule.AS_WRITTEN if _is_visible(entry.subject) else SubjectRule.UNTITLED


class PrivacyOfPeople:
    """What holds for each mailbox by the roster as it stands now: a new address in Rainbow counts at once."""

    def __init__(self, rules: PrivacyRules, roster: Roster) -> None:
        self.rules = rules
        self._roster = roster
        #: mailbox → the user that it was found out for, and what
        self._found: dict[str, tuple[object, Privacy]] = {}
        #: mailbox → the level by which Rainbow was told
        self._levels: dict[str, Privacy] = {}

    def at(self, address: str) -> Privacy:
        """Return the level of whoever has this mailbox."""
        if not self.rules.patterns:
            return self.rules.level
        member = self._roster.holder(address)
        if member is None:
            # A question about whoever had it a moment ago may be under way: nothing is less hidden than it was then.
            before = self._found.get(address)
            levels = [self.rules.of(address).level, *([before[1]] if before else [])]
            return max(levels, key=lambda level: level.strictness)
        found = self._found.get(address)
        if found is None or found[0] is not member.user:
            found = self._found[address] = (member.user, self.rules.of_member(member).level)
            self._levels.setdefault(address, found[1])
        return found[1]

    def learn(self, address: str, mailbox: str) -> bool:
        """Note that an address of an exception belongs to the mailbox with this one; return whether that is new."""
        new = self.rules.learn(address, mailbox)
        if new:
            self._found.clear()
        return new

    def changed(self) -> Iterator[list[str]]:
        """Give the mailboxes whose level is another than when this was asked last, or when it was first asked for.

        A part of everybody is looked at for each.
        """
        for some, _more in in_turns(self._roster if self.rules.patterns else ()):
            changed = []
            for member in some:
                if member.mailbox is not None:
                    address = member.mailbox.address
                    before, level = self._levels.get(address), self.at(address)
                    self._levels[address] = level
                    if before is not None and before is not level:
                        changed.append(address)
            yield changed
        for known, _more in in_turns(self._levels):
            for address in known:
                if self._roster.holder(address) is None:
                    del self._levels[address]
                    self._found.pop(address, None)
            yield []

    def strike_matched(self, patterns: dict[str, None], members: Iterable[Member]) -> None:
        """Take out of `patterns` those that match any of these members who has a mailbox."""
        for member in members if patterns else ():
            if member.mailbox is not None:
                known = [member.mailbox.address, *addresses(member.user)]
                for pattern in self.rules.matching(known, among=patterns):
                    del patterns[pattern]


def _expression(pattern: str) -> str:
    """Write a pattern as an expression; of the wildcards that `fnmatch` knows only `*` is one."""
    return fnmatch.translate(folded(pattern).replace("[", "[[]").replace("?", "[?]"))


def _is_visible(subject: str) -> bool:
    """Whether there is anything to see: more than white space, marks of direction, and what XML could not carry."""
    return subject[:1].isalnum() or any(
        not (character.isspace() or character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cf"})
        for character in subject
    )
