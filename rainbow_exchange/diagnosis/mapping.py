"""Which mailbox is a user's, or why none is: in words, with what to do about it. Pure.

What is wrong with many at once is `bridge.people`'s; here each person is told apart.
"""

from dataclasses import dataclass

from rainbow_exchange.bridge.claims import SHARED, TAKEN
from rainbow_exchange.bridge.people import name_of
from rainbow_exchange.bridge.roster import Identifier, Member, Roster
from rainbow_exchange.bridge.standings import trouble_of
from rainbow_exchange.bridge.troubles import TROUBLES
from rainbow_exchange.network.shown import few
from rainbow_exchange.words import _, sentences

#: how many of those who share something are named
NAMED = 3

_RESTORE = _("Leave each address with the one user whose it is, in Rainbow's administration.")
_FINDINGS = {
    "mailbox-denied": "no-right",
    "mailbox-impersonation-denied": "no-right",
    "mailbox-not-found": "no-mailbox",
    "user-without-address": "no-address",
    "mailbox-disabled": "out-of-use",
    "mailbox-refused": "not-accepted",
    "mailbox-postponed": "postponed",
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """What was found: `finding` is a word of `docs/reference/commands.md`; `problem` the id of a problem, or ""."""

    finding: str
    says: str
    suggestion: str = ""
    problem: str = ""


def mapping_of(member: Member, roster: Roster) -> Mapping:
    """Say which mailbox is this member's by what, or why none is."""
    if member.mailbox is not None and member.identifier is not None:
        return _found(member.identifier, member.mailbox.address)
    problem = trouble_of(member)
    if problem == "mailbox-shared":
        return _contested(member, roster)
    if not problem:
        again = _("It did not work yet ({reason}), and is tried again.", reason=member.reason) if member.reason else ""
        return Mapping("pending", again or _("It was not tried yet."))
    finding = _FINDINGS[problem]
    says, suggestion = _words(finding, member)
    untried = [attempt.identifier.value for attempt in member.tries if attempt.code == "domain"]
    if untried and finding in {"no-mailbox", "no-address"}:
        return Mapping(
            "not-tried-domain",
            sentences(
                says,
                _("Not tried, since the domain is not one of the company's: {untried}.", untried=few(untried, NAMED)),
            ),
            _(
                "Give the user a work address in Rainbow; or, if the domain is the company's, name it in"
                " bridge.domains."
            ),
            problem,
        )
    return Mapping(finding, says, suggestion, problem)


def _found(identifier: Identifier, mailbox: str) -> Mapping:
    value = identifier.value.strip().lower()
    if value == mailbox:
        return Mapping("own-address", "")
    return Mapping("alias", _("{value} is an alias of {mailbox}.", value=identifier.value.strip(), mailbox=mailbox))


def _words(finding: str, member: Member) -> tuple[str, str]:
    match finding:
        case "no-mailbox":
            return (
                _("Exchange knows no mailbox by any of the user's addresses."),
                _("Compare the user's login and work addresses in Rainbow with the mailboxes in Exchange."),
            )
        case "no-address":
            return (
                _("The user has no address that a mailbox could have."),
                _("Give the user a work address in Rainbow's administration."),
            )
        case "postponed":
            return (
                _("Exchange refuses to watch the mailbox for now ({reason}).", reason=member.reason),
                _("It is tried again by itself. If it stays, look up the code in Microsoft's list."),
            )
        case "out-of-use":
            return (
                _("The account or mailbox is out of use in Exchange ({reason}).", reason=member.reason),
                _("Enable the account, renew its password or mend the mailbox; then rainbow-exchange retry."),
            )
        case "not-accepted":
            return (
                _("Exchange does not accept the request for this mailbox ({reason}).", reason=member.reason),
                _("Has the service account a mailbox of its own, and is Exchange 2013 or newer?"),
            )
    # when it is tried again stands beside each person as a time
    step = TROUBLES[trouble_of(member)].step
    return _("Exchange denies access to the mailbox ({reason}).", reason=member.reason), step


def _contested(member: Member, roster: Roster) -> Mapping:
    """Say whose the address or the mailbox is that this member has as well."""
    rivals = roster.rivals(member)
    values = [attempt.identifier.value.strip() for attempt in member.tries if attempt.code in {TAKEN, SHARED}]
    also = next((value for value in values if value.lower() in rivals), None)
    mailbox = next((each for each in rivals if each not in {value.lower() for value in values}), None)
    if also is not None:
        who = few(rivals[also.lower()], NAMED, name_of)
        says = _("{also} is an address of {who} as well, {whose}.", also=also, who=who, whose=_whose(member))
        return Mapping("two-users-one-mailbox", says, _RESTORE, "mailbox-shared")
    if mailbox is None:
        return Mapping(
            "two-users-one-mailbox",
            _("An address or the mailbox is another user's as well."),
            _RESTORE,
            "mailbox-shared",
        )
    who, alias = few(rivals[mailbox], NAMED, name_of), values[0] if values else _("One of the addresses")
    if member.reason == TAKEN:
        return Mapping(
            "alias-of-another",
            _("{alias} is an alias of {mailbox}, the mailbox of {who}.", alias=alias, mailbox=mailbox, who=who),
            _("Give the user an address of an own mailbox in Rainbow, or take the alias away from that mailbox."),
            "mailbox-shared",
        )
    return Mapping(
        "two-users-one-mailbox",
        _(
            "{alias} leads to {mailbox}, as an address of {who} does, {whose}.",
            alias=alias,
            mailbox=mailbox,
            who=who,
            whose=_whose(member),
        ),
        _RESTORE,
        "mailbox-shared",
    )


def _whose(member: Member) -> str:
    return _("whose login it is") if member.reason == TAKEN else _("so it leads neither to a mailbox")
