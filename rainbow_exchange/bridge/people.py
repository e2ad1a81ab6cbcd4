"""What is wrong with whom: the problems that concern single users, from where the roster says they stand. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rainbow_exchange.bridge.claims import SHARED, TAKEN
from rainbow_exchange.bridge.roster import Coverage, Member
from rainbow_exchange.network.shown import few

#: how many people a problem names before it only counts them
NAMED = 5
#: how often in a row a mailbox is refused for a reason that may pass until people should know
POSTPONED_OFTEN = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a problem says: `severity` as in `model.Problem`; `text` takes the names {0} and their number {1}."""

    severity: str
    text: str
    action: str


#: problem id → what it says. That somebody has no mailbox is worth knowing, but nothing that we fall short of.
TROUBLES = {
    "user-without-address": Trouble(
        "notice",
        "{1} user(s) have no address that a mailbox could have: {0}.",
        "Give them a work e-mail address in Rainbow's administration.",
    ),
    "mailbox-not-found": Trouble(
        "notice",
        "No mailbox was found for {1} user(s): {0}.",
        "Compare their login and work addresses in Rainbow with the mailboxes in Exchange. Tried again daily.",
    ),
    "mailbox-denied": Trouble(
        "warning",
        "Exchange denies access to the mailbox of {1} user(s): {0}.",
        "Grant the service account ApplicationImpersonation (or Reviewer, without impersonation). Tried again hourly.",
    ),
    "mailbox-impersonation-denied": Trouble(
        "warning",
        "Exchange does not let the service account act for {1} user(s): {0}.",
        "Give the account the role ApplicationImpersonation; or, if it is to be only a Reviewer of the calendars, set"
        " exchange.impersonation = false. Tried again hourly.",
    ),
    "mailbox-disabled": Trouble(
        "warning",
        "The account or mailbox of {1} user(s) is out of use in Exchange: {0}.",
        "Enable the account, renew its password or mend the mailbox. Tried again daily, or by rainbow-exchange retry.",
    ),
    "mailbox-refused": Trouble(
        "warning",
        "Exchange does not accept the request for the mailbox of {1} user(s): {0}.",
        "Has the service account a mailbox of its own, and is Exchange 2013 or newer? Tried again daily, or by"
        " rainbow-exchange retry.",
    ),
    "mailbox-postponed": Trouble(
        "warning",
        "Exchange refuses to watch the mailbox of {1} user(s) for now: {0}.",
        "It is tried again by itself, at least every five minutes. If it stays, look up the code in Microsoft's list.",
    ),
    "mailbox-shared": Trouble(
        "warning",
        "{1} user(s) have an address or a mailbox that is another user's too, and no other: {0}.",
        "A mailbox belongs to one user only, to the one whose login it is. Let each user have the own address as login"
        " or work address in Rainbow's administration, and take it out everywhere else.",
    ),
    "rainbow-user-refused": Trouble(
        "warning",
        "Rainbow does not let itself be told of {1} user(s): {0}.",
        "Were they removed in Rainbow just now? The users are listed anew, and these are told of again hourly.",
    ),
}
_CONTESTED = frozenset({TAKEN, SHARED})
_IMPERSONATION = frozenset({"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"})
_DISABLED = frozenset({"ErrorAccountDisabled", "ErrorPasswordExpired", "ErrorMailboxConfiguration"})
_NOBODY = frozenset({"ErrorNonExistentMailbox", "ErrorInvalidSmtpAddress", "ErrorMailRecipientNotFound"})
_REFUSED = frozenset(
    {
        "ErrorMissingEmailAddress",
        "ErrorInvalidExchangeImpersonationHeaderData",
        "ErrorSchemaValidation",
        "ErrorInvalidRequest",
        "ErrorInvalidServerVersion",
        "ErrorInvalidSubscriptionRequest",
    }
)
_BY_CODE = {
    **dict.fromkeys(_IMPERSONATION, "mailbox-impersonation-denied"),
    **dict.fromkeys(_DISABLED, "mailbox-disabled"),
    **dict.fromkeys(_NOBODY, "mailbox-not-found"),
    **dict.fromkeys(_REFUSED, "mailbox-refused"),
}


def troubled(members: Iterable[Member]) -> dict[str, list[Member]]:
    """Sort those who have trouble by the id of their problem."""
    found: dict[str, list[Member]] = {}
    for member in members:
        if problem := trouble_of(member):
            found.setdefault(problem, []).append(member)
    return found


def trouble_of(member: Member) -> str:
    """Give the id of the problem that somebody has, "" for none."""
    if member.coverage is Coverage.FAILED:
        return _problem(member.reason)
    return "mailbox-postponed" if is_postponed(member) else ""


def is_postponed(member: Member) -> bool:
    """Whether a mailbox was refused again and again for a reason that may pass."""
    return member.coverage is Coverage.PENDING and member.failures >= POSTPONED_OFTEN


def refused_to_all(members: Iterable[Member]) -> str | None:
    """Give the ResponseCode with which Exchange refuses everybody who has a mailbox; None while it serves anyone."""
    codes = set()
    for member in members:
        if member.coverage is Coverage.FAILED and member.reason in {"no-address", "no-mailbox"}:
            continue
        if not is_postponed(member):
            return None
        codes.add(member.reason)
    return codes.pop() if len(codes) == 1 else None


def names(members: list[Member]) -> str:
    """Name some of them, each with the reason where the roster has one."""
    return few(members, NAMED, _name)


def name_of(member: Member) -> str:
    """Give what a person knows this user by."""
    return member.user.login_email or member.user.id


def why(member: Member) -> str:
    """Say why a member has no mailbox: the reason, and what was not even tried, with the reason for that."""
    if member.reason in _CONTESTED:
        also = {attempt.identifier.value: None for attempt in member.tries if attempt.code in _CONTESTED}
        return f"{member.reason}: {', '.join(also)}" if also else member.reason
    skipped = [
        f"{attempt.identifier.value} not tried: {attempt.code}"
        for attempt in member.tries
        if attempt.code in {"domain", "form"}
    ]
    return "; ".join([member.reason, *skipped]) if member.reason in {"no-mailbox", "no-address"} else member.reason


def sharing(shared: Mapping[str, list[Member]]) -> Trouble | None:
    """Say which addresses several users have, so that questions for them cannot be answered."""
    if not shared:
        return None
    shown = few(list(shared.items()), NAMED, lambda each: f"{each[0]} ({', '.join(map(name_of, each[1]))})")
    return Trouble(
        "notice",
        f"{len(shared)} address(es) stand in the profiles of several users: {shown}.",
        "They lead none of them to a mailbox, and a question of Rainbow's for such an address is answered that there is"
        " nobody. Leave each with the one user whose address it is, in Rainbow's administration.",
    )


def trouble_by(reason: str, who: str) -> tuple[str, Trouble]:
    """Give the problem of one user whose mailbox is refused with this code: its id, and what it says.

    Nothing is said of the next try: that is for whoever tries again by himself.
    """
    found = _problem(reason)
    trouble = TROUBLES[found]
    text = trouble.text.replace("{1} user(s)", "the user").format(f"{who} ({reason})")
    return found, replace(trouble, text=text, action=trouble.action.partition(" Tried again")[0])


def _name(member: Member) -> str:
    return f"{name_of(member)} ({why(member)})" if member.reason else name_of(member)


def _problem(reason: str) -> str:
    match reason:
        case "no-address":
            return "user-without-address"
        case "no-mailbox":
            return "mailbox-not-found"
        case reason if reason in _CONTESTED:
            return "mailbox-shared"
        case _:
            return _BY_CODE.get(reason, "mailbox-denied")
